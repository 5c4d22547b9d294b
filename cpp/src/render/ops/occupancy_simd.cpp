// Kernels of the occupancy grid (Mueller et al., "Instant Neural Graphics Primitives", 2022, appendix E.1 and E.2).
//
// Data. One bit a cell, x fastest, so a byte is eight cells of a row along x. Beside it one byte for every block of
// 8^3 cells: the chessboard distance, in blocks, to the nearest block with any occupied cell (0: this one). A block at
// distance d > 0 stands in the middle of an empty cube of 2d - 1 blocks.
//
// The march (read march_ray first). A ray has a fixed sequence t_0 < t_1 < ... that depends on the ray, the options and
// its jitter, never on the grid; the grid only decides which of them are kept. With cone_angle = 0, t_k = t_0 + k step,
// and any k can be jumped to. With cone_angle > 0, t_{k+1} = t_k + clamp(t_k cone_angle, step, max_step), and a jump
// runs the recurrence. Two moves alternate:
//   leap  in an empty block: find where the ray leaves its empty cube and go on at the first t_k beyond;
//   tile  elsewhere: look up the cells of the next kFloats samples at once, whatever blocks they lie in, keep the hits.
// Leaps are conservative. The exit planes are moved inwards by `slack`, a bound on the rounding of o + t d in cells, so
// that no sample is skipped whose own lookup would have found another block. What is kept is therefore exactly what
// looking up every sample keeps, which is what the test compares with. Positions along an axis without motion never
// reach a plane.
//
// Passes. A ray's number of samples is not known before it is marched, and marching twice (count, then write) costs
// twice. So march_rays packs the t of a few dozen rays into scratch that stays in L2, the caller keeps an exact copy,
// and once the prefix sum of the counts is known expand_samples writes positions and the rest, which t determines.
//
// Measured on one thread of a Zen 5 (16384 random rays of a view of some shells, 128^3 cells, 4 % of them occupied, 590
// steps across the box, 19 samples kept a ray), AVX-512: 3.5 million rays a second; with leaps of one block only (no
// distances) 2.0; with tiles only (no leaps) 1.9, and 0.6 instead of 2.4 without AVX. With a cone the recurrence of the
// leaps dominates: 2.0. One ray a lane was not tried: the rays of a vector would wait for the longest of them.
//
// Refresh. Probes are stratified: probe i takes one cell of the i-th run of cells, so that no cell is probed twice,
// threads never write the same cell, and positions come in memory order, which the hash grid likes.
#include "render/ops/occupancy_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {

namespace {

// A ray in cells: cell coordinates are origin + t * direction.
struct GridRay {
  float origin[3];
  float direction[3];
  // A plane at coordinate x along an axis is crossed at t = x * inverse + bias (slack included).
  float inverse[3];
  float bias[3];
  int forward[3];  // 1: towards larger coordinates
};

GridRay to_grid(const OccupancyArgs& grid, const float* origin, const float* direction, float far) {
  GridRay ray;
  for (int axis = 0; axis < 3; ++axis) {
    const float cells = static_cast<float>(grid.resolution) / (grid.high[axis] - grid.low[axis]);
    const float o = (origin[axis] - grid.low[axis]) * cells;
    const float d = direction[axis] * cells;
    const float slack = 1e-6f * (m_abs(o) + m_abs(far * d) + static_cast<float>(grid.resolution));
    ray.origin[axis] = o;
    ray.direction[axis] = d;
    ray.forward[axis] = d >= 0;
    if (m_abs(far * d) < slack) {  // does not move: no plane is ever crossed
      ray.inverse[axis] = 0;
      ray.bias[axis] = INFINITY;
    } else {
      ray.inverse[axis] = 1.0f / d;
      ray.bias[axis] = -o * ray.inverse[axis] - slack * m_abs(ray.inverse[axis]);
    }
  }
  return ray;
}

// The number of the cell (or block) at coordinate x, of those from 0 to last; rounding at the faces of the box must not
// lead outside.
int clamp_cell(float x, int last) {
  const float high = static_cast<float>(last);
  return static_cast<int>(x > 0.0f ? (x < high ? x : high) : 0.0f);
}
IntV clamp_cell(FloatV x, int last) {
  return to_int(min_fast(max_fast(x, FloatV{}), splat<FloatV>(static_cast<float>(last))));
}

// Blocks from the block at t to the nearest occupied one; when that is not 0, `exit` is where the ray leaves the empty
// cube around.
int empty_blocks(const OccupancyArgs& grid, const GridRay& ray, float t, float& exit) {
  const int blocks = grid.resolution / kBlock;
  int block[3];
  for (int axis = 0; axis < 3; ++axis)
    block[axis] = clamp_cell(ray.origin[axis] + t * ray.direction[axis], grid.resolution - 1) / kBlock;
  const int distance = grid.distance[block[0] + blocks * (block[1] + blocks * block[2])];
  if (distance == 0) return 0;
  exit = INFINITY;
  for (int axis = 0; axis < 3; ++axis) {
    const int edge = kBlock * (ray.forward[axis] ? block[axis] + distance : block[axis] - distance + 1);
    const float crossed = static_cast<float>(edge) * ray.inverse[axis] + ray.bias[axis];
    exit = exit < crossed ? exit : crossed;
  }
  return distance;
}

// -1 in the lanes whose sample lies in an occupied cell.
IntV occupied(const OccupancyArgs& grid, const GridRay& ray, FloatV t) {
  const IntV x = clamp_cell(ray.origin[0] + t * ray.direction[0], grid.resolution - 1);
  const IntV y = clamp_cell(ray.origin[1] + t * ray.direction[1], grid.resolution - 1);
  const IntV z = clamp_cell(ray.origin[2] + t * ray.direction[2], grid.resolution - 1);
  const IntV cell = x + grid.resolution * (y + grid.resolution * z);
  // The bits of 32 cells a gather; gather() moves them as floats without looking at them.
  const IntV word = bits<IntV>(gather(reinterpret_cast<const float*>(grid.bits), cell >> 5));
  return -((word >> (cell & 31)) & 1);
}

// Appends the lanes of t whose mask is set; writes up to kFloats values beyond them.
int64_t append(FloatV t, IntV mask, float* kept, int64_t count) {
  float value[kFloats];
  int32_t hit[kFloats];
  store(value, t);
  store(hit, mask);
  for (int i = 0; i < kFloats; ++i) {
    kept[count] = value[i];
    count -= hit[i];
  }
  return count;
}

// The sequence of a ray without a cone: sample k stands at first + k step.
struct EvenSteps {
  float first;
  float step;
  float inverse_step;
  int64_t k = 0;

