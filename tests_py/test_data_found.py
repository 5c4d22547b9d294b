"""Loading what people have: pictures that moved, poses with a scale, frames without one, JSON by hand."""

from __future__ import annotations

import json
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needlecpp.data import DataError, DataWarning, load_scene
from needlecpp.data.files import PictureFinder
from needlecpp.render.paths import read_camera_path

MakeScene = Callable[..., Path]

MOVED = "pictures are not where file_path says"


def named(pattern: str) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        for i, record in enumerate(document["frames"], 1):
            record["file_path"] = pattern.format(i)

    return edit


def load_with(words: str, root: Path, **arguments: Any) -> Any:
    """Loads all frames and expects one warning, with these words."""
    with pytest.warns(DataWarning, match=words) as caught:
        scene = load_scene(root, holdout=0, **arguments)
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    assert scene.notes == (str(caught[0].message),)
    return scene


# Pictures.


@pytest.mark.parametrize(
    "pattern",
    [
        "./data/phone/images/{}.png",
        "./data\\livingroom\\images/{}.png",
        "../pictures\\{}.png",
        "{}.png",
        "{}",
        "C:\\Users\\someone\\images\\{}.png",
        "C:images\\{}.png",
        "/home/someone/scene/images/{}.png",
        "file:///home/someone/scene/images/{}.png",
        "..//../a/./images//{}.png",
        "images/{}.PNG",
        "Images/{}.png",
        "IMAGES/{}.Png",
        "images/{}.jpg",
        "images/{}.JPEG",
        "images/%7B%7D/../{}.png",
        "elsewhere%20of/images/{}.png",
    ],
)
def test_pictures_are_found_by_the_end_of_their_path(pattern: str, capture_scene: MakeScene) -> None:
    scene = load_with(rf"9 {MOVED}.*images.1\.png", capture_scene(edit=named(pattern)))
    assert scene.images[:, 0, 0, 0].tolist() == [10 * i for i in range(1, 10)]


def test_what_stands_where_it_is_said_to_is_no_news(capture_scene: MakeScene) -> None:
    for i, pattern in enumerate(("images/{}", "./images/{}.png", "images\\{}.png", "images/../images/{}.png")):
        assert load_scene(capture_scene(name=f"{i}", edit=named(pattern)), holdout=0).notes == ()


def test_spaces_may_be_escaped(capture_scene: MakeScene) -> None:
    root = capture_scene(edit=named("my%20images/{}.png"))
    (root / "images").rename(root / "my images")
    assert len(load_scene(root, holdout=0)) == 9
    (root / "my images").rename(root / "my%20images")
    assert len(load_scene(root, holdout=0)) == 9


def test_the_longest_tail_wins_and_equals_are_an_error(capture_scene: MakeScene) -> None:
    root = capture_scene(edit=named("phone/images/{}.png"))
    shutil.copytree(root / "images", root / "images_2")
    shutil.copytree(root / "images", root / "other" / "images")
    with pytest.raises(DataError, match=r"frame 0 .*may mean images.1\.png or other.images.1\.png"):
        load_scene(root, holdout=0)
    shutil.rmtree(root / "other")
    assert len(load_with(MOVED, root)) == 9  # images/1.png, not images_2/1.png
    path, document = root / "transforms.json", json.loads((root / "transforms.json").read_text())
    for i, record in enumerate(document["frames"], 1):
        record["file_path"] = f"{i}.png"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"images.1\.png or images_2.1\.png"):
        load_scene(root, holdout=0)


def test_a_picture_is_not_replaced_by_its_namesake(capture_scene: MakeScene, blender_scene: MakeScene) -> None:
    root = capture_scene()
    shutil.copytree(root / "images", root / "images_4")
    (root / "images" / "3.png").unlink()
    scene = load_with(r"1 of 9 frames have no image file and are left out: images/3\.png", root)
    assert "images/3.png" not in scene.names

    root = blender_scene()
    shutil.rmtree(root / "train")
    with pytest.raises(DataError, match="none of its 4 frames has an image file"):
        load_scene(root)

    root = capture_scene(name="two", edit=lambda d: d["frames"][1].update(file_path="gone/1.png"))
    assert len(load_with("1 of 9 frames", root)) == 8  # images/1.png is another frame's
    root = capture_scene(
        name="one", edit=lambda d: [f.update(file_path=f"cam{i}/1.png") for i, f in enumerate(d["frames"])]
    )
    with pytest.raises(DataError, match=r"frame 1 .*can only mean .*1\.png, as that of cam0/1\.png"):
        load_scene(root)


