"""Intrinsics in every spelling, and lenses: read, inverted by the engine, refused where they fold over."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needlecpp import _core
from needlecpp.data import DataError, DataWarning, load_scene
from needlecpp.data.lens import FISHEYE, PERSPECTIVE, folded_part
from needlecpp.render.paths import orbit, read_camera_path
from numpy.typing import NDArray

MakeScene = Callable[..., Path]
F64 = NDArray[np.float64]

KEYS = ("fl_x", "fl_y", "cx", "cy", "w", "h")
MATRIX = [[55.0, 0.0, 9.5], [0.0, 56.0, 7.25], [0.0, 0.0, 1.0]]


def spelled(
    *, per_frame: bool = False, keep: tuple[str, ...] = ("w", "h"), **keys: Any
) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        for key in KEYS:
            if key not in keep:
                del document[key]
        for record in document["frames"] if per_frame else [document]:
            record.update(keys)

    return edit


SPELLINGS: dict[str, dict[str, Any]] = {
    "K": {"K": MATRIX},
    "intrinsics": {"intrinsics": MATRIX},
    "intrinsic_matrix": {"intrinsic_matrix": MATRIX},
    "camera_matrix": {"camera_matrix": MATRIX},
    "flat": {"K": [v for row in MATRIX for v in row]},
    "three by four": {"intrinsics": [[*row, 0.0] for row in MATRIX]},
    "four by four": {"intrinsics": [*([*row, 0.0] for row in MATRIX), [0.0, 0.0, 0.0, 1.0]]},
    "times a factor": {"K": [[2 * v for v in row] for row in MATRIX]},
    "list of four": {"intrinsics": [55.0, 56.0, 9.5, 7.25]},
    "OpenCV's": {"camera_matrix": {"rows": 3, "cols": 3, "data": [v for row in MATRIX for v in row]}},
    "nested": {"intrinsics": {"fx": 55.0, "fy": 56.0, "cx": 9.5, "cy": 7.25}},
    "fx": {"fx": 55.0, "fy": 56.0, "cx": 9.5, "cy": 7.25},
    "f_x": {"f_x": 55.0, "f_y": 56.0, "c_x": 9.5, "c_y": 7.25},
    "fl_x": {"fl_x": 55.0, "fl_y": 56.0, "cx": 9.5, "cy": 7.25},
    "text": {"fl_x": "55", "fl_y": "56.0", "cx": "9.5", "cy": "7.25"},
    "fl_x beside K": {"fl_x": 55.0, "fl_y": 56.0, "K": [[1.0, 0.0, 9.5], [0.0, 1.0, 7.25], [0.0, 0.0, 1.0]]},
}


@pytest.mark.parametrize("per_frame", [False, True])
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_intrinsics(name: str, per_frame: bool, capture_scene: MakeScene) -> None:
    scene = load_scene(capture_scene(edit=spelled(per_frame=per_frame, **SPELLINGS[name])), holdout=0)
    assert scene.intrinsics.tolist() == [[55, 56, 9.5, 7.25, 0, 0, 0, 0]] * 9


def test_focal_length_of_both_axes(capture_scene: MakeScene) -> None:
    for i, key in enumerate(("focal", "focal_length")):
        scene = load_scene(capture_scene(name=f"{i}", edit=spelled(**{key: 33.0})), holdout=0)
        assert scene.intrinsics[0, :4].tolist() == [33, 33, 10, 6]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"focal_length": 3.5}, "millimetres"),
        ({"K": [[55.0, 0.0], [0.0, 56.0]]}, "K is 2x2 numbers, expected 3x3"),
        ({"K": [[55.0, 9.0, 10.0], [0.0, 56.0, 6.0], [0.0, 0.0, 1.0]]}, "skew of 9"),
        ({"K": [[0.0, 0.0, 10.0], [0.0, 56.0, 6.0], [0.0, 0.0, 1.0]]}, "K has 0, 56, 1 on its diagonal"),
        ({"K": [["a", 0.0, 10.0], [0.0, 56.0, 6.0], [0.0, 0.0, 1.0]]}, "K is nan"),
        ({"fx": -1.0}, "fx is -1"),
        ({"w": 0}, "w is 0"),
        ({"intrinsics": "intrinsics.txt"}, "camera_angle_x and fl_x are both missing"),
        ({"fl_x": 25.0, "k4": 0.1}, "k4 is 0.1, which camera_model OPENCV has not"),
        ({"fl_x": 25.0, "camera_model": "EQUIRECTANGULAR"}, "camera_model EQUIRECTANGULAR is not supported"),
        ({"fl_x": 25.0, "camera_model": "THIN_PRISM_FISHEYE"}, "camera_model THIN_PRISM_FISHEYE is not supported"),
        ({"fl_x": 25.0, "is_fisheye": True, "p1": 0.1}, "p1 is 0.1, but a fisheye has only"),
        ({"fl_x": 25.0, "distortion": [0.1] * 15}, "distortion is a list of 15"),
        ({"fl_x": 25.0, "distortion": ["x"]}, "distortion is a list of 1"),
    ],
)
def test_intrinsics_that_say_nothing_usable(keys: dict[str, Any], words: str, capture_scene: MakeScene) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load_scene(capture_scene(edit=spelled(**keys)), holdout=0)
    assert "\n" not in str(caught.value)


# Sizes that are not those of the calibration.


@pytest.mark.parametrize(
    ("w", "h", "factor"),
    [
        (80, 48, 0.25),
        (10, 6, 2.0),
        (81, 48, 0.25),
        (79, 49, 0.25),
        (82, 48, 0.25),
        (30, 18, 2 / 3),
        (80, None, 0.25),
        (None, 24, 0.5),
    ],
)
def test_resized_pictures_scale_the_intrinsics(
    w: int | None, h: int | None, factor: float, capture_scene: MakeScene
) -> None:
    stated = {key: value for key, value in (("w", w), ("h", h)) if value is not None}
    edit = spelled(keep=(), fl_x=40.0, fl_y=44.0, cx=36.0, cy=20.0, **stated)
    with pytest.warns(DataWarning, match=r"20x12 where w and h say .* the intrinsics were scaled by") as caught:
        scene = load_scene(capture_scene(edit=edit), holdout=0)
    assert len(caught) == 1
    ratio = [20 / w if w else factor, 12 / h if h else factor]
    expected = [40 * ratio[0], 44 * ratio[1], 36 * ratio[0], 20 * ratio[1]]
    assert scene.intrinsics[0, :4].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("w", "h"), [(12, 20), (80, 40), (40, 12), (20, 11), (19, 12), (200, 110), (88, 48)])
def test_other_shapes_are_refused(w: int, h: int, capture_scene: MakeScene) -> None:
    with pytest.raises(DataError, match=rf"20x12 but [wh] says .*\({w}x{h}\)"):
        load_scene(capture_scene(edit=lambda d: d.update(w=w, h=h)), holdout=0)


def test_angles_of_view_hold_at_any_size(capture_scene: MakeScene) -> None:
    edit = spelled(keep=(), camera_angle_x=0.8, w=40, h=24)
    with pytest.warns(DataWarning, match="scaled by 0.5"):
        scene = load_scene(capture_scene(edit=edit), holdout=0)
    assert scene.intrinsics[0, :4].tolist() == pytest.approx([10 / math.tan(0.4)] * 2 + [10, 6])


def test_a_height_alone_may_be_over_the_ground(capture_scene: MakeScene) -> None:
    edit = spelled(keep=(), per_frame=True, fl_x=25.0, height=120.5)
    assert load_scene(capture_scene(edit=edit), holdout=0).notes == ()


# Lenses.


def lens(**terms: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(terms)


def test_lens_terms_in_opencvs_order(capture_scene: MakeScene) -> None:
    def row(name: str, **terms: Any) -> list[float]:
        scene = load_scene(capture_scene(name=name, edit=lens(**terms)), holdout=0)
        assert scene.lenses is None
        return [float(v) for v in scene.intrinsics[0, 4:]]

    assert row("four", k1=0.1, k2=0.02, p1=0.003, p2=0.004) == pytest.approx([0.1, 0.02, 0.003, 0.004])
    assert row("five", k1=0.1, k3=0.05, k4=0) == pytest.approx([0.1, 0, 0, 0, 0.05])
    full = {"k1": 0.1, "k2": 0.2, "p1": 0.01, "p2": 0.02, "k3": 0.3, "k4": 0.05, "k5": 0.06, "k6": 0.07}
    assert row("eight", camera_model="FULL_OPENCV", **full) == pytest.approx(list(full.values()))
    assert row("model", **full) == pytest.approx(list(full.values()))
    assert row("twelve", s1=0.01, s4=0.02) == pytest.approx([0] * 8 + [0.01, 0, 0, 0.02])
    assert row("vector", distortion=[0.1, 0.02, 0.003, 0.004]) == pytest.approx([0.1, 0.02, 0.003, 0.004])
    assert row("rows", dist_coeffs=[[0.1, 0.02, 0.003, 0.004, 0.05]]) == pytest.approx([0.1, 0.02, 0.003, 0.004, 0.05])
    assert row("data", distortion_coefficients={"data": [0.1, 0, 0, 0, 0]}) == pytest.approx([0.1, 0, 0, 0])


@pytest.mark.parametrize(
    "switch", [{"is_fisheye": True}, {"camera_model": "OPENCV_FISHEYE"}, {"camera_model": "fisheye"}]
)
def test_fisheyes(switch: dict[str, Any], capture_scene: MakeScene) -> None:
    edit = lens(k1=0.02, k2=-0.01, k3=0.003, k4=-0.0004, p1=0, p2=0.0, **switch)
    root = capture_scene(edit=edit)
    scene = load_scene(root, holdout=0)
    assert scene.lenses is not None
    assert scene.lenses.tolist() == [FISHEYE] * 9
    assert scene.intrinsics[0, 4:].tolist() == pytest.approx([0.02, -0.01, 0.003, -0.0004])
    path = read_camera_path(root / "transforms.json", 8, 8)
    assert path.lenses is not None
    assert path.lenses.tolist() == [FISHEYE] * 9
    assert len(path.cameras()) == 9
    assert orbit(scene.poses, scene.intrinsics, 20, 12, 4).intrinsics.shape == (4, 8)


def test_one_frame_may_have_another_lens(capture_scene: MakeScene) -> None:
    edit = lambda document: document["frames"][2].update(is_fisheye=True, k1=0.01)  # noqa: E731
    scene = load_scene(capture_scene(edit=edit), holdout=0)
    assert scene.lenses is not None
    assert scene.lenses.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]


def project(row: F64, kind: int, rays: F64) -> F64:
    """OpenCV's projection of rays [n, 3] in camera axes to pixels, written from its documentation."""
    fx, fy, cx, cy = row[:4]
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = [*row[4:], *np.zeros(16 - len(row))]
    if kind == FISHEYE:
        side = np.linalg.norm(rays[:, :2], axis=1)
        angle = np.arctan2(side, rays[:, 2])
        bent = angle * (1 + k1 * angle**2 + k2 * angle**4 + p1 * angle**6 + p2 * angle**8)  # its third and fourth term
        xy = rays[:, :2] * (bent / np.maximum(side, 1e-300))[:, None]
        return xy * [fx, fy] + [cx, cy]
    x, y = rays[:, 0] / rays[:, 2], rays[:, 1] / rays[:, 2]
    r2 = x * x + y * y
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) + s1 * r2 + s2 * r2**2
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y + s3 * r2 + s4 * r2**2
    return np.stack([u * fx + cx, v * fy + cy], axis=1)


