// The safetensors format: what is written reads back bit for bit, and no hostile file gets past the checks.
#include "needlecpp/io/safetensors.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "needlecpp/core/allocator.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

namespace fs = std::filesystem;
using namespace needlecpp;

namespace {

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string with_length(uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}

// A file of this header and this many bytes of data.
std::string file_of(const std::string& header, size_t data_bytes) {
  return with_length(header.size(), header + std::string(data_bytes, '\0'));
}

// Loads a file of these bytes and returns what the error says; every error names the file.
std::string complaint(const Folder& folder, const std::string& bytes) {
  const std::string path = folder.file("hostile.safetensors");
  write_bytes(path, bytes);
  try {
    load_safetensors(path);
  } catch (const ValueError& error) {
    const std::string text = error.what();
    REQUIRE(text.rfind("[safetensors] " + path + ": ", 0) == 0);
    return text.substr(path.size() + 16);
  }
  return "accepted";
}

Tensor bytes_as(const Shape& shape, DType dtype) {
  Tensor tensor = Tensor::empty(shape, dtype);
  unsigned char* bytes = static_cast<unsigned char*>(tensor.raw());
  for (size_t i = 0; i < tensor.nbytes(); ++i)
    bytes[i] = static_cast<unsigned char>(dtype == DType::Bool ? i % 2 : i * 37 + 11);
  return tensor;
}

}  // namespace

TEST_CASE("every dtype and rank comes back bit for bit, in order, with the metadata") {
  const Folder folder;
  const std::string path = folder.file("all.safetensors");
  NamedTensors tensors;
  for (int dtype = 0; dtype < kNumDTypes; ++dtype)
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{7}, Shape{3, 5}, Shape{2, 0, 4}, Shape{1, 2, 3, 1, 2}})
      tensors.emplace_back(std::string(name(static_cast<DType>(dtype))) + to_string(shape),
                           bytes_as(shape, static_cast<DType>(dtype)));
  const std::map<std::string, std::string> metadata = {
      {"", "empty key"}, {"json", "{\"a\": [1, \"\\\"\"]}"}, {"\xC3\xA9t\xC3\xA9", "line\nend\t"}};
  save_safetensors(path, tensors, metadata);
  REQUIRE(folder.entries() == 1);  // no temporary file is left

  const SafetensorsFile file = load_safetensors(path);
  REQUIRE(file.metadata == metadata);
  REQUIRE(file.tensors.size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name_before, before] = tensors[i];
    const auto& [name_after, after] = file.tensors[i];
    INFO(name_before);
    // Tensors without elements take no bytes, so they share an offset with a neighbour: order holds all the same.
    REQUIRE(name_after == name_before);
    REQUIRE(after.shape() == before.shape());
    REQUIRE(after.dtype() == before.dtype());
    REQUIRE(memcmp(after.raw(), before.raw(), before.nbytes()) == 0);
  }
}

TEST_CASE("a file without tensors") {
  const Folder folder;
  save_safetensors(folder.file("none"), {});
  REQUIRE(load_safetensors(folder.file("none")).tensors.empty());
  REQUIRE(load_safetensors(folder.file("none")).metadata.empty());
}

TEST_CASE("the bytes on disk are those of the published format") {
  const Folder folder;
  save_safetensors(folder.file("x"), {{"w", Tensor::from_vector<float>({1.5f, -2}, {2, 1})}}, {{"k", "v"}});
  std::ifstream stream(folder.file("x"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  std::string header = R"({"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  REQUIRE(bytes == with_length(header.size(), header + std::string("\0\0\xC0\x3F\0\0\0\xC0", 8)));
}

TEST_CASE("views are written in C order and loading follows the data, not the header") {
  const Folder folder;
  const Tensor base = Tensor::from_vector<int32_t>({1, 2, 3, 4, 5, 6}, {2, 3});
  save_safetensors(folder.file("t"), {{"turned", base.view({3, 2}, {1, 3}, 0)}});
  REQUIRE(load_safetensors(folder.file("t")).tensors[0].second.to_vector<int32_t>() ==
          std::vector<int32_t>{1, 4, 2, 5, 3, 6});

  write_bytes(folder.file("o"), file_of(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},)"
                                        R"("a":{"shape":[1],"data_offsets":[0,1],"dtype":"U8"}}   )",
                                        2));
  const SafetensorsFile file = load_safetensors(folder.file("o"));
  REQUIRE(file.tensors[0].first == "a");
  REQUIRE(file.tensors[1].first == "b");
}

TEST_CASE("a leaf that requires grad can be saved and stays a leaf") {
  const Folder folder;
  const Tensor weight = Tensor::ones({2, 2});
  weight.set_requires_grad(true);
  save_safetensors(folder.file("w"), {{"w", weight}, {"turned", transpose(weight)}});
  REQUIRE(weight.is_leaf());
  REQUIRE_FALSE(load_safetensors(folder.file("w")).tensors[0].second.requires_grad());
}

