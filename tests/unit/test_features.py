"""Tests of what all feature sets share: their interface, a batch's way into them, the channels."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate

from deepfake.core import archive
from deepfake.features import extraction, native
from deepfake.features import registry as features
from deepfake.preprocessing import bounding_boxes, face_record, faces
from tests.unit.test_feature_sets import FILTERS

SIZES = [(2, 2), (2, 40), (5, 5), (9, 3), (37, 61), (211, 157)]
EIGHT = (8, 10, 20, 24)  # a box in the crops of `noise()`


def noise(height: int = 48, width: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def middle_box(height: int, width: int) -> tuple[int, int, int, int]:
    return width // 6, height // 6, max(1, width * 2 // 3), max(1, height * 2 // 3)


def points_in(box: tuple[int, int, int, int]) -> list[tuple[float, float]]:
    """Where the detector finds the five points of a face that looks into the camera."""
    x, y, side = *box[:2], max(box[2:])
    places = ((0.2, 0.39), (0.56, 0.39), (0.38, 0.58), (0.23, 0.77), (0.53, 0.77))
    return [(x + across * side, y + down * side) for across, down in places]


def vector(one, crop: np.ndarray, box, corner=(0, 0)) -> np.ndarray:
    return one.vector(crop, box, corner, points_in(box))


@pytest.fixture(params=features.NAMES)
def one(request):
    return features.module(request.param)


def check(one, found: np.ndarray) -> None:
    assert found.shape == (one.LENGTH,)
    assert found.dtype == np.uint8


def test_a_feature_set_says_its_name_and_version(one) -> None:
    assert one.__name__.endswith(f".{one.NAME}")
    assert one.VERSION


def test_a_plan_knows_how_long_each_set_is_without_loading_it(one) -> None:
    assert features.LENGTHS[one.NAME] == one.LENGTH
    assert features.length("pixels", 320) == 307_200


# step of a code, and the value that a code stands for
CODES = {
    "residuals": (1 / 255, lambda code: code / 255),
    "lbp": (2 / 255, lambda code: (code / 255) ** 2),
    "spectrum": (1 / 10, lambda code: code / 10 - 4),
    "noise": (1 / 12, lambda code: (code - features.module("noise").ZERO) / 12),
    "dct": (1 / 20, lambda code: (code - features.module("dct").ZERO) / 20),
}


@pytest.mark.parametrize("name", CODES)
def test_codes_keep_what_values_say_to_half_a_step(name: str) -> None:
    one, (step, meant) = features.module(name), CODES[name]
    values, code = one.values(noise(), EIGHT), vector(one, noise(), EIGHT).astype(float)
    assert code.min() >= 0
    assert code.max() < 255
    assert len(np.unique(code)) > 5
    np.testing.assert_allclose(meant(code), values, atol=0.51 * step)


@pytest.mark.parametrize("size", SIZES)
def test_a_crop_of_any_size_gives_finite_numbers_of_one_length(one, size) -> None:
    check(one, vector(one, noise(*size), middle_box(*size)))


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [(2, 2), (48, 40)])
def test_a_crop_of_one_colour_gives_finite_numbers(one, level: int, size) -> None:
    check(one, vector(one, np.full((*size, 3), level, np.uint8), middle_box(*size)))


def test_a_saturated_crop_gives_finite_numbers(one) -> None:
    check(one, vector(one, (noise() > 127).astype(np.uint8) * 255, EIGHT))


@pytest.mark.parametrize("box", [(0, 0, 40, 48), (0, 0, 1, 1), (39, 47, 1, 1)])
def test_a_face_that_fills_its_crop_or_nearly_vanishes_gives_finite_numbers(one, box) -> None:
    check(one, vector(one, noise(), box))


def test_a_large_crop_gives_finite_numbers(one) -> None:
    check(one, vector(one, noise(1100, 900), (150, 180, 600, 740)))


def test_the_same_crop_gives_the_same_bytes_however_it_lies_in_memory(one) -> None:
    crop = noise()
    kept = crop.copy()
    expected = vector(one, crop, EIGHT).tobytes()
    assert vector(one, crop, EIGHT).tobytes() == expected
    assert vector(one, np.asfortranarray(crop), EIGHT).tobytes() == expected
    assert vector(one, crop[..., ::-1].copy()[..., ::-1], EIGHT).tobytes() == expected
    np.testing.assert_array_equal(crop, kept)  # and it is left as it was


def test_other_pixels_give_other_features(one) -> None:
    smooth = cv2.GaussianBlur(noise(), (0, 0), 2)
    assert (vector(one, noise(), EIGHT) != vector(one, smooth, EIGHT)).any()


def test_an_unknown_feature_set_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown feature set 'wavelets'; known are residuals"):
        features.module("wavelets")


def test_all_is_the_others_side_by_side_but_pictures() -> None:
    names = [name for name in features.NAMES if name not in ("all", *features.PICTURES)]
    others = [features.module(name) for name in names]
    expected = np.concatenate([vector(other, noise(), EIGHT) for other in others])
    np.testing.assert_array_equal(vector(features.module("all"), noise(), EIGHT), expected)


@pytest.mark.parametrize(
    "box",
    [(30, 20, 20, 24), (0, 0, 20, 24), (61, 41, 39, 19), (0, 0, 100, 60), (3, 2, 33, 41),
     (96, 57, 4, 3), (1, 55, 7, 5), (50, 30, 2, 2)],
)  # fmt: skip
def test_the_box_in_a_native_crop_shows_the_face_of_the_frame(box) -> None:
    """Also where the frame's border clips the crop."""
    frame = noise(60, 100)
    crop = np.asarray(Image.open(io.BytesIO(faces._surroundings(frame, box))))
    x, y, width, height = extraction.box_in_crop(box, crop.shape)
    left, top, *size = box
    assert [width, height] == size
    np.testing.assert_array_equal(
        crop[y : y + height, x : x + width], frame[top : top + height, left : left + width]
    )