  float t() const { return first + static_cast<float>(k) * step; }
  void leap(float target) {
    const int64_t next = static_cast<int64_t>((target - first) * inverse_step) + 1;
    k = next > k ? next : k + 1;
  }
  FloatV take_tile() {
    const FloatV numbers = to_float(lane_numbers() + static_cast<int32_t>(k));
    k += kFloats;
    return first + numbers * step;
  }
};

// The sequence of a ray with a cone: the recurrence.
struct ConeSteps {
  float now;
  float step;
  float cone_angle;
  float max_step;

  float t() const { return now; }
  void advance() { now += step_length(now, step, cone_angle, max_step); }
  void leap(float target) {
    do advance();
    while (now < target);
  }
  FloatV take_tile() {
    float tile[kFloats];
    for (int i = 0; i < kFloats; ++i) {
      tile[i] = now;
      advance();
    }
    return load<FloatV>(tile);
  }
};

template <class Steps>
int64_t march_ray(const OccupancyArgs& grid, const GridRay& ray, float far, int64_t max_samples, Steps steps,
                  float* kept) {
  int64_t count = 0;
  for (float t = steps.t(); t < far && count < max_samples; t = steps.t()) {
    float exit;
    if (empty_blocks(grid, ray, t, exit) > 0) {
      if (!(exit < far)) break;
      steps.leap(exit);
      continue;
    }
    const FloatV tile = steps.take_tile();
    const IntV hit = (tile < far) & occupied(grid, ray, tile);
    if (any(hit)) count = append(tile, hit, kept, count);
  }
  return count < max_samples ? count : max_samples;
}

}  // namespace

int64_t march_rays(const MarchArgs& args, int64_t begin, int64_t end, float* kept, int64_t* counts) {
  int64_t total = 0;
  for (int64_t i = begin; i < end; ++i) {
    const float* origin = args.origins + 3 * i;
    const float* direction = args.directions + 3 * i;
    float near, far;
    box_interval(origin, direction, args.grid.low, args.grid.high, near, far);
    near = near > args.near ? near : args.near;
    counts[i] = 0;
    if (!(near < far) || far > 1e30f) continue;  // a miss, a NaN, or a direction of length zero
    const float shift = args.jitter ? uniform24(philox(args.seed, args.draw, static_cast<uint64_t>(i)).x) : 0.5f;
    const float first = near + shift * step_length(near, args.step, args.cone_angle, args.max_step);
    // More steps than this a float cannot count, and where a step is lost in rounding the march would stand still.
    const float reach = first + 8388608.0f * args.step;
    if (far > reach) far = reach;
    if (!(far + 0.5f * args.step > far)) continue;
    const GridRay ray = to_grid(args.grid, origin, direction, far);
    int64_t count;
    if (args.cone_angle > 0) {
      count = march_ray(args.grid, ray, far, args.max_samples,
                        ConeSteps{first, args.step, args.cone_angle, args.max_step}, kept + total);
    } else {
      count =
          march_ray(args.grid, ray, far, args.max_samples, EvenSteps{first, args.step, 1.0f / args.step}, kept + total);
    }
    counts[i] = count;
    total += count;
  }
  return total;
}