def test_a_frame_listed_twice_counts_once(capture_scene: MakeScene) -> None:
    def repeat(document: dict[str, Any]) -> None:
        document["frames"].append(dict(document["frames"][4]))

    scene = load_with(r"1 frames list a picture again and are left out: images/5\.png", capture_scene(edit=repeat))
    assert len(scene) == 9


def test_links_in_circles_and_many_pictures(tmp_path: Path) -> None:
    for folder in range(40):
        (tmp_path / f"{folder}").mkdir()
        for i in range(100):
            (tmp_path / f"{folder}" / f"{folder}_{i}.png").touch()
    (tmp_path / "0" / "loop").symlink_to(tmp_path)
    finder = PictureFinder(tmp_path)
    names = [f"/elsewhere/{folder}/{folder}_{i}.jpg" for folder in range(40) for i in range(100)]
    start = time.perf_counter()
    found = finder.find_all(names, names)
    assert all(picture is not None and picture.moved for picture in found)
    assert time.perf_counter() - start < 20  # 0.3 s; minutes where each looks through all


def test_odd_names_find_nothing(tmp_path: Path) -> None:
    finder = PictureFinder(tmp_path)
    for name in ("/", "..", ".", "a\0b", "x" * 5000, "%", "%00", "C:", "\\\\", "a/" * 3000):
        assert finder.find_all([name], ["frame"]) == [None]


# Poses.


def scaled(factor: float, of: slice = slice(None), homogeneous: bool = False) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        for record in document["frames"][of]:
            matrix = np.array(record["transform_matrix"])
            if homogeneous:
                matrix *= factor
            else:
                matrix[:3, :3] *= factor
            record["transform_matrix"] = matrix.tolist()

    return edit


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (scaled(2), "scaled by 2"),
        (scaled(0.00118, homogeneous=True), "scaled by 0.00118"),
        (scaled(1.01, of=slice(1, 2)), "scaled by 1 to 1.01"),
        (scaled(-3, homogeneous=True), "scaled by 3"),
    ],
)
def test_a_scale_is_taken_out_of_poses(edit: Any, said: str, capture_scene: MakeScene) -> None:
    plain = load_scene(capture_scene(), holdout=0)
    scene = load_with(f"{said}, the scale was taken out", capture_scene(name="scaled", edit=edit))
    np.testing.assert_allclose(scene.poses, plain.poses, atol=1e-6)


def test_rotations_with_few_digits_become_rotations(capture_scene: MakeScene) -> None:
    def rounded(document: dict[str, Any]) -> None:
        for record in document["frames"]:
            record["transform_matrix"] = np.round(record["transform_matrix"], 4).tolist()

    plain = load_scene(capture_scene(), holdout=0).poses
    poses = load_scene(capture_scene(name="rounded", edit=rounded), holdout=0).poses.astype(np.float64)
    np.testing.assert_allclose(poses, plain, atol=2e-4)
    gram = poses[:, :, :3].transpose(0, 2, 1) @ poses[:, :, :3]
    np.testing.assert_allclose(gram, np.tile(np.eye(3), (9, 1, 1)), atol=1e-6)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 10**400])
def test_a_frame_without_a_pose_is_left_out(value: Any, capture_scene: MakeScene) -> None:
    def broken(document: dict[str, Any]) -> None:
        document["frames"][1]["transform_matrix"][1][3] = value

    scene = load_with(r"1 frames have no transform_matrix.*left out: images/2\.png", capture_scene(edit=broken))
    assert "images/2.png" not in scene.names