@pytest.mark.parametrize("shape", [(60, 100, 3), (4, 30, 3), (34, 4, 3)])
def test_a_crop_that_cannot_be_of_a_box_is_refused(shape) -> None:
    with pytest.raises(extraction.FeatureError, match="is not of a face at"):
        extraction.box_in_crop((30, 20, 20, 24), shape)


FRAME = noise(60, 100, seed=5)
BOXES = [(30, 20, 20, 24), (0, 0, 20, 24), (70, 40, 30, 20)]


def written(box: tuple[int, int, int, int]) -> str:
    return " ".join(f"{round(x)},{round(y)}" for x, y in points_in(box))


def batch(path: Path, names: list[str]) -> list[dict[str, str]]:
    """A batch of BOXES in FRAME, dropped rows between them, its crops under these names."""
    with archive.Writer(path) as tar:
        for name, box in zip(names, BOXES, strict=True):
            tar.add(name, faces._surroundings(FRAME, box))
    rows = []
    for number, box in enumerate(BOXES):
        sides = dict(zip(("x", "y", "width", "height"), map(str, box), strict=True))
        rows.append({"status": "dropped", "crop_row": ""} | dict.fromkeys(sides, ""))
        rows.append({"status": "kept", "crop_row": str(number), "points": written(box)} | sides)
    return rows


NUMBERED = ["000000.png", "000001.png", "000002.png"]


def test_a_batch_gives_a_row_for_each_kept_face_in_order(one, tmp_path: Path) -> None:
    rows = batch(tmp_path / "b.tar", NUMBERED)
    found = extraction.extract(one.NAME, rows, tmp_path / "b.tar")
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    expected = []
    for box in BOXES:
        x, y, width, height = bounding_boxes.enlarge(box, 0.2, FRAME.shape)
        inside = box[0] - x, box[1] - y, *box[2:]
        points = [(u - x, v - y) for u, v in face_record.points_of({"points": written(box)})]
        crop = FRAME[y : y + height, x : x + width]
        expected.append(one.vector(crop, inside, (x, y), points))
    np.testing.assert_array_equal(found, expected)


def test_a_batch_without_a_face_gives_no_row(one, tmp_path: Path) -> None:
    with archive.Writer(tmp_path / "b.tar"):
        pass
    found = extraction.extract(one.NAME, [{"status": "dropped"}], tmp_path / "b.tar")
    assert found.shape == (0, one.LENGTH)


def test_a_table_in_another_order_than_its_archive_gives_the_same_rows(tmp_path: Path) -> None:
    rows = batch(tmp_path / "b.tar", NUMBERED)
    found = extraction.extract("lbp", rows, tmp_path / "b.tar")
    assert len(np.unique(found, axis=0)) == len(BOXES)
    turned = extraction.extract("lbp", rows[::-1], tmp_path / "b.tar")
    np.testing.assert_array_equal(turned, found)
    with (
        archive.Reader(tmp_path / "b.tar") as crops,
        archive.Writer(tmp_path / "turned.tar") as tar,
    ):
        for name in reversed(NUMBERED):
            tar.add(name, crops.read(name))
    turned = extraction.extract("lbp", rows, tmp_path / "turned.tar")
    np.testing.assert_array_equal(turned, found)