# Real calibrations among them; the width of the picture is 640, its height 480.
REAL: dict[str, tuple[int, list[float]]] = {
    "phone": (PERSPECTIVE, [480, 480, 322, 239, 0.0578, -0.0805, -0.00098, 0.000156]),
    "five terms": (PERSPECTIVE, [400, 401, 318, 242, -0.28, 0.09, 0.0004, -0.0007, -0.013]),
    "strong barrel": (PERSPECTIVE, [330, 330, 320, 240, -0.19, 0.02, 0, 0]),
    "pincushion": (PERSPECTIVE, [400, 400, 320, 240, 0.4, 0.3, 0, 0]),
    "rational": (PERSPECTIVE, [300, 300, 321, 238, 5.1, 2.3, 1e-4, -2e-5, 0.12, 5.4, 3.9, 0.63]),
    "thin prism": (PERSPECTIVE, [400, 400, 320, 240, -0.1, 0.01, 1e-3, 2e-3, 0, 0, 0, 0, 0.01, -0.002, -0.01, 0.003]),
    "fisheye": (FISHEYE, [190, 190, 320, 240, -0.0163, 0.0131, -0.0116, 0.0021]),
    "fisheye of 180 degrees": (FISHEYE, [204, 203, 319, 241, 0.01, -0.002, 0.0003, -0.00001]),
    "fisheye beyond": (FISHEYE, [140, 140, 320, 240, 0, 0, 0, 0]),
    "middle outside": (PERSPECTIVE, [500, 500, -50, 600, -0.1, 0.01, 0, 0]),
}


