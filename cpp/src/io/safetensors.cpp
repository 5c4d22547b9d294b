// Reading and writing safetensors. The header is parsed by events, never into a JSON tree: whatever a file claims, the
// reader holds no more than one small entry for each tensor named in it, nesting beyond the format's three levels stops
// the parse at once, and names that appear twice are seen (a tree would keep the last one silently). A tensor is
// allocated only after the byte ranges of all of them have been found to tile the file.
#include "needlecpp/io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <unordered_set>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/ops/elementwise.h"

namespace needlecpp {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little endian and so must the machine be");

using nlohmann::json;

constexpr const char* kOp = "safetensors";
constexpr uint64_t kMaxHeader = 100'000'000;  // the reference implementation's limit
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kDTypeNames[kNumDTypes] = {"F32", "F64", "F16", "BF16", "I32", "I64", "U8", "BOOL"};

[[noreturn]] void malformed(const std::string& path, const std::string& what) {
  detail::fail<ValueError>(kOp, path, ": ", what);
}
[[noreturn]] void failed(const std::string& path, const char* what, int error) {
  throw FileError(
      detail::concat("[", kOp, "] ", path, ": cannot be ", what, ": got \"", std::system_category().message(error),
                     "\", expected a usable file. Check the path, its permissions and the space left."),
      path, error);
}

// A name from a file as it appears in messages: not longer than a line.
std::string shown(const std::string& text) {
  constexpr size_t kLongest = 100;
  if (text.size() <= kLongest) return "'" + text + "'";
  size_t length = kLongest;
  while (length > 0 && (text[length] & 0xC0) == 0x80) --length;  // not in the middle of a character
  return "'" + text.substr(0, length) + "...'";
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  int close() {
    const int result = ::close(descriptor_);
    descriptor_ = -1;
    return result;
  }

 private:
  int descriptor_;
};

void read_exactly(const std::string& path, int file, void* to, uint64_t bytes, uint64_t at) {
  char* next = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = pread(file, next, bytes, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failed(path, "read", errno);
    if (got == 0) malformed(path, "the file became shorter while it was being read. Save it again.");
    next += got;
    at += static_cast<uint64_t>(got);
    bytes -= static_cast<uint64_t>(got);
  }
}

void write_exactly(const std::string& path, int file, const void* from, size_t bytes) {
  const char* next = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t done = write(file, next, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) failed(path, "written", errno);
    next += done;
    bytes -= static_cast<size_t>(done);
  }
}

struct Entry {
  std::string name;
  DType dtype = DType::Float32;
  Shape shape;
  uint64_t offsets[2] = {0, 0};
  int n_offsets = 0;
  unsigned seen = 0;  // one bit a field, to notice missing and repeated ones
};

