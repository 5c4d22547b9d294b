"""Loading scenes: conventions, intrinsics, splits, downscaling, and what is said about broken data."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needlecpp.data import DataError, DataWarning, load_scene
from needlecpp.data.images import area_average
from needlecpp.data.transforms import natural_key

Edit = Callable[[dict[str, Any]], None]
MakeScene = Callable[..., Path]


def frames(root: Path, file: str = "transforms.json") -> tuple[Path, dict[str, Any]]:
    path = root / file
    return path, json.loads(path.read_text())


# Conventions.


def test_blender_poses_become_opencv(blender_scene: MakeScene) -> None:
    root = blender_scene()
    scene = load_scene(root)
    _, document = frames(root, "transforms_train.json")
    for pose, record in zip(scene.poses, document["frames"], strict=True):
        opengl = np.array(record["transform_matrix"])
        assert np.allclose(pose[:, 0], opengl[:3, 0], atol=1e-6)
        assert np.allclose(pose[:, 1], -opengl[:3, 1], atol=1e-6)
        assert np.allclose(pose[:, 2], -opengl[:3, 2], atol=1e-6)
        assert np.allclose(pose[:, 3], opengl[:3, 3], atol=1e-6)
        ahead = pose[:, 3] + pose[:, 2] * np.linalg.norm(pose[:, 3])
        assert np.allclose(ahead, 0, atol=1e-5)  # looks at the origin
    assert scene.images.shape == (4, 16, 16, 4)
    assert scene.intrinsics[0].tolist() == pytest.approx([8 / math.tan(0.35)] * 2 + [8, 8, 0, 0, 0, 0])
    assert scene.splits == ("train", "test")
    assert scene.kind == "blender"
    assert scene.box == ((-1.5, -1.5, -1.5), (1.5, 1.5, 1.5))
    assert load_scene(root, "test").names == ["./test/r_0", "./test/r_1"]


def test_blender_spellings_of_paths(blender_scene: MakeScene) -> None:
    spellings = [
        ".\\train\\r_0",
        "train/r_1.png",
        "C:\\Users\\someone\\scene\\train\\r_2.png",
        "/home/someone/elsewhere/train/r_3",
    ]

    def edit(split: str, document: dict[str, Any]) -> None:
        if split == "train":
            for record, name in zip(document["frames"], spellings, strict=True):
                record["file_path"] = name

    root = blender_scene(edit=edit)
    with pytest.warns(DataWarning, match=r"2 pictures .* such as train/r_2\.png for C:"):
        scene = load_scene(root)
    assert scene.names == spellings
    assert scene.images[:, 8, 8, 1].tolist() == [0, 10, 20, 30]

    path, document = frames(root, "transforms_train.json")
    for i, record in enumerate(document["frames"]):
        record["file_path"] = str(root / "train" / f"r_{i}")
    path.write_text(json.dumps(document))
    assert load_scene(root).images[:, 8, 8, 1].tolist() == [0, 10, 20, 30]


def test_blender_json_file_as_path_and_only_train(blender_scene: MakeScene) -> None:
    root = blender_scene(train=3)
    scene = load_scene(root / "transforms_train.json")
    assert len(scene) == 3
    assert scene.splits == ("train",)
    with pytest.raises(DataError, match="no split 'test', available are train"):
        load_scene(root, "test")


def test_capture_intrinsics_keys(capture_scene: MakeScene) -> None:
    scene = load_scene(capture_scene())
    assert scene.intrinsics[0].tolist() == [25, 26, 9, 7, 0, 0, 0, 0]
    assert scene.images.shape == (7, 12, 20, 3)
    assert not scene.has_alpha

    def drop(document: dict[str, Any], **new: float) -> None:
        for key in ("fl_x", "fl_y", "cx", "cy", "w", "h"):
            del document[key]
        document.update(new)

    cases: list[tuple[dict[str, float], list[float]]] = [
        ({"camera_angle_x": 0.8}, [10 / math.tan(0.4)] * 2 + [10, 6]),
        ({"camera_angle_x": 0.8, "camera_angle_y": 0.5}, [10 / math.tan(0.4), 6 / math.tan(0.25), 10, 6]),
        ({"x_fov": 60.0}, [10 / math.tan(math.pi / 6)] * 2 + [10, 6]),
        ({"x_fov": 60.0, "y_fov": 40.0, "cx": 9.5}, [10 / math.tan(math.pi / 6), 6 / math.tan(math.pi / 9), 9.5, 6]),
        ({"fl_x": 30.0, "camera_angle_x": 0.8}, [30, 30, 10, 6]),
        ({"fl_x": 30.0, "fl_y": 31.0, "x_fov": 10.0}, [30, 31, 10, 6]),
        ({"fl_y": 31.0}, [31, 31, 10, 6]),
    ]
    for i, (keys, expected) in enumerate(cases):
        root = capture_scene(name=f"k{i}", edit=lambda document, keys=keys: drop(document, **keys))
        assert load_scene(root).intrinsics[0, :4].tolist() == pytest.approx(expected)


def test_capture_distortion_and_frame_overrides(capture_scene: MakeScene) -> None:
    def edit(document: dict[str, Any]) -> None:
        document.update(k1=0.1, k2=-0.02, p1=0.003, p2=-0.004, k3=0)
        document["frames"][2].update(fl_x=40.0, k1=0.5, cx=1.0)

    scene = load_scene(capture_scene(edit=edit), holdout=0)
    assert scene.intrinsics[0].tolist() == pytest.approx([25, 26, 9, 7, 0.1, -0.02, 0.003, -0.004])
    assert scene.intrinsics[2].tolist() == pytest.approx([40, 26, 1, 7, 0.5, -0.02, 0.003, -0.004])
    half = load_scene(capture_scene(name="again", edit=edit), holdout=0, downscale=2)
    assert half.intrinsics[0].tolist() == pytest.approx([12.5, 13, 4.5, 3.5, 0.1, -0.02, 0.003, -0.004])


def test_frame_angle_goes_before_the_documents_focal_length(capture_scene: MakeScene) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["frames"][0]["camera_angle_x"] = 1.0

    scene = load_scene(capture_scene(edit=edit), holdout=0)
    assert scene.intrinsics[0, 0] == pytest.approx(10 / math.tan(0.5))
    assert scene.intrinsics[1, 0] == 25


def test_json_with_comments(capture_scene: MakeScene) -> None:
    root = capture_scene()
    path = root / "transforms.json"
    path.write_text('// a comment\n{ /* another\n one */ "unused": "// not one", ' + path.read_text()[1:] + "// end")
    assert len(load_scene(root, holdout=0)) == 9


def test_natural_order_and_holdout(capture_scene: MakeScene) -> None:
    def shuffle(document: dict[str, Any]) -> None:
        document["frames"].reverse()

    root = capture_scene(count=12, edit=shuffle)
    test = load_scene(root, "test", holdout=5)
    train = load_scene(root, "train", holdout=5)
    assert test.names == ["images/1.png", "images/6.png", "images/11.png"]
    assert train.names == [f"images/{i}.png" for i in (2, 3, 4, 5, 7, 8, 9, 10, 12)]
    assert load_scene(root, "test").names == ["images/1.png", "images/9.png"]
    everything = load_scene(root, holdout=0)
    assert len(everything) == 12
    assert everything.splits == ("train",)
    assert sorted(["b2", "b10", "a", "b1x", "10", "9"], key=natural_key) == ["9", "10", "a", "b1x", "b2", "b10"]


def test_explicit_split_names(capture_scene: MakeScene) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["train_filenames"] = ["./images/2.png", "images/3.png"]
        document["test_filenames"] = ["images/5.png"]
        document["val_filenames"] = []

    root = capture_scene(edit=edit)
    assert load_scene(root).names == ["images/2.png", "images/3.png"]
    assert load_scene(root, "test").names == ["images/5.png"]
    with pytest.raises(DataError, match="split val is empty"):
        load_scene(root, "val")


def test_boxes(capture_scene: MakeScene, blender_scene: MakeScene) -> None:
    half = 0.5 * 4 / 0.33
    scene = load_scene(capture_scene(name="a", edit=lambda d: d.update(aabb_scale=4)))
    assert np.allclose(scene.box, [[-half] * 3, [half] * 3])
    assert scene.aabb_scale == 4
    assert scene.near == pytest.approx(0.1 / 0.33)

    moved = load_scene(capture_scene(name="b", edit=lambda d: d.update(aabb_scale=1, scale=0.5, offset=[0.5, 0.25, 1])))
    assert np.allclose(moved.box, [[-1, -0.5, -2], [1, 1.5, 0]])

    corners = [[-1, -2, -3], [1, 2, 5]]
    given = load_scene(capture_scene(name="c", edit=lambda d: d.update(aabb=corners)))
    assert np.allclose(given.box, corners)

    unstated = load_scene(capture_scene(name="d"), holdout=0)
    low, high = np.array(unstated.box)
    eyes = unstated.poses[:, :, 3]
    assert ((eyes > low) & (eyes < high)).all()
    assert np.allclose((low + high) / 2, 0, atol=1e-4)  # what the cameras look at
    assert unstated.aabb_scale > 1

    root = blender_scene(edit=lambda split, d: d.update(aabb=[[-1, -1, -1], [1, 1, 2]]))
    assert load_scene(root).box == ((-1, -1, -1), (1, 1, 2))
    assert load_scene(root, box=1.3).box == ((-1.3, -1.3, -1.3), (1.3, 1.3, 1.3))
    assert load_scene(root, box=((0, 0, 0), (1, 2, 3))).box == ((0, 0, 0), (1, 2, 3))


# Downscaling.


def slow_area(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Every target pixel on its own, in float64, over the area it covers."""
    h, w, channels = image.shape
    out = np.zeros((height, width, channels), np.uint8)
    for j in range(height):
        for i in range(width):
            y0, y1, x0, x1 = j * h / height, (j + 1) * h / height, i * w / width, (i + 1) * w / width
            color, alpha, area = np.zeros(3), 0.0, 0.0
            for y in range(math.floor(y0), math.ceil(y1 - 1e-9)):
                for x in range(math.floor(x0), math.ceil(x1 - 1e-9)):
                    part = (min(y + 1, y1) - max(y, y0)) * (min(x + 1, x1) - max(x, x0))
                    a = float(image[y, x, 3]) if channels == 4 else 1.0
                    color += part * a * image[y, x, :3]
                    alpha += part * a
                    area += part
            out[j, i, :3] = np.floor(color / alpha + 0.5 + 1e-9) if alpha > 0 else 0
            if channels == 4:
                out[j, i, 3] = math.floor(alpha / area + 0.5 + 1e-9)
    return out


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("target", [(6, 4), (3, 2), (12, 4), (5, 3), (1, 1), (11, 7), (12, 7), (5, 8)])
def test_area_average_is_exact(channels: int, target: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (8, 12, channels), np.uint8)
    if channels == 4:
        image[:4, :6, 3] = 0  # a hole
        image[4:, 6:, 3] = 255
    assert (area_average(image, *target) == slow_area(image, *target)).all()