@pytest.mark.parametrize("name", REAL)
def test_rays_land_on_the_pixels_that_they_leave_from(name: str) -> None:
    kind, row = REAL[name]
    columns = next(n for n in (8, 9, 12, 16) if len(row) <= n)
    padded = np.array(row + [0.0] * (columns - len(row)), np.float32)
    x, y = np.meshgrid(np.linspace(0, 640, 65), np.linspace(0, 480, 49))
    pixels = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    cameras = _core.Cameras(np.eye(3, 4, dtype="f4")[None], padded[None], 640, 480, [kind])
    _, directions = _core.generate_rays(cameras, _tensor(np.zeros(len(pixels), "i4")), _tensor(pixels))
    rays = np.asarray(directions).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1, atol=1e-6)
    back = project(padded.astype(np.float64), kind, rays)
    # In single precision, where half a step of a pixel's coordinate is 3e-5 already.
    assert np.abs(back - pixels).max() < 1.2e-4
    if name == "fisheye of 180 degrees":
        assert rays[:, 2].min() < 0 < rays[:, 2].max()


def _tensor(array: Any) -> Any:
    import needlecpp as ndl

    return ndl.tensor(array)


def test_lenses_mix_in_one_batch() -> None:
    names = list(REAL)
    rows = np.zeros((len(names), 16), np.float32)
    for i, name in enumerate(names):
        rows[i, : len(REAL[name][1])] = REAL[name][1]
    kinds = [REAL[name][0] for name in names]
    poses = np.tile(np.eye(3, 4, dtype="f4"), (len(names), 1, 1))
    cameras = _core.Cameras(poses, rows, 640, 480, kinds)
    rng = np.random.default_rng(0)
    pick = rng.integers(0, len(names), 1001).astype("i4")
    pixels = (rng.random((1001, 2)) * [640, 480]).astype("f4")
    rays = np.asarray(_core.generate_rays(cameras, _tensor(pick), _tensor(pixels))[1]).astype(np.float64)
    for i, kind in enumerate(kinds):
        back = project(rows[i].astype(np.float64), kind, rays[pick == i])
        assert np.abs(back - pixels[pick == i]).max() < 3e-4