// Follows the header's events through its levels:
//   { "__metadata__": { key: string, ... }, name: { "dtype": string, "shape": [...], "data_offsets": [b, e] }, ... }
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;

  bool start_object(size_t) override {
    if (level_ == Level::File) return enter(Level::Header);
    if (level_ == Level::Header) return enter(key_ == kMetadataKey ? Level::Metadata : Level::Entry);
    return unexpected("an object");
  }
  bool end_object() override {
    if (level_ == Level::Entry && entries.back().seen != (kDType | kShape | kOffsets))
      return fail("tensor " + shown(entries.back().name) + " lacks one of dtype, shape, data_offsets");
    return enter(level_ == Level::Header ? Level::File : Level::Header);
  }
  bool key(string_t& text) override {
    key_ = text;
    if (level_ == Level::Header) {
      if (!names_.insert(text).second) return fail("the name " + shown(text) + " appears twice");
      if (text != kMetadataKey) entries.emplace_back().name = text;
    } else if (level_ == Level::Entry) {
      const unsigned field = text == "dtype"          ? kDType
                             : text == "shape"        ? kShape
                             : text == "data_offsets" ? kOffsets
                                                      : 0;
      if (field == 0) return fail("tensor " + shown(entries.back().name) + " has an unknown field " + shown(text));
      if (entries.back().seen & field)
        return fail("tensor " + shown(entries.back().name) + " has " + shown(text) + " twice");
      entries.back().seen |= field;
      field_ = field;
    }
    return true;
  }
  bool start_array(size_t) override {
    if (level_ == Level::Entry && field_ != kDType) return enter(Level::Numbers);
    return unexpected("a list");
  }
  bool end_array() override {
    if (field_ == kOffsets && entries.back().n_offsets != 2) return unexpected("fewer than two numbers");
    return enter(Level::Entry);
  }
  bool string(string_t& text) override {
    if (level_ == Level::Metadata) {
      if (!metadata.emplace(key_, text).second) return fail("the metadata key " + shown(key_) + " appears twice");
      return true;
    }
    if (level_ != Level::Entry || field_ != kDType) return unexpected("a string");
    for (int i = 0; i < kNumDTypes; ++i)
      if (text == kDTypeNames[i]) {
        entries.back().dtype = static_cast<DType>(i);
        return true;
      }
    return fail("tensor " + shown(entries.back().name) + " has dtype " + shown(text) +
                ", expected one of F32, F64, F16, BF16, I32, I64, U8, BOOL");
  }
  bool number_unsigned(uint64_t value) override {
    if (level_ != Level::Numbers) return unexpected("a number");
    Entry& entry = entries.back();
    if (field_ == kOffsets) {
      if (entry.n_offsets == 2) return unexpected("more than two numbers");
      entry.offsets[entry.n_offsets++] = value;
      return true;
    }
    if (entry.shape.size() == kMaxRank)
      return fail("tensor " + shown(entry.name) + " has more than " + std::to_string(kMaxRank) + " axes");
    if (value > kMaxSize) return fail("tensor " + shown(entry.name) + " has an axis of " + std::to_string(value));
    entry.shape.push_back(static_cast<int64_t>(value));
    return true;
  }
  bool number_integer(int64_t) override { return unexpected("a negative number"); }
  // Integers beyond 64 bits arrive here as well.
  bool number_float(double, const string_t& text) override { return unexpected("the number " + shown(text)); }
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  // The parser's own message quotes the input, which need not be text.
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    return fail("the header is not UTF-8 encoded JSON: got a wrong byte at position " + std::to_string(position));
  }

  static constexpr uint64_t kMaxSize = uint64_t{1} << 62;

 private:
  enum class Level { File, Header, Metadata, Entry, Numbers };
  static constexpr unsigned kDType = 1, kShape = 2, kOffsets = 4;

  bool enter(Level level) {
    level_ = level;
    return true;
  }
  bool fail(std::string what) {
    problem = std::move(what);
    return false;
  }
  bool unexpected(const std::string& what) {
    switch (level_) {
      case Level::File:
        return fail("the header is " + what + ", expected an object");
      case Level::Header:
        return fail("the entry " + shown(key_) + " is " + what + ", expected an object");
      case Level::Metadata:
        return fail("the metadata value of " + shown(key_) + " is " + what + ", expected a string");
      case Level::Entry:
      case Level::Numbers:
        break;
    }
    return fail("the field " + shown(key_) + " of tensor " + shown(entries.back().name) + " is or holds " + what +
                (field_ == kDType   ? ", expected a string"
                 : field_ == kShape ? ", expected a list of non-negative integers"
                                    : ", expected two non-negative integers"));
  }

  Level level_ = Level::File;
  unsigned field_ = 0;
  std::string key_;
  std::unordered_set<std::string> names_;
};