def test_crops_that_are_not_those_of_the_table_are_refused(tmp_path: Path) -> None:
    tar = tmp_path / "b.tar"
    rows = batch(tar, NUMBERED)
    with pytest.raises(archive.JoinError, match=r"has 000002\.png, which its table does not name"):
        extraction.extract("lbp", rows[:4], tar)
    with pytest.raises(archive.JoinError, match=r"b\.tar: has one 000002\.png, .* run again"):
        extraction.extract("lbp", [*rows, rows[-1]], tar)
    with pytest.raises(archive.JoinError, match=r"b\.tar: has no 000003\.png, .* run again"):
        extraction.extract("lbp", [*rows, rows[-1] | {"crop_row": "3"}], tar)
    rows[3]["x"] = "90"
    with pytest.raises(extraction.FeatureError, match=r"b\.tar: 000001\.png: a crop of"):
        extraction.extract("lbp", [*rows[:3], rows[3] | {"width": "2"}, *rows[4:]], tar)


def test_a_crop_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    with archive.Writer(tmp_path / "b.tar") as tar:
        tar.add("000000.png", b"not a picture")
    row = {"status": "kept", "crop_row": "0", "x": "0", "y": "0", "width": "9", "height": "9"}
    row["points"] = ""
    with pytest.raises(extraction.FeatureError, match=r"000000\.png: is no picture"):
        extraction.extract("lbp", [row], tmp_path / "b.tar")


def test_a_face_whose_points_are_lacking_or_fit_no_face_is_refused(tmp_path: Path) -> None:
    rows = batch(tmp_path / "b.tar", NUMBERED)
    for points in ("", "7,7 7,7 7,7 7,7 7,7"):
        rows[3]["points"] = points
        told = r"b\.tar: 000001\.png has no five points that fit a face; cut the faces again"
        with pytest.raises(extraction.FeatureError, match=told):
            extraction.extract("ring", rows, tmp_path / "b.tar")


def test_channels_are_those_of_the_standard_to_a_grey_level() -> None:
    crop = noise(64, 64)
    y, cr, cb = np.moveaxis(cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb).astype(int), 2, 0)
    assert np.abs(native.luma(crop) - y).max() <= 1
    for found, expected in zip(native.chroma(crop), (cb - 128, cr - 128), strict=True):
        assert np.abs(found - np.clip(expected, -128, 127)).max() <= 2


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (90, 90, 90)])
def test_grey_has_no_chroma_and_keeps_its_level(colour) -> None:
    crop = np.full((4, 4, 3), colour, np.uint8)
    assert (native.luma(crop) == colour[0]).all()
    assert not np.any(native.chroma(crop))


def test_saturated_colours_do_not_overflow() -> None:
    corners = np.array(np.meshgrid([0, 255], [0, 255], [0, 255])).T.reshape(1, 8, 3)
    crop = corners.astype(np.uint8)
    red, green, blue = corners[0].T
    np.testing.assert_allclose(native.luma(crop)[0], [0.299, 0.587, 0.114] @ corners[0].T, atol=1)
    cb, cr = native.chroma(crop)
    np.testing.assert_allclose(cb[0], -0.1687 * red - 0.3313 * green + 0.5 * blue, atol=1.5)
    np.testing.assert_allclose(cr[0], 0.5 * red - 0.4187 * green - 0.0813 * blue, atol=1.5)


@pytest.mark.parametrize("name", FILTERS)
def test_residuals_are_those_of_the_paper_up_to_the_sign(name: str) -> None:
    grey = noise()[..., 0].astype(np.int16)
    kernels = [np.array(FILTERS[name][0])]
    kernels += [kernels[0].T] * (name in native.LINES)
    found = native.residuals(grey)[name]
    assert len(found) == len(kernels)
    for residual, kernel in zip(found, kernels, strict=True):
        margin = [(0, 0) if side % 2 else (0, 1) for side in kernel.shape]
        # an even kernel's answer stands at the later of its two middle pixels
        whole = correlate(grey.astype(int), kernel)
        cut = tuple(slice(2 + after, -2) for _, after in margin)
        np.testing.assert_array_equal(np.abs(residual), np.abs(whole[cut]))
        assert (residual == whole[cut]).all() or (residual == -whole[cut]).all()
    assert native.POWER[name] == (kernels[0] ** 2).sum()


def test_the_face_is_the_ellipse_in_its_box() -> None:
    mask = native.face((48, 40), EIGHT)
    x, y, width, height = EIGHT
    for row in range(48):
        for column in range(40):
            across = (column + 0.5 - x - width / 2) / (width / 2)
            down = (row + 0.5 - y - height / 2) / (height / 2)
            assert mask[row, column] == (across**2 + down**2 <= 1)


def test_windows_count_only_wholly_inside_or_wholly_outside() -> None:
    mask = native.face((20, 16), (4, 5, 9, 11))
    for rows, columns in ((1, 1), (4, 1), (1, 5), (2, 4)):
        inside, outside = native.windows(mask, rows, columns)
        view = np.lib.stride_tricks.sliding_window_view(mask, (rows, columns))
        np.testing.assert_array_equal(inside, view.all(axis=(2, 3)))
        np.testing.assert_array_equal(outside, ~view.any(axis=(2, 3)))