# Lenses that fold over.


@pytest.mark.parametrize(
    "terms",
    [
        {"k1": -44.9, "k2": 1017.0, "p1": 0.62, "p2": 0.94},
        {"k1": 46.6, "k2": -3690.0, "p1": 0.44, "p2": 2.4},
        {"k1": -2.0},
        {"k3": -20.0},
        {"p1": 1.0},
        {"k4": 20.0, "k5": 0.1},
        {"s1": -2.0},
        {"is_fisheye": True, "k1": -2.0},
    ],
)
def test_a_lens_that_folds_over_in_the_picture_is_refused(terms: dict[str, Any], capture_scene: MakeScene) -> None:
    named = ", ".join(f"{key} {value:g}" for key, value in terms.items() if key != "is_fisheye" and value)
    with pytest.raises(
        DataError, match=rf"frame 0 .*distortion \({named}\) folds the picture over from \d+ %"
    ) as caught:
        load_scene(capture_scene(edit=lens(**terms)), holdout=0)
    assert "\n" not in str(caught.value)


def test_a_lens_may_fold_outside_of_the_picture(capture_scene: MakeScene) -> None:
    """r - 0.9 r^3 turns at r = 0.609, where it is 0.406; the farthest corner is at 0.49."""
    corner = float(np.hypot(11 / 25, 7 / 26))
    turn = 1 / math.sqrt(3 * 0.9)
    with pytest.raises(DataError, match=r"from 7[5-9] %"):
        load_scene(capture_scene(edit=lens(k1=-0.9)), holdout=0)
    assert turn * (1 - 0.9 * turn**2) / corner == pytest.approx(0.79, abs=0.01)
    assert len(load_scene(capture_scene(name="wide", edit=lens(k1=-0.5)), holdout=0)) == 9


