"""Pictures of several sizes and kinds, and masks: loaded, trained on, compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needlecpp import _core
from needlecpp.cli.app import main
from needlecpp.data import DataError, DataWarning, load_scene
from needlecpp.render import Trainer, fields, presets
from needlecpp.render.metrics import psnr, ssim
from PIL import Image

MakeScene = Callable[..., Path]


@pytest.fixture
def mixed_scene(capture_scene: MakeScene) -> MakeScene:
    """A capture whose every third picture is upright, 12x20 instead of 20x12, with its own intrinsics."""

    def write(**arguments: Any) -> Path:
        edit = arguments.pop("edit", None)

        def upright(document: dict[str, Any]) -> None:
            for i, record in enumerate(document["frames"]):
                w, h = (12, 20) if i % 3 == 0 else (20, 12)
                record.update(w=w, h=h, cx=w / 2, cy=h / 2, fl_x=25.0, fl_y=25.0)
            if edit is not None:
                edit(document)

        root = capture_scene(edit=upright, **arguments)
        for i in (1, 4, 7):
            Image.fromarray(np.full((20, 12, 3), 10 * i, np.uint8)).save(root / "images" / f"{i}.png")
        return root

    return write


# Sizes.


def test_pictures_of_two_sizes(mixed_scene: MakeScene) -> None:
    scene = load_scene(mixed_scene(), holdout=0)
    assert not scene.one_size()
    assert (scene.width, scene.height) == (20, 12)
    assert scene.sizes.tolist() == [[12, 20], [20, 12], [20, 12]] * 3
    assert scene.images.shape == (9 * 240, 3)
    for i in range(9):
        assert scene.image(i).shape == ((20, 12, 3) if i % 3 == 0 else (12, 20, 3))
        assert (scene.image(i) == 10 * (i + 1)).all()
        assert scene.image(i).base is not None  # a view
    assert scene.intrinsics[:2, 2:4].tolist() == [[6, 10], [10, 6]]
    cameras = scene.cameras()
    assert np.asarray(cameras.sizes).tolist() == scene.sizes.tolist()
    assert [
        len(_core.camera_rays(cameras, i)[1].shape) and _core.camera_rays(cameras, i)[1].shape[0] for i in (0, 1)
    ] == [240, 240]

    half = load_scene(mixed_scene(name="half"), holdout=0, downscale=3)
    assert half.sizes[:2].tolist() == [[4, 7], [7, 4]]
    assert half.intrinsics[0, :4].tolist() == pytest.approx([25 / 3, 25 * 7 / 20, 2, 3.5])
    assert load_scene(mixed_scene(name="unread"), holdout=0, images=False).images.shape == (0, 3)


def test_two_sizes_through_the_command_line(
    mixed_scene: MakeScene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = mixed_scene(), tmp_path / "run"
    assert main(["train", str(root), "--out", str(out), "--steps", "3"]) == 0
    assert "7 training images of several sizes" in capsys.readouterr().err
    config = json.loads((out / "config.json").read_text())
    scene = load_scene(root, images=False)
    assert config["cameras"]["sizes"] == scene.sizes.tolist()
    assert (config["cameras"]["width"], config["cameras"]["height"]) == (20, 12)
    sizes = []
    for file in sorted((out / "views").iterdir()):
        with Image.open(file) as picture:
            sizes.append(picture.size)
    assert sizes == [(36, 20), (60, 12)]
    assert main(["eval", str(out), "--split", "train"]) == 0
    assert main(["render", str(out), "--out", str(tmp_path / "film"), "--frames", "2"]) == 0
    assert main(["render", str(out), "--out", str(tmp_path / "again"), "--path", str(root / "transforms.json")]) == 0
    with Image.open(tmp_path / "again" / "frame_0008.png") as picture:
        assert picture.size == (12, 20)  # of the first


def test_sizes_in_blender_sets(blender_scene: MakeScene) -> None:
    root = blender_scene(train=3)
    Image.fromarray(np.full((8, 24, 4), 200, np.uint8)).save(root / "train" / "r_1.png")
    scene = load_scene(root)
    assert scene.sizes.tolist() == [[16, 16], [24, 8], [16, 16]]
    assert scene.intrinsics[:, 0].tolist() == pytest.approx([8 / np.tan(0.35), 12 / np.tan(0.35), 8 / np.tan(0.35)])


def settings(scene: Any) -> tuple[Any, Any]:
    return presets.ngp(scene), presets.trainer(scene)


def trained(images: Any, cameras: Any, config: Any, mask: Any = None, steps: int = 12) -> list[Any]:
    field, config = config
    trainer = Trainer(fields.NGP(field), images, cameras, config, mask)
    losses = [trainer.step(i / steps).loss for i in range(steps)]
    weights = dict(trainer.scene().field.named_parameters())
    return [losses, {name: np.asarray(weight).tobytes() for name, weight in weights.items()}]


def test_packed_pictures_train_to_the_same_bits(blender_scene: MakeScene) -> None:
    scene = load_scene(blender_scene())
    config = settings(scene)
    expected = trained(scene.images, scene.cameras(), config)
    packed = scene.images.reshape(-1, 4)
    assert trained(packed, scene.cameras(), config) == expected
    assert trained(packed, scene.cameras(), config, np.ones(len(packed), np.bool_)) == expected
    assert trained(scene.images, scene.cameras(), config, np.ones(scene.images.shape[:3], np.uint8)) == expected


def test_what_a_trainer_refuses(mixed_scene: MakeScene) -> None:
    scene = load_scene(mixed_scene(), holdout=0)
    (field, config), cameras = settings(scene), scene.cameras()
    for images, words in (
        (scene.images[1:], "do not fit"),
        (np.zeros((9 * 240 + 1, 3), "u1"), "got 2161 pixels, expected 2160"),
        (np.zeros((9, 12, 20, 3), "u1"), "camera 0 sees 12 x 20"),
        (np.zeros((8, 12, 20, 3), "u1"), "8 images and 9 cameras"),
        (np.zeros((9 * 240, 2), "u1"), "wrong shape"),
        (np.zeros((9 * 240 * 3,), "u1"), "wrong shape"),
        (np.zeros((0, 3), "u1"), "no pixels"),
    ):
        with pytest.raises(ValueError, match=words):
            Trainer(fields.NGP(field), images, cameras, config)
    for mask, words in (
        (np.zeros(9 * 240, np.bool_), "mask hides everything"),
        (np.ones(9 * 240 - 1, np.bool_), "mask does not fit"),
        (np.ones(9 * 240, np.float32), "mask does not fit"),
    ):
        with pytest.raises(ValueError, match=words):
            Trainer(fields.NGP(field), scene.images, cameras, config, mask)
    for width in (0, -1, [20, 12]):
        with pytest.raises(ValueError, match=r"\["):
            _core.Cameras(scene.poses, scene.intrinsics, width, 12)
    with pytest.raises(ValueError, match="unknown lens: got 2"):
        _core.Cameras(scene.poses, scene.intrinsics, 20, 12, [2] * 9)
    with pytest.raises(ValueError, match="intrinsics have the wrong shape"):
        _core.Cameras(scene.poses, np.ones((9, 10), "f4"), 20, 12)


def test_a_picture_so_large_that_pillow_keeps_it_in_pieces(capture_scene: MakeScene) -> None:
    root = capture_scene(count=1, size=(4100, 1100))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (1100, 4100, 3), np.uint8)
    Image.fromarray(pixels).save(root / "images" / "1.png", compress_level=0)
    assert (load_scene(root, holdout=0).images[0] == pixels).all()
    quarter = pixels.reshape(275, 4, 1025, 4, 3).astype(np.int64).sum(axis=(1, 3))
    assert (load_scene(root, holdout=0, downscale=4).images[0] == (quarter + 8) // 16).all()


def test_what_is_no_arrow_array_is_refused() -> None:
    image = Image.new("RGBA", (6, 4))
    if not hasattr(image, "__arrow_c_array__"):
        pytest.skip("Pillow hands out its memory from 11.2 on")
    schema, pixels = image.__arrow_c_array__()
    assert np.asarray(_core.arrow_pixels(pixels, 6, 4)).shape == (4, 6, 4)
    for capsule, width, height, error in (
        (schema, 6, 4, TypeError),
        (pixels, 4, 4, ValueError),
        (pixels, 0, 4, ValueError),
        (pixels, 6, -4, ValueError),
        (Image.new("L", (6, 4)).__arrow_c_array__()[1], 6, 4, ValueError),
        (None, 6, 4, TypeError),
    ):
        with pytest.raises(error):
            _core.arrow_pixels(capsule, width, height)


# Kinds of pictures.


def kinds() -> dict[str, tuple[Any, str, list[int]]]:
    """A picture of one colour as each kind of file: the picture, its suffix, and the colour it must become."""
    grey16 = np.full((12, 20), 0x4F80, np.uint16)  # 79.19 of 255
    indexed = Image.fromarray(np.full((12, 20, 3), (10, 20, 30), np.uint8)).quantize(4)
    return {
        "grey": (Image.fromarray(np.full((12, 20), 77, np.uint8)), ".png", [77, 77, 77]),
        "black and white": (Image.fromarray(np.full((12, 20), 255, np.uint8)).convert("1"), ".png", [255, 255, 255]),
        "palette": (indexed, ".png", [10, 20, 30]),
        "grey of 16 bit": (Image.fromarray(grey16), ".png", [79, 79, 79]),
        "grey TIFF of 16 bit": (Image.fromarray(grey16), ".tif", [79, 79, 79]),
        "TIFF": (Image.fromarray(np.full((12, 20, 3), (10, 20, 30), np.uint8)), ".tiff", [10, 20, 30]),
        "bitmap": (Image.fromarray(np.full((12, 20, 3), (10, 20, 30), np.uint8)), ".BMP", [10, 20, 30]),
        "JPEG": (Image.fromarray(np.full((12, 20, 3), 128, np.uint8)), ".JPG", [128, 128, 128]),
        "CMYK": (Image.fromarray(np.full((12, 20, 4), (0, 255, 255, 0), np.uint8), "CMYK"), ".tif", [255, 0, 0]),
    }


@pytest.mark.parametrize(
    "kind",
    ["grey", "black and white", "palette", "grey of 16 bit", "grey TIFF of 16 bit", "TIFF", "bitmap", "JPEG", "CMYK"],
)
def test_kinds_of_pictures(kind: str, capture_scene: MakeScene) -> None:
    picture, suffix, color = kinds()[kind]
    root = capture_scene(edit=lambda d: d["frames"][1].update(file_path="images/two"))
    picture.save(root / "images" / f"two{suffix}")
    scene = load_scene(root, holdout=0)
    assert scene.names[-1] == "images/two"
    assert (scene.images[-1] == color).all()


def test_kinds_of_alpha(blender_scene: MakeScene) -> None:
    root = blender_scene(train=3)
    file = root / "train" / "r_1.png"
    Image.fromarray(np.full((16, 16, 2), (90, 40), np.uint8), "LA").save(file)
    assert load_scene(root).images[1, 0, 0].tolist() == [90, 90, 90, 40]
    indexed = Image.fromarray(np.full((16, 16, 3), (10, 20, 30), np.uint8)).quantize(2)
    indexed.save(file, transparency=indexed.getpixel((0, 0)))
    assert load_scene(root).images[1, 0, 0].tolist() == [10, 20, 30, 0]
    Image.fromarray(np.full((16, 16), 0x4F80, np.uint16)).save(file)
    assert load_scene(root).images[1, 0, 0].tolist() == [79, 79, 79, 255]


def test_grey_of_sixteen_bit_rounds(capture_scene: MakeScene) -> None:
    root = capture_scene()
    values = np.arange(240, dtype=np.uint16).reshape(12, 20) * 274 + 3
    Image.fromarray(values).save(root / "images" / "1.png")
    got = load_scene(root, holdout=0).images[0, :, :, 0]
    assert (got == np.floor(values / 65535 * 255 + 0.5)).all()
    Image.fromarray(np.full((12, 20), 70000, np.int32)).save(root / "images" / "1.png", format="TIFF")
    with pytest.raises(DataError, match=r"frame 0 .*32 bit"):
        load_scene(root, holdout=0)


def test_orientation_in_exif_is_followed_only_where_the_sizes_ask_for_it(capture_scene: MakeScene) -> None:
    """Intrinsics refer to stored pixels, unless w and h say otherwise."""
    pixels = np.zeros((12, 20, 3), np.uint8)
    pixels[:, :4] = 200  # the left edge as stored
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = 6  # its top is on the right

    def write(name: str, **sizes: int) -> Path:
        root = capture_scene(name=name, edit=lambda d: d["frames"][1].update(file_path="images/2.png", **sizes))
        picture.save(root / "images" / "2.png", exif=exif)
        return root

    stored = load_scene(write("stored"), holdout=0)
    assert stored.notes == ()
    assert stored.image(1)[6].mean(axis=-1).tolist() == [200] * 4 + [0] * 16
    with pytest.warns(DataWarning, match="turned upright by their EXIF orientation"):
        turned = load_scene(write("turned", w=12, h=20), holdout=0)
    assert turned.image(1).shape == (20, 12, 3)
    assert turned.image(1)[:, 6].mean(axis=-1).tolist() == [200] * 4 + [0] * 16  # now the top edge


def test_one_broken_picture_ends_the_loading_with_its_name(capture_scene: MakeScene) -> None:
    root = capture_scene(count=25)
    file = root / "images" / "23.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataError, match=r"frame 22 \(images/23\.png\)"):
        load_scene(root, holdout=0)


# Masks.


def add_masks(root: Path, polarity: str, masks: dict[int, np.ndarray]) -> None:
    """Gives pictures masks [h, w], True where pixels may be used."""
    path = root / "transforms.json"
    document = json.loads(path.read_text())
    (root / "masks").mkdir(exist_ok=True)
    for i, use in masks.items():
        if polarity == "mask_path":
            Image.fromarray(np.where(use, 255, 0).astype(np.uint8)).save(root / "masks" / f"{i}.png")
            document["frames"][i - 1]["mask_path"] = f"masks/{i}.png"
        else:
            ignore = np.where(use, 0, 1).astype(np.uint8)[..., None] * np.array([0, 9, 0], np.uint8)
            Image.fromarray(ignore).save(root / "images" / f"dynamic_mask_{i}.png")
    path.write_text(json.dumps(document))


def left_half(width: int = 20, height: int = 12) -> np.ndarray:
    use = np.zeros((height, width), np.bool_)
    use[:, : width // 2] = True
    return use


@pytest.mark.parametrize("polarity", ["mask_path", "dynamic_mask"])
def test_both_polarities_of_masks(polarity: str, capture_scene: MakeScene) -> None:
    root = capture_scene()
    add_masks(root, polarity, {2: left_half(), 5: ~left_half()})
    with pytest.warns(DataWarning, match=f"{polarity}.* neither learnt from nor compared") as caught:
        scene = load_scene(root, holdout=0)
    assert len(caught) == 1
    assert scene.masks is not None
    assert (scene.mask(1) == left_half()).all()
    assert (scene.mask(4) == ~left_half()).all()
    assert scene.mask(0).all()  # type: ignore[union-attr]


def test_masks_shrink_to_what_is_wholly_free(capture_scene: MakeScene) -> None:
    use = np.ones((12, 20), np.bool_)
    use[5, 7] = False
    root = capture_scene()
    add_masks(root, "mask_path", {1: use})
    with pytest.warns(DataWarning):
        by_two = load_scene(root, holdout=0, downscale=2).mask(0)
    with pytest.warns(DataWarning):
        by_three = load_scene(root, holdout=0, downscale=3).mask(0)  # 7 columns of 20 / 7 pixels
    assert by_two is not None
    assert np.argwhere(~by_two).tolist() == [[2, 3]]
    assert by_three is not None
    assert np.argwhere(~by_three).tolist() == [[1, 2]]


def test_masks_that_do_not_fit(capture_scene: MakeScene) -> None:
    root = capture_scene()
    add_masks(root, "mask_path", {2: left_half(10, 12)})
    with (
        pytest.warns(DataWarning),
        pytest.raises(DataError, match=r"frame 1 .*mask 2\.png is 10x12 but the image is 20x12"),
    ):
        load_scene(root, holdout=0)
    root = capture_scene(name="gone")
    add_masks(root, "mask_path", {2: left_half()})
    (root / "masks" / "2.png").unlink()
    with pytest.warns(DataWarning, match=r"no file of the mask_path of images/2\.png"):
        assert load_scene(root, holdout=0).masks is None
    root = capture_scene(name="all", edit=lambda d: d["frames"].__delitem__(slice(2, None)))
    add_masks(root, "mask_path", {1: np.zeros((12, 20), np.bool_), 2: np.zeros((12, 20), np.bool_)})
    with pytest.warns(DataWarning), pytest.raises(DataError, match="masks hide every pixel of split train"):
        load_scene(root, holdout=0)
    root = capture_scene(name="number", edit=lambda d: d["frames"][0].update(mask_path=3))
    with pytest.raises(DataError, match="mask_path is not a file name"):
        load_scene(root, holdout=0)


def test_what_crops_no_picture_is_said(capture_scene: MakeScene) -> None:
    with pytest.warns(DataWarning, match="fisheye_crop_radius is not used"):
        load_scene(capture_scene(edit=lambda d: d.update(fisheye_crop_radius=9)))


def test_masked_pixels_are_not_learnt_from(mixed_scene: MakeScene) -> None:
    """Whatever stands under a mask, the training is the same to the bit."""
    root = mixed_scene()
    add_masks(root, "mask_path", {1: left_half(12, 20), 2: left_half(), 6: ~left_half()})
    with pytest.warns(DataWarning):
        scene = load_scene(root, holdout=0)
    assert scene.masks is not None
    config = settings(scene)
    plain = trained(scene.images, scene.cameras(), config, scene.masks)
    other = np.where(scene.masks[:, None], scene.images, 255)
    assert (other != scene.images).any()
    assert trained(other, scene.cameras(), config, scene.masks) == plain
    assert trained(other, scene.cameras(), config) != plain


def test_masked_pixels_are_not_compared(
    capture_scene: MakeScene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = capture_scene(), tmp_path / "run"
    assert main(["train", str(root), "--out", str(out), "--steps", "2", "--quiet", "--no-eval"]) == 0
    add_masks(root, "dynamic_mask", {1: left_half()})
    before = json.loads(_eval(out, capsys))["per_view"][0]
    pixels = np.asarray(Image.open(root / "images" / "1.png")).copy()
    pixels[:, 10:] = 255
    Image.fromarray(pixels).save(root / "images" / "1.png")
    after = json.loads(_eval(out, capsys))["per_view"][0]
    assert after["psnr"] == before["psnr"]
    assert after["ssim"] == before["ssim"]


def _eval(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["eval", str(run), "--json"]) == 0
    out, err = capsys.readouterr()
    assert "dynamic_mask files are used" in err
    return out


def test_metrics_under_a_mask() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 24, 30, 3), dtype=np.uint8)
    use = np.zeros((24, 30), np.bool_)
    use[3:20, 4:27] = True
    assert psnr(a, b, use) == pytest.approx(psnr(a[3:20, 4:27], b[3:20, 4:27]))
    assert psnr(a, b, np.ones_like(use)) == psnr(a, b)
    assert ssim(a, b, np.ones_like(use)) == ssim(a, b)
    changed = b.copy()
    changed[~use] = 7
    assert psnr(a, changed, use) == psnr(a, b, use)
    assert ssim(a, changed, use) == ssim(a, b, use)
    assert ssim(a, np.where(use[..., None], a, b), use) == 1
    assert np.isnan(psnr(a, b, np.zeros_like(use)))
    assert np.isnan(ssim(a, b, np.zeros_like(use)))
    with pytest.raises(ValueError, match=r"\[psnr\] mask"):
        psnr(a, b, use[1:])