def test_area_average_of_tall_images() -> None:
    image = np.random.default_rng(2).integers(0, 256, (200, 3, 4), np.uint8)
    assert (area_average(image, 2, 77) == slow_area(image, 2, 77)).all()


def test_area_average_does_not_overflow() -> None:
    image = np.full((256, 256, 4), 255, np.uint8)
    assert area_average(image, 1, 1).tolist() == [[[255, 255, 255, 255]]]
    for shape in ((65535, 2, 4), (2, 65535, 4), (65535, 1, 3)):
        image = np.full(shape, 255, np.uint8)
        assert (area_average(image, 1, 65534 if shape[0] > 2 else 1) == 255).all()


def test_downscale_rounds_the_size_and_follows_the_ratio(capture_scene: MakeScene) -> None:
    scene = load_scene(capture_scene(), downscale=3, holdout=0)  # 20x12 -> 7x4
    assert (scene.width, scene.height) == (7, 4)
    assert scene.images.shape == (9, 4, 7, 3)
    assert scene.intrinsics[0, :4].tolist() == pytest.approx([25 * 7 / 20, 26 / 3, 9 * 7 / 20, 7 / 3])
    assert scene.images[:, 0, 0, 0].tolist() == [10 * i for i in range(1, 10)]


def test_grey_palette_and_opaque_images(blender_scene: MakeScene) -> None:
    from PIL import Image

    root = blender_scene()
    first = root / "train" / "r_0.png"
    Image.fromarray(np.full((16, 16), 77, np.uint8)).save(first)
    scene = load_scene(root)
    assert scene.has_alpha  # the others have
    assert scene.images[0, 3, 3].tolist() == [77, 77, 77, 255]
    for file in (root / "train").iterdir():
        Image.open(file).convert("RGB").save(file)
    assert load_scene(root).images.shape == (4, 16, 16, 3)