def test_only_the_distance_to_the_fold_counts() -> None:
    row = np.zeros((3, 16))
    row[:, :5] = [100, 100, 50, 40, -0.3]
    sizes = np.array([[100.0, 80], [140, 80], [300, 80]])
    parts = folded_part(row, PERSPECTIVE, sizes)
    turn = 1 / math.sqrt(0.9)
    reach = turn * (1 - 0.3 * turn**2)
    far = np.hypot(np.array([50, 90, 250]), 40) / 100
    assert parts[0] == 1
    assert parts[1:] == pytest.approx(np.minimum(1, reach / far[1:]), abs=0.03)


def test_the_engine_finds_every_inverse_that_there_is() -> None:
    """Random lenses that do not fold within the picture: the engine's rays project back."""
    rng = np.random.default_rng(3)
    rows = np.zeros((3000, 16))
    rows[:, :4] = [50, 50, 40, 30]
    rows[:, 4:] = rng.normal(size=(3000, 12)) * [0.5, 0.5, 0.02, 0.02, 0.3, 0.3, 0.2, 0.1, 0.02, 0.02, 0.02, 0.02]
    rows[:1500, 8:] = 0
    good = rows[folded_part(rows, PERSPECTIVE, np.full((3000, 2), [80.0, 60])) == 1].astype("f4")
    assert len(good) > 300
    x, y = np.meshgrid(np.linspace(0, 80, 9), np.linspace(0, 60, 7))
    pixels = np.tile(np.stack([x.ravel(), y.ravel()], 1), (len(good), 1)).astype("f4")
    pick = np.repeat(np.arange(len(good)), x.size).astype("i4")
    cameras = _core.Cameras(np.tile(np.eye(3, 4, dtype="f4"), (len(good), 1, 1)), good, 80, 60)
    rays = np.asarray(_core.generate_rays(cameras, _tensor(pick), _tensor(pixels))[1]).astype(np.float64)
    for i, row in enumerate(good):
        assert np.abs(project(row.astype(np.float64), PERSPECTIVE, rays[pick == i]) - pixels[pick == i]).max() < 1e-3, (
            row
        )