// Elements times item size, or a complaint: nothing is multiplied before it is known to fit. Beside an empty axis the
// others must fit as well, since strides are products of them.
uint64_t checked_bytes(const std::string& path, const Entry& entry) {
  uint64_t bytes = itemsize(entry.dtype);
  bool empty = false;
  for (int64_t size : entry.shape) {
    empty = empty || size == 0;
    if (size > 0 && bytes > HeaderReader::kMaxSize / static_cast<uint64_t>(size))
      malformed(path,
                "tensor " + shown(entry.name) + " has shape " + to_string(entry.shape) + ", more than fits in memory.");
    if (size > 0) bytes *= static_cast<uint64_t>(size);
  }
  return empty ? 0 : bytes;
}

// Sorts the entries by their place in the data and checks that they cover it exactly.
void check_ranges(const std::string& path, std::vector<Entry>& entries, uint64_t data_bytes) {
  for (const Entry& entry : entries) {
    const auto [begin, end] = entry.offsets;
    if (begin > end || end > data_bytes)
      malformed(path, detail::concat("tensor ", shown(entry.name), " lies outside the file: got bytes [", begin, ", ",
                                     end, "), expected a range within the ", data_bytes,
                                     " bytes of data. The file is cut short or damaged."));
    const uint64_t bytes = checked_bytes(path, entry);
    if (end - begin != bytes)
      malformed(path, detail::concat("tensor ", shown(entry.name), " of shape ", entry.shape, " and dtype ",
                                     name(entry.dtype), " has the wrong size: got ", end - begin, " bytes, expected ",
                                     bytes, "."));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.offsets[0], a.offsets[1]) < std::pair(b.offsets[0], b.offsets[1]);
  });
  uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.offsets[0] != covered)
      malformed(path, detail::concat("tensor ", shown(entry.name), " ",
                                     entry.offsets[0] < covered ? "overlaps its neighbour" : "follows a hole",
                                     ": got a start at byte ", entry.offsets[0], ", expected ", covered, "."));
    covered = entry.offsets[1];
  }
  if (covered != data_bytes)
    malformed(path, detail::concat("the tensors do not fill the file: got ", data_bytes, " bytes of data, expected ",
                                   covered, "."));
}

std::string quoted(const std::string& path, const std::string& text) {
  try {
    return json(text).dump();
  } catch (const json::type_error&) {
    malformed(path, "a name, metadata key or metadata value is not UTF-8. Use text there.");
  }
}

std::string header_of(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  const auto comma = [&] {
    if (header.back() != '{') header += ',';
  };
  if (!metadata.empty()) {
    header += quoted(path, kMetadataKey) + ":{";
    for (const auto& [key, value] : metadata) {
      comma();
      header += quoted(path, key) + ":" + quoted(path, value);
    }
    header += '}';
  }
  std::unordered_set<std::string> names = {kMetadataKey};
  uint64_t at = 0;
  for (const auto& [tensor_name, tensor] : tensors) {
    if (!names.insert(tensor_name).second)
      malformed(path, "the name " + shown(tensor_name) + " is taken. Give every tensor its own name.");
    if (!tensor.defined()) malformed(path, "tensor " + shown(tensor_name) + " is undefined. Leave it out.");
    if (tensor.device().type != DeviceType::CPU)
      detail::fail<TypeError>(kOp, path, ": tensor ", shown(tensor_name), " is elsewhere: got ",
                              to_string(tensor.device()), ", expected cpu. Move it first.");
    comma();
    header += quoted(path, tensor_name) + ":{\"dtype\":\"" + kDTypeNames[static_cast<int>(tensor.dtype())] +
              "\",\"shape\":" + json(tensor.shape().to_vector()).dump() + ",\"data_offsets\":[" + std::to_string(at) +
              ',' + std::to_string(at + tensor.nbytes()) + "]}";
    at += tensor.nbytes();
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');  // the data starts on an 8-byte boundary
  if (header.size() > kMaxHeader)
    malformed(path, detail::concat("the header is too long: got ", header.size(), " bytes, expected at most ",
                                   kMaxHeader, ". Store fewer tensors or less metadata."));
  return header;
}

// A file that vanishes again unless it is renamed into its place.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target)
      : target_(target),
        path_(unique_neighbour(target)),
        file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666)) {
    if (file_.get() < 0) failed(target_, "written", errno);
  }
  ~TemporaryFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  int descriptor() const { return file_.get(); }
  void move_into_place() {
    if (fsync(file_.get()) != 0 || file_.close() != 0 || rename(path_.c_str(), target_.c_str()) != 0)
      failed(target_, "written", errno);
    path_.clear();
    // The new name itself must reach the disk too; a file system that cannot sync folders has done what it can.
    const size_t slash = target_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
    const File opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY));
    if (opened.get() >= 0) fsync(opened.get());
  }

 private:
  static std::string unique_neighbour(const std::string& target) {
    static std::atomic<unsigned> counter{0};
    const size_t name_at = target.rfind('/') + 1;  // npos + 1 is 0
    return target.substr(0, name_at) + "." + target.substr(name_at) + "." + std::to_string(getpid()) + "-" +
           std::to_string(counter++) + ".part";
  }
  std::string target_;
  std::string path_;
  File file_;
};

}  // namespace