def test_missing_poses(capture_scene: MakeScene) -> None:
    root = capture_scene(edit=lambda d: d["frames"][0].update(transform_matrix=None))
    assert len(load_with(r"left out: images/1\.png", root)) == 8
    root = capture_scene(name="absent", edit=lambda d: d["frames"][0].pop("transform_matrix"))
    assert len(load_with(r"left out: images/1\.png", root)) == 8
    root = capture_scene(name="all", edit=lambda d: [f.pop("transform_matrix") for f in d["frames"]])
    with pytest.raises(DataError, match=r"transforms\.json: no frame has a transform_matrix"):
        load_scene(root)


# The document.


def test_json_written_by_hand_and_by_other_tools(capture_scene: MakeScene) -> None:
    root = capture_scene()
    path = root / "transforms.json"
    document = json.loads(path.read_text())
    want = load_scene(root, holdout=0)

    def same(text: str | bytes) -> None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        got = load_scene(root, holdout=0)
        assert got.names == want.names
        assert (got.poses == want.poses).all()
        assert (got.intrinsics == want.intrinsics).all()

    text = json.dumps(document)
    same(text.replace("}]", "},\n]").replace("]]", "],]"))
    same("/* mine */" + text[:-1] + ", // end\n}")
    same(b"\xef\xbb\xbf" + text.encode())
    same(text.encode("utf-16"))
    same(json.dumps({**document, "fl_x": "25", "w": " 20.0 "}))
    same(json.dumps({**document, "frames": {f"{i}": f for i, f in enumerate(document["frames"])}}))
    strings = [
        {**f, "transform_matrix": [[str(v) for v in r] for r in f["transform_matrix"]]} for f in document["frames"]
    ]
    same(json.dumps({**document, "frames": strings}))


def test_a_data_set_is_a_camera_path(capture_scene: MakeScene, blender_scene: MakeScene, tmp_path: Path) -> None:
    root = capture_scene(edit=lambda d: d["frames"].reverse())
    scene = load_scene(root, holdout=0)
    shutil.rmtree(root / "images")
    path = read_camera_path(root / "transforms.json", 640, 480)
    assert (path.width, path.height, len(path)) == (20, 12, 9)
    assert (path.poses == scene.poses).all()
    assert (path.intrinsics[:, :8] == scene.intrinsics).all()
    assert len(read_camera_path(root / "transforms.json", 640, 480, frames=4)) == 4

    path = read_camera_path(blender_scene() / "transforms_test.json", 80, 60)
    assert (path.width, path.height, len(path)) == (80, 60, 2)
    assert path.intrinsics[0, :4].tolist() == pytest.approx([40 / np.tan(0.35)] * 2 + [40, 30])

    (tmp_path / "empty.json").write_text('{"frames": []}')
    with pytest.raises(DataError, match="frames is an empty list"):
        read_camera_path(tmp_path / "empty.json", 8, 8)
    (tmp_path / "posed.json").write_text('{"fl_x": 9, "frames": [{}, {"transform_matrix": null}]}')
    with pytest.raises(DataError, match="no frame has a transform_matrix"):
        read_camera_path(tmp_path / "posed.json", 8, 8)


def test_a_path_of_several_sizes_takes_the_first(capture_scene: MakeScene) -> None:
    root = capture_scene(edit=lambda d: d["frames"][3].update(w=12, h=24, fl_x=50, fl_y=50, cx=6, cy=12))
    path = read_camera_path(root / "transforms.json", 8, 8)
    assert (path.width, path.height) == (20, 12)
    assert path.intrinsics[3, :4].tolist() == [25, 25, 10, 6]  # half the size, in the middle


def test_warnings_name_the_document_once(capture_scene: MakeScene) -> None:
    root = capture_scene(edit=named("gone/{}.png"))
    (root / "images" / "2.png").unlink()
    scaled(2)(document := json.loads((root / "transforms.json").read_text()))
    document["frames"][4]["transform_matrix"] = None
    (root / "transforms.json").write_text(json.dumps(document))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scene = load_scene(root, holdout=0)
    assert len(scene) == 7
    assert [str(w.message) for w in caught] == list(scene.notes)
    assert len(caught) == 4
    assert all("transforms.json" in note for note in scene.notes)
