// What the ops of camera.h ask of a device.
#pragma once

#include "core/run.h"
#include "needlecpp/render/camera.h"

namespace needlecpp {

// The first thing that is wrong with the numbers of cameras.
struct CameraFault {
  enum Kind { None, NotFinite, NoFocalLength, UnknownLens } kind = None;
  int64_t camera = 0;
  int32_t lens = 0;
};
// Contiguous poses [n, 3, 4] and intrinsics [n, k] float32, lenses [n] int32 or none.
NDL_DECLARE_RUN(CameraFault, run_check_cameras, (View poses, View intrinsics, View lenses))

// Where camera[i] is outside [0, cameras), for the smallest such i; -1 where none is. Contiguous int32.
NDL_DECLARE_RUN(int64_t, run_find_unknown_camera, (View camera, int64_t cameras))

// Pixels of one camera in rows of `width`, from pixel `first` on.
struct PixelRun {
  int64_t camera, first, width;
};
// Rays through pixels [n, 2] float32 of cameras `camera` [n] int32, or, where these are not given, through the centres
// of `run`. Cameras as above; origins and directions [n, 3]. All are contiguous.
NDL_DECLARE_RUN(void, run_make_rays,
                (View poses, View intrinsics, View lenses, View camera, View pixels, const PixelRun& run, View origins,
                 View directions))

// origins and directions [n, 3] -> near and far [n]. All are contiguous float32.
NDL_DECLARE_RUN(void, run_box_intervals, (const Box& box, View origins, View directions, View near, View far))

}  // namespace needlecpp