TEST_CASE("files that are too short or claim impossible headers") {
  const Folder folder;
  REQUIRE(says(complaint(folder, ""), "too short"));
  REQUIRE(says(complaint(folder, "1234567"), "too short"));
  REQUIRE(says(complaint(folder, with_length(3, "{}")), "header's length is wrong"));
  REQUIRE(says(complaint(folder, with_length(UINT64_MAX, "{}")), "header's length is wrong"));
  REQUIRE(says(complaint(folder, with_length(UINT64_MAX - 7, "{}")), "header's length is wrong"));
  REQUIRE(says(complaint(folder, with_length(0, "")), "not UTF-8 encoded JSON"));
  // A header beyond the limit is refused although the file is that long (the file is sparse).
  const std::string path = folder.file("long");
  write_bytes(path, with_length(100'000'001, "{"));
  fs::resize_file(path, 100'000'100);
  REQUIRE_THROWS_AS(load_safetensors(path), ValueError);
}

TEST_CASE("headers that are not what the format says") {
  const Folder folder;
  const auto header = [&](const std::string& text) { return complaint(folder, file_of(text, 0)); };
  for (const char* text : {"{", "{}}", "{} x", "nonsense", "{\"a\":}", "{'a':1}", "{\"a\xFF\":1}", "{\"\xC3\":1}",
                           "\xEF\xBB\xBF", "{\"a\":\"\\ud800\"}", "{\"\n\":1}"})
    REQUIRE(says(header(text), "not UTF-8 encoded JSON"));
  for (const char* text : {"[]", "3", "null", "\"x\"", "-1", "1.5", "true"})
    REQUIRE(says(header(text), "expected an object"));
  for (const char* text : {"{\"a\":[]}", "{\"a\":3}", "{\"a\":null}", "{\"a\":\"x\"}", "{\"__metadata__\":[]}"})
    REQUIRE(says(header(text), "expected an object"));
  for (const char* value : {"1", "null", "true", "{}", "[]", "1.5", "-3"})
    REQUIRE(says(header(std::string("{\"__metadata__\":{\"k\":") + value + "}}"), "expected a string"));
}

TEST_CASE("deep nesting stops at once") {
  const Folder folder;
  const std::string deep(2'000'000, '[');
  REQUIRE(says(complaint(folder, file_of(deep, 0)), "expected an object"));
  REQUIRE(says(complaint(folder, file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":" + deep, 0)), "holds a list"));
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  REQUIRE(says(complaint(folder, file_of(objects, 0)), "unknown field 'a'"));
}

TEST_CASE("names that appear twice") {
  const Folder folder;
  const std::string a = R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  REQUIRE(complaint(folder, file_of("{" + a + "}", 0)) == "accepted");
  REQUIRE(says(complaint(folder, file_of("{" + a + "," + a + "}", 0)), "'a' appears twice"));
  REQUIRE(says(complaint(folder, file_of(R"({"__metadata__":{},"__metadata__":{}})", 0)), "appears twice"));
  REQUIRE(says(complaint(folder, file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0)), "'k' appears twice"));
  REQUIRE(says(complaint(folder, file_of(R"({"a":{"dtype":"U8","dtype":"U8"}})", 0)), "'dtype' twice"));
  // An error quotes no more of a hostile name than fits a line, and cuts no character in two.
  std::string accents;
  for (int i = 0; i < 25'000; ++i) accents += "\xC3\xA9";
  const std::string text = complaint(folder, file_of("{\"x" + accents + "\":3}", 0));
  REQUIRE(text.size() < 300);
  REQUIRE(says(text, "\xC3\xA9...'"));
}