SafetensorsFile load_safetensors(const std::string& path) {
  OpScope scope(kOp);
  struct stat status;
  if (stat(path.c_str(), &status) != 0) failed(path, "read", errno);
  if (!S_ISREG(status.st_mode)) failed(path, "read", S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) failed(path, "read", errno);

  const uint64_t file_bytes = static_cast<uint64_t>(status.st_size);
  uint64_t header_bytes = 0;
  if (file_bytes < sizeof header_bytes)
    malformed(path,
              detail::concat("the file is too short: got ", file_bytes, " bytes, expected a header of 8 or more."));
  read_exactly(path, file.get(), &header_bytes, sizeof header_bytes, 0);
  if (header_bytes > kMaxHeader || header_bytes > file_bytes - sizeof header_bytes)
    malformed(path, detail::concat("the header's length is wrong: got ", header_bytes, ", expected at most ",
                                   std::min(kMaxHeader, file_bytes - sizeof header_bytes),
                                   ". This is no safetensors file, or it is cut short."));

  HeaderReader reader;
  {
    std::string header(header_bytes, '\0');
    read_exactly(path, file.get(), header.data(), header_bytes, sizeof header_bytes);
    if (!json::sax_parse(header, &reader)) malformed(path, reader.problem + ".");
  }
  const uint64_t data_at = sizeof header_bytes + header_bytes;
  check_ranges(path, reader.entries, file_bytes - data_at);

  SafetensorsFile result;
  result.metadata = std::move(reader.metadata);
  result.tensors.reserve(reader.entries.size());
  for (const Entry& entry : reader.entries) {
    Tensor tensor = Tensor::empty(entry.shape, entry.dtype, Device{});
    read_exactly(path, file.get(), tensor.raw(), tensor.nbytes(), data_at + entry.offsets[0]);
    if (entry.dtype == DType::Bool) {
      const unsigned char* bytes = static_cast<const unsigned char*>(tensor.raw());
      if (std::any_of(bytes, bytes + tensor.nbytes(), [](unsigned char byte) { return byte > 1; }))
        malformed(path, "tensor " + shown(entry.name) + " of booleans holds a byte other than 0 and 1.");
    }
    result.tensors.emplace_back(entry.name, std::move(tensor));
  }
  return result;
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  OpScope scope(kOp);
  NoGrad no_grad;
  const std::string header = header_of(path, tensors, metadata);
  const uint64_t header_bytes = header.size();
  TemporaryFile file(path);
  write_exactly(path, file.descriptor(), &header_bytes, sizeof header_bytes);
  write_exactly(path, file.descriptor(), header.data(), header.size());
  for (const auto& [tensor_name, tensor] : tensors) {
    const Tensor packed = contiguous(tensor);
    write_exactly(path, file.descriptor(), packed.raw(), packed.nbytes());
  }
  file.move_into_place();
}

}  // namespace needlecpp