def test_images_argument_leaves_pictures_undecoded(capture_scene: MakeScene) -> None:
    scene = load_scene(capture_scene(), images=False)
    assert scene.images.shape == (0, 12, 20, 3)
    assert scene.poses.shape == (7, 3, 4)


# Faults.


def test_missing_images_are_one_warning_that_names_them(capture_scene: MakeScene) -> None:
    root = capture_scene()
    for name in ("3.png", "7.png"):
        (root / "images" / name).unlink()
    with pytest.warns(DataWarning) as caught:
        scene = load_scene(root, holdout=0)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert scene.notes == (message,)
    assert "2 of 9 frames" in message
    assert "images/3.png, images/7.png" in message
    assert len(scene) == 7


def set_pose(values: Any) -> Edit:
    return lambda d: d["frames"][1].update(transform_matrix=values)


def edit_pose(row: int, column: int, value: Any) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        document["frames"][1]["transform_matrix"][row][column] = value

    return edit


def scaled(factor: float) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        for row in document["frames"][1]["transform_matrix"][:3]:
            row[:3] = [factor * v for v in row[:3]]

    return edit


def stretched(document: dict[str, Any]) -> None:
    for row in document["frames"][1]["transform_matrix"][:3]:
        row[0] *= 1.01


def mirrored(document: dict[str, Any]) -> None:
    for row in document["frames"][1]["transform_matrix"]:
        row[0] = -row[0]