TEST_CASE("entries with wrong fields") {
  const Folder folder;
  const auto entry = [&](const std::string& dtype, const std::string& shape, const std::string& offsets,
                         size_t data = 8) {
    return complaint(
        folder,
        file_of("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}", data));
  };
  REQUIRE(entry("\"F32\"", "[2]", "[0,8]") == "accepted");

  for (const char* dtype : {"\"F8_E4M3\"", "\"I8\"", "\"U64\"", "\"f32\"", "\"\""})
    REQUIRE(says(entry(dtype, "[2]", "[0,8]"), "expected one of F32"));
  for (const char* dtype : {"3", "null", "[]", "{}", "true"})
    REQUIRE(says(entry(dtype, "[2]", "[0,8]"), "expected a string"));

  for (const char* shape : {"[-2]", "[2.0]", "[\"2\"]", "[null]", "[[2]]", "[{}]", "2", "null", "\"2\"", "{}", "[1e1]",
                            "[18446744073709551616]", "[-9223372036854775809]"})
    REQUIRE(says(entry("\"F32\"", shape, "[0,8]"), "expected a list of non-negative integers"));
  REQUIRE(says(entry("\"F32\"", "[1,1,1,1,1,1,1,1,1,1,1,1,2]", "[0,8]"), "more than 12 axes"));
  REQUIRE(says(entry("\"F32\"", "[18446744073709551615]", "[0,8]"), "has an axis of 18446744073709551615"));
  REQUIRE(says(entry("\"F32\"", "[9223372036854775807]", "[0,8]"), "has an axis of"));
  REQUIRE(says(entry("\"F32\"", "[1152921504606846976]", "[0,8]"), "wrong size"));
  // 2^62 elements of 4 bytes, and products that would wrap around to 8.
  REQUIRE(says(entry("\"F32\"", "[4611686018427387904]", "[0,8]"), "more than fits in memory"));
  REQUIRE(says(entry("\"U8\"", "[4294967296,4294967296]", "[0,0]"), "more than fits in memory"));
  REQUIRE(says(entry("\"F64\"", "[2305843009213693952,8]", "[0,0]"), "more than fits in memory"));
  REQUIRE(says(entry("\"F32\"", "[3,6148914691236517206]", "[0,8]"), "has an axis of"));
  // Beside an empty axis too, since strides are products of sizes.
  REQUIRE(says(entry("\"F32\"", "[0,4611686018427387904]", "[0,0]", 0), "more than fits in memory"));

  for (const char* offsets : {"[0,-8]", "[0.0,8]", "[\"0\",8]", "[0]", "[]", "[0,8,8]", "8", "null", "[null,8]"})
    REQUIRE(says(entry("\"F32\"", "[2]", offsets), "expected two non-negative integers"));
  REQUIRE(says(entry("\"F32\"", "[2]", "[8,0]"), "outside the file"));
  REQUIRE(says(entry("\"F32\"", "[2]", "[1,9]"), "outside the file"));
  REQUIRE(says(entry("\"F32\"", "[2]", "[0,18446744073709551615]"), "outside the file"));
  REQUIRE(says(entry("\"F32\"", "[2]", "[18446744073709551608,0]"), "outside the file"));
  REQUIRE(says(entry("\"F32\"", "[1]", "[0,8]"), "got 8 bytes, expected 4"));
  REQUIRE(says(entry("\"F32\"", "[3]", "[0,8]"), "got 8 bytes, expected 12"));
  REQUIRE(says(entry("\"F32\"", "[2]", "[0,8]", 7), "outside the file"));
  REQUIRE(says(entry("\"F32\"", "[2]", "[0,8]", 9), "do not fill the file"));

  REQUIRE(says(complaint(folder, file_of(R"({"a":{"dtype":"U8","shape":[0]}})", 0)), "lacks one of"));
  REQUIRE(says(complaint(folder, file_of(R"({"a":{}})", 0)), "lacks one of"));
  REQUIRE(says(complaint(folder, file_of(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}})", 0)),
               "unknown field 'x'"));
}

TEST_CASE("ranges that overlap or leave holes") {
  const Folder folder;
  const auto two = [&](const char* first, const char* second, size_t data) {
    return complaint(folder, file_of(std::string(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)") + first +
                                         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                                     data));
  };
  REQUIRE(two("[0,4]", "[4,8]", 8) == "accepted");
  REQUIRE(two("[4,8]", "[0,4]", 8) == "accepted");
  REQUIRE(says(two("[0,4]", "[2,6]", 6), "'b' overlaps its neighbour"));
  REQUIRE(says(two("[0,4]", "[0,4]", 4), "overlaps its neighbour"));
  REQUIRE(says(two("[0,4]", "[5,9]", 9), "'b' follows a hole"));
  REQUIRE(says(two("[1,5]", "[5,9]", 9), "'a' follows a hole"));
}

TEST_CASE("booleans are 0 or 1") {
  const Folder folder;
  const std::string header = R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  REQUIRE(says(complaint(folder, with_length(header.size(), header + "\x01\x02")), "byte other than 0 and 1"));
}