void expand_samples(const ExpandArgs& args, int64_t begin, int64_t end, const float* kept) {
  for (int64_t ray = begin; ray < end; ++ray) {
    const float* origin = args.origins + 3 * ray;
    const float* direction = args.directions + 3 * ray;
    for (int64_t i = args.offsets[ray]; i < args.offsets[ray + 1]; ++i) {
      const float t = *kept++;
      args.ray_index[i] = static_cast<int32_t>(ray);
      args.positions[3 * i] = origin[0] + t * direction[0];
      args.positions[3 * i + 1] = origin[1] + t * direction[1];
      args.positions[3 * i + 2] = origin[2] + t * direction[2];
      args.t[i] = t;
      args.dt[i] = step_length(t, args.step, args.cone_angle, args.max_step);
    }
  }
}

void choose_probes(const ProbeArgs& args, int64_t begin, int64_t end, int32_t* cell, float* positions) {
  const OccupancyArgs& grid = args.grid;
  for (int64_t i = begin; i < end; ++i) {
    float point[3];
    cell[i - begin] =
        static_cast<int32_t>(probe(i, args.count, args.cells, grid.resolution, args.seed, args.draw, point));
    for (int axis = 0; axis < 3; ++axis) {
      const float edge = (grid.high[axis] - grid.low[axis]) / static_cast<float>(grid.resolution);
      positions[3 * (i - begin) + axis] = grid.low[axis] + point[axis] * edge;
    }
  }
}

void merge_density(float* density, const int32_t* cell, const float* sigma, float decay, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float before = density[cell[i]];
    const float kept = before < 0 ? 0.0f : before * decay;
    density[cell[i]] = sigma[i] > kept ? sigma[i] : kept;  // a NaN leaves what was there
  }
}

DensitySum sum_density(const float* density, int64_t begin, int64_t end) {
  double sum = 0;
  int64_t count = 0;
  int64_t i = begin;
  while (i < end) {
    // Lanes add up in float over short runs only.
    FloatV total = {};
    IntV probed = {};
    const int64_t stop = end - i > 64 * kFloats ? i + 64 * kFloats : end;
    for (; i < stop; i += kFloats) {
      const int64_t lanes = stop - i < kFloats ? stop - i : kFloats;
      FloatV x = splat<FloatV>(-1.0f);
      memcpy(&x, density + i, static_cast<size_t>(lanes) * sizeof(float));
      const IntV known = x >= 0.0f;
      total = total + (known ? x : FloatV{});
      probed = probed - known;
    }
    i = stop;
    sum += horizontal_sum(total);
    for (int lane = 0; lane < kFloats; ++lane) count += probed[lane];
  }
  return {sum, count};
}

void write_bits(const float* density, float limit, uint8_t* bits, int64_t begin, int64_t end) {
  for (int64_t byte = begin; byte < end; ++byte) {
    const float* cell = density + 8 * byte;
    uint32_t value = 0;
    for (int i = 0; i < 8; ++i) value |= static_cast<uint32_t>((cell[i] > limit) | (cell[i] < 0.0f)) << i;
    bits[byte] = static_cast<uint8_t>(value);
  }
}

int64_t count_bits(const uint8_t* bits, int64_t begin, int64_t end) {
  int64_t total = 0;
  for (int64_t i = begin; i < end; i += 8) {  // the caller's ranges are multiples of eight bytes
    uint64_t word;
    memcpy(&word, bits + i, sizeof word);
    total += __builtin_popcountll(word);
  }
  return total;
}

// Zero where a block has an occupied cell; then two sweeps over the 26 neighbours (Borgefors, "Distance transformations
// in arbitrary dimensions", 1984), which for the chessboard distance give the exact one.
void block_distances(const uint8_t* bits, int resolution, uint8_t* distance) {
  const int n = resolution / kBlock;
  for (int z = 0; z < n; ++z)
    for (int y = 0; y < n; ++y)
      for (int x = 0; x < n; ++x) {
        uint8_t found = 0;
        for (int row = 0; row < kBlock * kBlock; ++row) {
          const int64_t cell_y = kBlock * y + row % kBlock;
          const int64_t cell_z = kBlock * z + row / kBlock;
          found |= bits[x + n * (cell_y + resolution * cell_z)];
        }
        distance[x + n * (y + n * z)] = found ? 0 : 255;
      }
  for (int sweep = 0; sweep < 2; ++sweep) {
    const int64_t total = static_cast<int64_t>(n) * n * n;
    for (int64_t i = 0; i < total; ++i) {
      const int64_t at = sweep == 0 ? i : total - 1 - i;
      const int x = static_cast<int>(at % n);
      const int y = static_cast<int>(at / n % n);
      const int z = static_cast<int>(at / n / n);
      int best = distance[at];
      // The 13 neighbours visited before this block.
      for (int j = 0; j < 13; ++j) {
        const int side = sweep == 0 ? 1 : -1;
        const int nx = x + side * (j % 3 - 1);
        const int ny = y + side * (j / 3 % 3 - 1);
        const int nz = z + side * (j / 9 - 1);
        if (nx < 0 || nx >= n || ny < 0 || ny >= n || nz < 0 || nz >= n) continue;
        const int through = distance[nx + n * (ny + n * nz)] + 1;
        best = through < best ? through : best;
      }
      distance[at] = static_cast<uint8_t>(best);
    }
  }
}

}  // namespace needlecpp::NDL_ISA