def transposed(document: dict[str, Any]) -> None:
    record = document["frames"][1]
    record["transform_matrix"] = np.transpose(record["transform_matrix"]).tolist()


def without(*keys: str, **new: Any) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        for key in keys:
            del document[key]
        document.update(new)

    return edit


BROKEN: dict[str, tuple[Edit, list[str]]] = {
    "no frames": (without("frames"), ["frames is missing"]),
    "frames null": (without(frames=None), ["frames is a null"]),
    "empty frames": (without(frames=[]), ["frames is an empty list"]),
    "frames not a list": (without(frames={"a": 1}), ["frames is a object"]),
    "frame not an object": (without(frames=[3]), ["frame 0", "expected an object"]),
    "no file_path": (lambda d: d["frames"][1].pop("file_path"), ["frame 1", "file_path"]),
    "file_path a number": (lambda d: d["frames"][1].update(file_path=3), ["frame 1", "file_path"]),
    "no focal length": (without("fl_x", "fl_y"), ["camera_angle_x", "fl_x", "missing"]),
    "focal length zero": (without(fl_x=0), ["fl_x is 0"]),
    "focal length text": (without(fl_x="25 px"), ["fl_x is a string"]),
    "focal length infinite": (without(fl_x=float("inf")), ["fl_x", "finite"]),
    "focal length huge": (without(fl_x=10**400), ["fl_x", "finite"]),
    "angle too wide": (without("fl_x", "fl_y", camera_angle_x=4.0), ["camera_angle_x is 4", "pi"]),
    "angle in degrees too wide": (without("fl_x", "fl_y", x_fov=180), ["x_fov is 180"]),
    "width disagrees": (without(w=40), ["frame 0 (images/1.png)", "20x12", "w says 40"]),
    "height disagrees in a frame": (lambda d: d["frames"][1].update(h=11), ["frame 1", "20x12", "h says 11"]),
    "pose 3x3": (set_pose([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), ["frame 1", "3x3 numbers", "4x4"]),
    "pose flat": (set_pose([1.0] * 16), ["frame 1", "a list of 16"]),
    "pose ragged": (set_pose([[1, 0, 0, 0], [0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), ["frame 1", "uneven"]),
    "pose text": (edit_pose(0, 0, "x"), ["frame 1", "transform_matrix"]),
    "pose scaled along one axis": (stretched, ["frame 1", "not a rotation", "1.01"]),
    "pose of zeros": (set_pose([[0.0] * 4] * 3), ["frame 1", "not a rotation"]),
    "pose without its last number": (edit_pose(3, 3, 0), ["frame 1", "last row"]),
    "pose sheared": (edit_pose(0, 1, 0.5), ["frame 1", "not a rotation"]),
    "pose mirrored": (mirrored, ["frame 1", "mirrors"]),
    "pose transposed": (transposed, ["frame 1", "last row"]),
    "ftheta lens": (without(ftheta_p0=0.1), ["ftheta_p0"]),
    "aabb_scale zero": (without(aabb_scale=0), ["aabb_scale is 0", "at most 1024"]),
    "aabb_scale above": (without(aabb_scale=1025), ["aabb_scale is 1025", "at most 1024"]),
    "aabb_scale tiny": (without(aabb_scale=1e-9), ["aabb_scale 1e-09", "scene box"]),
    "aabb_scale tinier": (without(aabb_scale=1e-320), ["aabb_scale", "scene box"]),
    "aabb_scale of a huge aabb": (
        without(aabb=[[0, 0, 0], [9e5, 1, 1]], aabb_scale=4),
        ["aabb with aabb_scale 4", "3.6e+06 x 4 x 4", "scene box"],
    ),
    "aabb huge": (without(aabb=[[-1e39, -1, -1], [1e39, 1, 1]]), ["aabb", "scene box"]),
    "aabb overflowing": (without(aabb=[[-1e308, -1, -1], [1e308, 1, 1]]), ["aabb", "scene box"]),
    "aabb flat": (without(aabb=[[0, 0, 0], [1, 1, 1e-7]]), ["aabb", "scene box"]),
    "aabb far away": (without(aabb=[[1e9, 0, 0], [1e9 + 1, 1, 1]]), ["aabb", "scene box", "float32"]),
    "scale small": (without(aabb_scale=1, scale=1e-8), ["scale 1e-08", "scene box"]),
    "scale tiny": (without(scale=1e-320), ["scale is"]),
    "scale huge": (without(scale=1e39), ["scale is 1e+39"]),
    "offset huge": (without(offset=[0, -1e39, 0]), ["offset is -1e+39"]),
    "offset far": (without(aabb_scale=1, offset=1e9), ["offset 1e+09", "scene box"]),
    "cameras far apart": (edit_pose(1, 3, 1e8), ["transform_matrix", "scene box"]),
    "scale negative": (without(scale=-1), ["scale is -1"]),
    "aabb empty": (without(aabb=[[0, 0, 0], [0, 1, 1]]), ["aabb"]),
    "aabb of one corner": (without(aabb=[[0, 0, 0]]), ["aabb"]),
    "split names not a list": (without(train_filenames="images/1.png"), ["train_filenames"]),
    "no image at all": (
        lambda d: [f.update(file_path=f["file_path"] + "x.png") for f in d["frames"]],
        ["none of its 9"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_documents_are_one_sentence(case: str, capture_scene: MakeScene) -> None:
    edit, words = BROKEN[case]
    root = capture_scene(edit=edit)
    with pytest.raises(DataError) as caught:
        load_scene(root, holdout=0)
    message = str(caught.value)
    assert "transforms.json" in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_small_deviations_of_poses_pass(capture_scene: MakeScene) -> None:
    assert len(load_scene(capture_scene(edit=scaled(1.0005)), holdout=0)) == 9


def test_broken_json_names_line_and_column(capture_scene: MakeScene) -> None:
    root = capture_scene()
    (root / "transforms.json").write_text('{\n "fl_x": 25,\n "frames": [}\n')
    with pytest.raises(DataError, match=r"transforms\.json: broken JSON at line 3, column 13"):
        load_scene(root)
    (root / "transforms.json").write_text("[1, 2]")
    with pytest.raises(DataError, match="expected an object"):
        load_scene(root)
    (root / "transforms.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(DataError, match="UTF-8"):
        load_scene(root)
    (root / "transforms.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"transforms\.json"):
        load_scene(root)
    (root / "transforms.json").write_text("")
    with pytest.raises(DataError, match="line 1, column 1"):
        load_scene(root)


def test_truncated_foreign_and_odd_sized_images(capture_scene: MakeScene) -> None:
    from PIL import Image

    root = capture_scene()
    image = root / "images" / "2.png"
    good = image.read_bytes()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 20, 3), np.uint8)).save(image)
    image.write_bytes(image.read_bytes()[:300])
    with pytest.raises(DataError, match=r"frame 1 \(images/2\.png\).*truncated"):
        load_scene(root, holdout=0)
    image.write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"frame 1 .*is not an image"):
        load_scene(root, holdout=0)
    image.write_bytes(b"")
    with pytest.raises(DataError, match=r"frame 1 "):
        load_scene(root, holdout=0)
    Image.fromarray(np.zeros((12, 21, 3), np.uint8)).save(image)
    with pytest.raises(DataError, match=r"frame 1 .*21x12.*20x12"):
        load_scene(root, holdout=0)
    Image.fromarray(np.zeros((12, 20), np.float32)).save(image, format="TIFF")
    with pytest.raises(DataError, match=r"frame 1 .*floating point"):
        load_scene(root, holdout=0)
    image.write_bytes(good)
    assert len(load_scene(root, holdout=0)) == 9


def test_truncated_jpeg(capture_scene: MakeScene) -> None:
    from PIL import Image

    root = capture_scene(edit=lambda d: d["frames"][1].update(file_path="images/2.jpg"))
    file = root / "images" / "2.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 20, 3), np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"frame 1 \(images/2\.jpg\).*truncated"):
        load_scene(root, holdout=0)


def test_missing_folders_and_splits(tmp_path: Path, capture_scene: MakeScene, blender_scene: MakeScene) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load_scene(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"neither transforms\.json nor transforms_train\.json"):
        load_scene(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="is a file"):
        load_scene(tmp_path / "notes.txt")
    with pytest.raises(DataError):
        load_scene("a\0b")
    with pytest.raises(DataError):
        load_scene("x" * 5000)
    root = capture_scene()
    with pytest.raises(DataError, match="no split 'val', available are train, test"):
        load_scene(root, "val")
    with pytest.raises(DataError, match=r"split train is empty \(9 frames, holdout 1\)"):
        load_scene(root, "train", holdout=1)
    with pytest.raises(DataError, match="no split 'nonsense', available are train, test"):
        load_scene(blender_scene(), "nonsense")


@pytest.mark.parametrize(
    "arguments",
    [
        {"downscale": 0},
        {"downscale": -2},
        {"downscale": 1.5},
        {"downscale": 13},
        {"holdout": -1},
        {"holdout": True},
        {"box": 0},
        {"box": -1.0},
        {"box": math.nan},
        {"box": math.inf},
        {"box": ((1, 1, 1), (0, 2, 2))},
        {"box": ((0, 0), (1, 1))},
        {"box": "big"},
    ],
)
def test_bad_arguments(arguments: dict[str, Any], capture_scene: MakeScene) -> None:
    with pytest.raises(DataError, match=next(iter(arguments))):
        load_scene(capture_scene(), **arguments)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(capture_scene: MakeScene) -> None:
    root = capture_scene()
    (root / "transforms.json").chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        load_scene(root)


# Real data.


def test_lego(data_root: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scene = load_scene(data_root / "lego_400")
        test = load_scene(data_root / "lego_400", "test", downscale=2)
    assert scene.images.shape == (100, 400, 400, 4)
    assert scene.splits == ("train", "val", "test")
    assert scene.intrinsics[0, 0] == pytest.approx(200 / math.tan(0.5 * 0.6911112070083618))
    assert test.images.shape == (25, 200, 200, 4)
    assert np.allclose(np.linalg.norm(scene.poses[:, :, 3], axis=1), 4.031, atol=1e-3)


def test_fox(data_root: Path) -> None:
    with pytest.warns(DataWarning, match=r"17 of 67 frames.*images/0005\.jpg.*images/0113\.jpg") as caught:
        scene = load_scene(data_root / "fox", downscale=4)
    assert len(caught) == 1
    with pytest.warns(DataWarning):
        test = load_scene(data_root / "fox", "test", downscale=4)
    assert len(scene) == 43
    assert len(test) == 7
    assert scene.images.shape[1:] == (480, 270, 3)
    assert scene.intrinsics[0].tolist() == pytest.approx(
        [1375.52 / 4, 1374.49 / 4, 554.558 / 4, 965.268 / 4, 0.0578421, -0.0805099, -0.000980296, 0.00015575]
    )
    assert scene.box[1][0] == pytest.approx(2 / 0.33)


def test_pictures_that_no_run_could_hold(capture_scene: MakeScene) -> None:
    root = capture_scene(size=(16386, 2), count=2)
    with pytest.raises(DataError, match=r"16386x2, expected at most 16384 pixels a side"):
        load_scene(root, holdout=0, images=False)
    assert load_scene(root, holdout=0, downscale=2, images=False).width == 8193