TEST_CASE("every prefix of a good file is refused") {
  const Folder folder;
  save_safetensors(folder.file("good"), {{"a", bytes_as({3}, DType::Float32)}, {"b", bytes_as({5}, DType::UInt8)}},
                   {{"k", "v"}});
  std::ifstream stream(folder.file("good"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  for (size_t length = 0; length < bytes.size(); ++length) {
    INFO(length);
    REQUIRE(complaint(folder, bytes.substr(0, length)) != "accepted");
  }
}

TEST_CASE("a flipped byte never crashes") {
  const Folder folder;
  save_safetensors(folder.file("good"), {{"a", bytes_as({3}, DType::Float32)}, {"b", bytes_as({5}, DType::Bool)}});
  std::ifstream stream(folder.file("good"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  size_t refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      refused += complaint(folder, damaged) != "accepted";
    }
  REQUIRE(refused > bytes.size());  // most damage to the header is noticed; damage to the data cannot be
}

TEST_CASE("what cannot be read or written is an error that names the path") {
  const Folder folder;
  const auto message = [](auto&& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string missing = folder.file("missing");
  REQUIRE(says(message([&] { load_safetensors(missing); }), missing + ": cannot be read"));
  REQUIRE(says(message([&] { load_safetensors(folder.file("")); }), "cannot be read"));
  const std::string nowhere = folder.file("no/such/folder/x");
  REQUIRE(says(message([&] { save_safetensors(nowhere, {}); }), nowhere + ": cannot be written"));
  // A folder in the place of the file: everything is written, then the rename fails and the temporary file goes.
  fs::create_directories(folder.file("taken/inside"));
  REQUIRE(says(message([&] { save_safetensors(folder.file("taken"), {}); }), "cannot be written"));
  REQUIRE(folder.entries() == 1);
  try {
    save_safetensors(nowhere, {});
  } catch (const FileError& error) {
    REQUIRE(error.path() == nowhere);
    REQUIRE(error.code() == ENOENT);
  }
  REQUIRE_THROWS_AS(load_safetensors("/dev/null"), FileError);
  REQUIRE_THROWS_AS(load_safetensors(""), Error);
  REQUIRE_THROWS_AS(save_safetensors("", {}), Error);
}

TEST_CASE("a folder without write permission") {
  const Folder folder;
  fs::create_directories(folder.file("locked"));
  fs::permissions(folder.file("locked"), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_exec);
  const bool root = geteuid() == 0;  // root may write everywhere, so act as nobody for a moment
  if (root) REQUIRE(seteuid(65534) == 0);
  std::string text;
  try {
    save_safetensors(folder.file("locked/x"), {});
  } catch (const Error& error) {
    text = error.what();
  }
  if (root) REQUIRE(seteuid(0) == 0);
  REQUIRE(says(text, "locked/x: cannot be written: got \"Permission denied\""));
}

TEST_CASE("a disk that fills up leaves the old file whole") {
  const Folder folder;
  const std::string path = folder.file("model");
  save_safetensors(path, {{"a", Tensor::ones({3})}});
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 1 << 16;  // stands in for the full disk
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string text;
  try {
    save_safetensors(path, {{"a", Tensor::ones({1 << 20})}});
  } catch (const Error& error) {
    text = error.what();
  }
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  signal(SIGXFSZ, handler);
  REQUIRE(says(text, "cannot be written"));
  REQUIRE(folder.entries() == 1);
  REQUIRE(load_safetensors(path).tensors[0].second.numel() == 3);
}

TEST_CASE("a save that fails leaves the old file whole") {
  const Folder folder;
  const std::string path = folder.file("model");
  save_safetensors(path, {{"a", Tensor::ones({3})}});
  REQUIRE_THROWS_AS(save_safetensors(path, {{"a", Tensor::zeros({3})}, {"a", Tensor::zeros({3})}}), ValueError);
  REQUIRE_THROWS_AS(save_safetensors(path, {{"a", Tensor()}}), ValueError);
  REQUIRE_THROWS_AS(save_safetensors(path, {{"__metadata__", Tensor::zeros({3})}}), ValueError);
  REQUIRE_THROWS_AS(save_safetensors(path, {{"\xFF", Tensor::zeros({3})}}), ValueError);
  REQUIRE_THROWS_AS(save_safetensors(path, {}, {{"k", "\xC3("}}), ValueError);
  REQUIRE(load_safetensors(path).tensors[0].second.to_vector<float>() == std::vector<float>{1, 1, 1});
  REQUIRE(folder.entries() == 1);
  save_safetensors(path, {{"a", Tensor::zeros({3})}});
  REQUIRE(load_safetensors(path).tensors[0].second.to_vector<float>() == std::vector<float>{0, 0, 0});
  REQUIRE(folder.entries() == 1);
}

TEST_CASE("the memory limit holds while loading") {
  const Folder folder;
  save_safetensors(folder.file("big"), {{"a", Tensor::zeros({1 << 20})}});
  set_memory_limit(memory_stats().current + (1 << 20));
  REQUIRE_THROWS_AS(load_safetensors(folder.file("big")), MemoryError);
  set_memory_limit(0);
  REQUIRE(load_safetensors(folder.file("big")).tensors[0].second.numel() == 1 << 20);
}
