"""Tests of what each feature set counts, against brute force, its paper or another library."""

import itertools
from collections import Counter

import cv2
import numpy as np
import pytest
from scipy.fft import dctn
from skimage.feature import local_binary_pattern

from deepfake.features import dct, extraction, lbp, native, residuals, ring, spectrum
from deepfake.features import noise as energies
from deepfake.preprocessing import bounding_boxes, registration

HEIGHT, WIDTH = 46, 40
BOX = (8, 10, 20, 24)
GRAIN = 3.0  # grey levels of noise in the pictures


def texture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A smooth picture with grain: residuals of every level."""
    generator = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(generator.uniform(0, 255, (height, width)), (0, 0), 6)
    smooth = (smooth - smooth.mean()) * 4 + 128
    grain = generator.normal(0, GRAIN, (height, width))
    return np.clip(np.rint(smooth + grain), 0, 255).astype(np.uint8)


def grey(picture: np.ndarray) -> np.ndarray:
    """An RGB crop whose luma is the picture."""
    return np.repeat(picture[..., None], 3, axis=2)


# as the paper prints them, with their steps
FILTERS = {
    "first": ([[-1, 1]], 1),
    "second": ([[1, -2, 1]], 2),
    "third": ([[-1, 3, -3, 1]], 3),
    "square3": ([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], 4),
    "square5": (
        [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2],
         [-1, 2, -2, 2, -1]], 12,
    ),
}  # fmt: skip


Place = tuple[int, int]  # row and column, doubled: between two pixels it is odd


def filtered(picture: np.ndarray, name: str) -> list[tuple[dict[Place, int], np.ndarray]]:
    """Residuals by place, one by one, and the face's mask: of a square, or of rows and columns."""
    kernel = np.array(FILTERS[name][0])
    images = [(picture, native.face(picture.shape, BOX))]
    if len(kernel) == 1:
        images.append((images[0][0].T, images[0][1].T))
    (high, wide), found = kernel.shape, []
    for image, inside in images:
        height, width = image.shape
        values = {}
        for row, column in itertools.product(range(height - high + 1), range(width - wide + 1)):
            y, x = 2 * row + high - 1, 2 * column + wide - 1
            if 4 <= y <= 2 * (height - 3) and 4 <= x <= 2 * (width - 3):
                seen = image[row : row + high, column : column + wide].astype(int)
                values[y, x] = int((seen * kernel).sum())
        found.append((values, inside))
    return found


def region(places: list[Place], inside: np.ndarray) -> str:
    """Where residuals lie: all pixels under them in the face, or in the ring, or neither."""
    pixels = [inside[y // 2, x] for y, column in places for x in (column // 2, (column + 1) // 2)]
    return "face" if all(pixels) else "neither" if any(pixels) else "ring"


def runs(picture: np.ndarray, name: str) -> dict[tuple[str, str], Counter]:
    """Merged runs of four levels by region and scan, counted one by one."""
    kernel, step = FILTERS[name]
    found: dict[tuple[str, str], Counter] = {}
    for values, inside in filtered(picture, name):
        for (y, x), down in itertools.product(values, (False, True)):
            places = [(y + 2 * i * down, x + 2 * i * (not down)) for i in range(4)]
            if all(place in values for place in places):
                run = tuple(level(values[place], step) for place in places)
                minus = tuple(-value for value in run)
                same = min(run, run[::-1], minus, minus[::-1])
                scan = "both" if len(kernel) > 1 else "across" if down else "along"
                found.setdefault((region(places, inside), scan), Counter())[same] += 1
    return found


def level(residual: int, step: int) -> int:
    """Rounded, halves away from zero, and truncated."""
    return max(-2, min(2, int(abs(residual) / step + 0.5) * (1 if residual > 0 else -1)))


@pytest.mark.parametrize("name", FILTERS)
def test_frequencies_are_those_counted_one_by_one(name: str) -> None:
    picture = texture()
    vector = residuals.values(grey(picture), BOX).astype(np.float64)
    expected = runs(picture, name)
    for scan in [scan for submodel, scan in residuals.SUBMODELS if submodel == name]:
        for region in residuals.REGIONS:
            counts = expected[region, scan]
            assert len(counts) > 20
            shares = np.zeros(169)
            for run, times in counts.items():
                shares[residuals.CLASSES[4][_number(run)]] += times / counts.total()
            first = residuals.LABELS.index((region, name, scan, 4, 0))
            np.testing.assert_allclose(vector[first : first + 169] ** 2, shares, atol=1e-7)


def _number(run: tuple[int, ...]) -> int:
    """A run's bin before bins are merged: its levels are digits to the base 5."""
    return int("".join(str(level + 2) for level in run), 5)


def test_runs_of_a_tiny_residual_are_counted_by_hand() -> None:
    levels = np.array([[2, 2, 3, 4, 2], [0, 1, 2, 3, 4]], np.uint8)  # that is 0 0 1 2 0, -2 ... 2
    places = np.zeros((2, 2), np.uint8)
    places[1, 1] = residuals.PAIRS  # the last run lies in the ring
    face, ring = residuals.count(levels, 1, places)
    found = {int(i): int(face[i]) for i in np.flatnonzero(face)}
    assert found == {_number((0, 0, 1, 2)): 1, _number((0, 1, 2, 0)): 1, _number((-2, -1, 0, 1)): 1}
    assert np.flatnonzero(ring).tolist() == [_number((-1, 0, 1, 2))]
    turned = residuals.count(np.ascontiguousarray(levels.T), 0, places.T)
    np.testing.assert_array_equal(turned, [face, ring])


def test_crops_too_large_to_be_counted_at_once_are_counted_in_bands(monkeypatch) -> None:
    whole = residuals.values(grey(texture()), BOX)
    monkeypatch.setattr(residuals, "EXACT", 100)
    np.testing.assert_array_equal(residuals.values(grey(texture()), BOX), whole)


def test_runs_of_three_are_the_two_in_each_run_of_four() -> None:
    counts = np.zeros((2, 625), np.int64)
    counts[0, _number((0, 1, 2, -1))] = 3
    counts[0, _number((1, 2, -1, 0))] = 1
    frequencies = residuals._frequencies(counts).astype(np.float64).reshape(2, 39 + 169) ** 2
    threes, fours = frequencies[0, :39], frequencies[0, 39:]
    expected = np.zeros(39)
    # 3 x (0 1 2), 3 x (1 2 -1), (1 2 -1) and (2 -1 0), which is no mirror of (0 1 2)
    for run, times in (((0, 1, 2), 3), ((1, 2, -1), 4), ((2, -1, 0), 1)):
        expected[residuals.CLASSES[3][_number(run)]] += times / 8
    np.testing.assert_allclose(threes, expected, atol=1e-7)
    assert sorted(fours[fours > 0].round(6)) == [0.25, 0.75]
    assert not frequencies[1].any()


@pytest.mark.parametrize("step", sorted(set(residuals.STEPS.values())))
def test_quantisation_rounds_halves_away_from_zero_and_truncates(step: int) -> None:
    values = np.arange(-60, 61, dtype=np.int16)
    expected = np.sign(values) * np.floor(np.abs(values) / step + 0.5)
    expected = np.clip(expected, -2, 2)
    found = residuals.quantise(values[None], step)[0].astype(int) - 2
    np.testing.assert_array_equal(found, expected)


def test_merging_leaves_the_bins_that_the_paper_counts() -> None:
    assert residuals.SIZES == {3: 39, 4: 169}
    assert residuals.LENGTH == 2 * 8 * (39 + 169)


def test_frequencies_of_each_part_sum_to_one() -> None:
    vector = residuals.values(grey(texture()), BOX).astype(np.float64)
    parts = Counter()
    for label, value in zip(residuals.LABELS, vector, strict=True):
        parts[label[:4]] += value**2
    assert len(parts) == 2 * 8 * 2
    np.testing.assert_allclose(list(parts.values()), 1, rtol=1e-6)


MOVES = {
    "mirrored": lambda a: a[:, ::-1], "upside down": lambda a: a[::-1], "transposed": lambda a: a.T,
    "turned by 90 degrees": np.rot90, "negated": lambda a: 255 - a,
}  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("box", [BOX, (0, 3, 33, 38)], ids=["inside", "clipped by the frame"])
def test_a_moved_or_negated_crop_has_the_same_residual_features(move: str, box) -> None:
    picture = texture()
    mark = np.zeros(picture.shape, bool)
    mark[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = True
    if move != "negated":
        rows, columns = np.nonzero(MOVES[move](mark))
        moved = (int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1,
                 int(np.ptp(rows)) + 1)  # fmt: skip
    else:
        moved = box
    found = residuals.values(grey(MOVES[move](picture)), moved)
    np.testing.assert_array_equal(found, residuals.values(grey(picture), box))


def test_residuals_that_go_on_alike_and_that_change_are_told_apart() -> None:
    """Stripes have the differences 0 down their columns and 1, -1 along rows; checks no 0."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    zeros = residuals.CLASSES[4][_number((0, 0, 0, 0))]
    place = residuals.LABELS.index(("ring", "first", "across", 4, zeros))
    for picture, share in ((columns % 2, 0.5), ((rows + columns) % 2, 0)):
        found = residuals.values(grey(picture.astype(np.uint8)), BOX)[place] ** 2
        assert found == pytest.approx(share, abs=0.02)


def pasted(change) -> np.ndarray:
    """A crop of one texture everywhere, whose face went through `change`; ring untouched."""
    picture = texture(7, 220, 180)
    mask = native.face(picture.shape, LARGE)
    return grey(np.where(mask, change(picture), picture))


LARGE = (30, 36, 120, 148)


def resampled(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape
    small = cv2.resize(picture, (width * 3 // 5, height * 3 // 5), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


FORGERIES = {"resampled": resampled, "blurred": lambda p: cv2.GaussianBlur(p, (0, 0), 1.0)}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_smoothed_face_has_less_noise_than_its_ring(how: str) -> None:
    honest = energies.values(pasted(lambda picture: picture), LARGE)
    forged = energies.values(pasted(FORGERIES[how]), LARGE)
    for number, (channel, name, value) in enumerate(energies.LABELS):
        if channel != "Y":
            assert honest[number] == forged[number]  # a grey picture has no chroma
        elif value == "difference":
            assert abs(honest[number]) < 0.3, name
            assert forged[number] < -1, name
        elif value == "ring":
            assert abs(forged[number] - honest[number]) < 0.01, name


@pytest.mark.parametrize("how", FORGERIES)
def test_a_smoothed_face_has_more_runs_of_small_residuals_than_its_ring(how: str) -> None:
    zeros = _number((0, 0, 0, 0))
    for name, scan in residuals.SUBMODELS:
        face, ring = (
            residuals.LABELS.index((region, name, scan, 4, residuals.CLASSES[4][zeros]))
            for region in residuals.REGIONS
        )
        honest = residuals.values(pasted(lambda picture: picture), LARGE)
        forged = residuals.values(pasted(FORGERIES[how]), LARGE)
        assert abs(honest[face] - honest[ring]) < 0.05
        assert forged[face] > forged[ring] + 0.05
        assert abs(forged[ring] - honest[ring]) < 0.01


def test_white_noise_has_its_variance_as_energy_in_every_filter() -> None:
    grain = np.random.default_rng(0).normal(128, 8, (300, 260))
    found = energies.values(grey(np.rint(grain).astype(np.uint8)), (40, 45, 180, 210))
    for label, value in zip(energies.LABELS, found, strict=True):
        if label[0] == "Y":
            expected = 0 if label[2] == "difference" else np.log2(64 + 1 / 6)
            assert abs(value - expected) < 0.1, label


@pytest.mark.parametrize("name", energies.FILTERS)
def test_energies_are_the_mean_squares_taken_one_by_one(name: str) -> None:
    picture = texture()
    squares: dict[str, list[int]] = {"face": [], "ring": [], "neither": []}
    for values, inside in filtered(picture, name):
        for place, value in values.items():
            squares[region([place], inside)].append(value**2)
    power = (np.array(FILTERS[name][0]) ** 2).sum()
    expected = {part: np.log2(np.mean(squares[part]) / power + 1 / 12) for part in ("face", "ring")}
    found = dict(zip(energies.LABELS, energies.values(grey(picture), BOX), strict=True))
    for part, value in expected.items():
        assert found["Y", name, part] == pytest.approx(value, abs=1e-4)
    difference = expected["face"] - expected["ring"]
    assert found["Y", name, "difference"] == pytest.approx(difference, abs=2e-4)


def test_noise_of_colour_alone_is_seen_in_the_chroma() -> None:
    generator = np.random.default_rng(0)
    crop = np.full((120, 100, 3), 128, np.uint8)
    mask = native.face(crop.shape, (20, 25, 60, 70))
    crop[..., 2] = np.where(mask, 128 + generator.integers(-12, 13, mask.shape), 128)
    found = dict(zip(energies.LABELS, energies.values(crop, (20, 25, 60, 70)), strict=True))
    assert found["Cb", "square3", "difference"] > 5
    assert found["Cb", "square3", "difference"] > found["Y", "square3", "difference"] + 1


def test_a_region_without_a_pixel_makes_no_difference() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    found = energies.values(crop, (0, 0, 1, 1))  # a face in the corner, where no filter has room
    values = dict(zip(energies.LABELS, found, strict=True))
    for channel, name, value in energies.LABELS:
        if value != "ring":
            expected = 0 if value == "difference" else np.log2(1 / 12)
            assert values[channel, name, value] == pytest.approx(expected, abs=1e-4)
    assert values["Y", "square3", "ring"] > 0


def white(side: int) -> np.ndarray:
    return np.rint(np.random.default_rng(1).normal(128, 10, (side, side))).astype(np.uint8)


@pytest.mark.parametrize("side", [64, 101, 240])
def test_the_spectrum_of_white_noise_is_flat_at_its_variance(side: int) -> None:
    found = spectrum.values(grey(white(side)), (0, 0, side, side))
    enough = (spectrum.FREQUENCIES * side > 5) & (spectrum.FREQUENCIES < 0.68)  # values in a mean
    assert enough.sum() > 60
    assert np.abs(found[enough] - np.log2(100)).max() < 1.2
    assert abs(found[enough].mean() - np.log2(100)) < 0.1


def test_the_spectrum_of_a_blurred_face_falls_as_the_blur_says() -> None:
    sigma, side = 1.0, 240
    blurred = cv2.GaussianBlur(white(side).astype(np.float64), (0, 0), sigma,
                               borderType=cv2.BORDER_REFLECT)  # fmt: skip
    found = spectrum.values(grey(np.rint(blurred).astype(np.uint8)), (0, 0, side, side))
    f = spectrum.FREQUENCIES
    passed = np.exp(-((2 * np.pi * f * sigma) ** 2))  # a Gaussian's own transform, squared
    expected = np.log2(100 * passed + 2 * native.FLOOR)  # rounded again, and the floor
    enough = (f * side > 10) & (f < 0.5)
    assert np.abs(found - expected)[enough].max() < 1
    assert found[enough][0] > found[enough][-1] + 6


def test_a_wave_is_found_at_its_frequency_whatever_the_size_of_the_face() -> None:
    for side in (60, 128, 200):
        wave = 128 + 60 * np.cos(2 * np.pi * 0.25 * np.arange(side))
        crop = grey(np.tile(np.rint(wave), (side, 1)).astype(np.uint8))
        found = spectrum.values(crop, (0, 0, side, side))
        assert abs(spectrum.FREQUENCIES[found.argmax()] - 0.25) < 1.5 / side + 0.01


def test_the_profile_is_the_mean_over_each_circle() -> None:
    square = texture(3)[:31, :31].astype(np.int16)
    for cut in (square, square[:30, :30]):
        side = len(cut)
        power = np.abs(np.fft.fft2(cut)) ** 2 / side**2
        steps = np.fft.fftfreq(side, 1 / side)
        radius = np.rint(np.hypot(steps[:, None], steps)).astype(int)
        expected = [power[radius == r].mean() for r in range(1, radius.max() + 1)]
        np.testing.assert_allclose(spectrum.profile(cut), expected)


def test_only_the_face_is_transformed() -> None:
    crop = grey(texture())
    other = crop.copy()
    other[:, :8] = 0
    other[-10:] = 255
    np.testing.assert_array_equal(spectrum.values(crop, BOX), spectrum.values(other, BOX))


def test_brightness_does_not_change_the_spectrum() -> None:
    darker = np.clip(texture(), 40, 215) - 40
    found = (spectrum.values(grey(picture), BOX) for picture in (darker, darker + 40))
    np.testing.assert_allclose(*found, atol=2e-4)


def test_local_binary_patterns_are_those_of_scikit_image() -> None:
    """But where a neighbour equals the centre: whole numbers know that, its floats do not."""
    picture = np.random.default_rng(0).integers(0, 256, (80, 70)).astype(np.uint8)
    found = lbp.RIU2[lbp.codes(picture.astype(np.int16))]
    expected = local_binary_pattern(picture, 8, 1, "uniform")[1:-1, 1:-1]
    tied = np.zeros(found.shape, bool)
    centre = picture[1:-1, 1:-1].astype(int)
    for down, right in itertools.product((0, 2), repeat=2):
        corner = picture[down : down + 78, right : right + 68]
        beside = picture[1:-1, right : right + 68].astype(int) + picture[down : down + 78, 1:-1]
        tied |= (corner == centre) & (beside == 2 * centre)
    assert tied.mean() < 0.01
    np.testing.assert_array_equal(found[~tied], expected[~tied])
    assert set(np.unique(found)) == set(range(10))


def test_patterns_are_counted_in_the_face_and_in_the_ring() -> None:
    picture = texture()
    inner = native.face(picture.shape, BOX)[1:-1, 1:-1]
    patterns = lbp.RIU2[lbp.codes(picture.astype(np.int16))]
    found = lbp.values(grey(picture), BOX)
    for shares, region in ((found[:10], inner), (found[10:], ~inner)):
        expected = [(patterns[region] == number).mean() for number in range(10)]
        np.testing.assert_allclose(shares, expected, rtol=1e-6)


@pytest.mark.parametrize("move", ["mirrored", "transposed", "turned by 90 degrees"])
def test_local_binary_patterns_do_not_change_when_the_picture_is_turned(move: str) -> None:
    picture = texture()
    whole = (0, 0, WIDTH, HEIGHT)
    turned = MOVES[move](picture)
    found = lbp.values(grey(turned), (0, 0, turned.shape[1], turned.shape[0]))
    np.testing.assert_array_equal(found, lbp.values(grey(picture), whole))


def test_local_binary_patterns_do_not_see_brightness_or_contrast() -> None:
    picture = texture() // 3
    np.testing.assert_array_equal(
        lbp.values(grey(picture * 2 + 7), BOX), lbp.values(grey(picture), BOX)
    )


def test_a_flat_picture_has_only_full_circles() -> None:
    found = lbp.values(np.full((40, 40, 3), 77, np.uint8), (10, 10, 20, 20))
    expected = np.zeros(20)
    expected[[8, 18]] = 1
    np.testing.assert_array_equal(found, expected)


# The transform of blocks.

FACE = (52, 44, 80, 96)  # a box in the frames below


def frame(seed: int = 0, height: int = 192, width: int = 200) -> np.ndarray:
    """A grey frame, uint8 (height, width), whose codec is not seen."""
    return texture(seed, height, width)


def encoded(picture: np.ndarray, quality: int) -> np.ndarray:
    """A picture after JPEG, whose blocks lie on its own grid."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def scales(picture: np.ndarray, box: tuple[int, int, int, int] = FACE) -> np.ndarray:
    """Values of a face in a frame, as `extraction` cuts it; (face, ring, difference), (3, 63)."""
    left, top, width, height = bounding_boxes.enlarge(box, 0.2, picture.shape)
    crop = grey(picture[top : top + height, left : left + width])
    inside = extraction.box_in_crop(box, crop.shape)
    return dct.values(crop, inside, (left, top)).reshape(3, 63)


@pytest.mark.parametrize("box", [FACE, (53, 41, 77, 90), (0, 0, 61, 70), (140, 117, 60, 75)])
def test_scales_are_those_of_scipys_transform_block_by_block(box) -> None:
    """Also of a crop that starts within a block, or at the frame's border."""
    picture = frame()
    left, top, width, height = bounding_boxes.enlarge(box, 0.2, picture.shape)
    mask = np.zeros(picture.shape, bool)
    mask[top : top + height, left : left + width] = native.face(
        (height, width), (box[0] - left, box[1] - top, *box[2:])
    )
    found: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for y, x in itertools.product(range(0, 192, 8), range(0, 200, 8)):
        inside = mask[y : y + 8, x : x + 8]
        in_crop = left <= x <= left + width - 8 and top <= y <= top + height - 8
        if in_crop and (inside.all() or not inside.any()):
            block = picture[y : y + 8, x : x + 8].astype(float)
            found[bool(inside.all())].append(np.abs(dctn(block, norm="ortho")).ravel()[1:])
    assert min(map(len, found.values())) > 10
    face, ring = (np.log2(np.mean(found[side], axis=0) + 12**-0.5) for side in (True, False))
    assert scales(picture, box) == pytest.approx(np.stack([face, ring, face - ring]), abs=3e-4)


def test_blocks_lie_on_the_grid_of_the_frame_not_of_the_crop() -> None:
    """A frame and its box moved by 8 pixels are the same to the codec's grid, by 3 not."""
    picture, (x, y, *size) = encoded(frame(), 50), FACE
    whole = np.pad(picture, ((8, 0), (8, 0)))
    expected = scales(picture)
    assert scales(whole, (x + 8, y + 8, *size)).tobytes() == expected.tobytes()
    moved = scales(np.pad(picture, ((3, 0), (3, 0))), (x + 3, y + 3, *size))
    assert np.abs(moved - expected).max() > 1


def test_without_a_place_a_crop_starts_on_the_grid() -> None:
    crop = grey(texture())
    assert dct.vector(crop, BOX).tobytes() == dct.vector(crop, BOX, (16, 8)).tobytes()
    assert (dct.vector(crop, BOX) != dct.vector(crop, BOX, (1, 0))).any()


def test_a_wave_is_seen_in_its_own_coefficient_alone() -> None:
    block = np.zeros((8, 8))
    block[3, 5] = 200
    wave = np.rint(128 + dctn(block, type=3, norm="ortho")).astype(np.uint8)
    face, ring, apart = scales(np.tile(wave, (24, 25)))
    assert face.argmax() == 8 * 3 + 5 - 1 == dct.LABELS.index(("face", 3, 5))
    assert face.max() == pytest.approx(np.log2(200), abs=0.05)
    assert np.sort(face)[-2] < 1
    np.testing.assert_array_equal(face, ring)
    assert not apart.any()


# Steps of luma at quality 50: JPEG's standard, annex K, table K.1
STEPS = """
16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101
72 92 95 98 112 100 103 99
"""


def test_jpeg_of_a_known_quality_shows_in_each_coefficient_as_its_step_says() -> None:
    """White noise is a normal variable in each, which is rounded to its step."""
    generator = np.random.default_rng(0)
    grain = np.rint(generator.normal(128, 24, (960, 960))).astype(np.uint8)
    found = scales(encoded(grain, 50), (160, 160, 640, 640))[:2].mean(axis=0)
    steps = np.array(STEPS.split(), float)[1:]
    drawn = steps * np.rint(generator.normal(0, 24, (100_000, 63)) / steps)
    drawn += generator.normal(0, 12**-0.5, drawn.shape)  # the decoder rounds to grey levels
    expected = np.log2(np.abs(drawn).mean(axis=0) + 12**-0.5)
    assert expected[dct.COEFFICIENTS.index((0, 1))] > expected[dct.COEFFICIENTS.index((7, 7))] + 2
    assert np.abs(found - expected).max() < 0.3


def test_a_face_from_an_encoded_picture_differs_from_its_ring() -> None:
    picture, (x, y, width, height) = frame(), FACE
    mask = np.zeros(picture.shape, bool)
    mask[y : y + height, x : x + width] = native.face((height, width), (0, 0, width, height))
    _, _, apart = scales(np.where(mask, encoded(picture, 30), picture))
    assert apart[dct.COEFFICIENTS.index((7, 7))] < -2
    assert np.abs(scales(picture)[2]).max() < 0.7


@pytest.mark.parametrize("size", [(7, 40), (14, 14)])
def test_a_crop_without_a_whole_block_has_no_scale_and_no_difference(size) -> None:
    crop = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = dct.values(crop, (1, 1, 4, 4), (1, 1)).reshape(3, 63)
    np.testing.assert_allclose(found[:2], np.log2(12**-0.5), atol=1e-4)
    assert not found[2].any()


def test_a_face_too_small_for_a_block_makes_no_difference() -> None:
    found = dct.values(grey(texture()), (20, 20, 9, 9)).reshape(3, 63)
    np.testing.assert_allclose(found[0], np.log2(12**-0.5), atol=1e-4)
    assert found[1].min() > 0
    assert not found[2].any()


def test_brightness_does_not_change_the_scales() -> None:
    darker = np.clip(texture(), 40, 215) - 40
    one, other = (dct.values(grey(picture), BOX) for picture in (darker, darker + 40))
    np.testing.assert_array_equal(one, other)  # sums of whole numbers


def placed(scale: complex, shift: complex) -> list[tuple[float, float]]:
    """The five points of a face to which the template is scaled, turned and shifted."""
    left, top, width, height = registration.HULL
    found = []
    for across, down in registration.POINTS:
        place = complex(left + across * width / 100, top + down * height / 100) - (0.5 + 0.5j)
        place = scale * place + shift
        found.append((place.real, place.imag))
    return found


@pytest.mark.parametrize("scale", [1, 0.4, 2.3 * np.exp(0.3j), 1.1j, -1])
def test_a_face_is_registered_however_large_it_is_and_however_it_lies(scale) -> None:
    found = registration.similarity(placed(scale, 31 - 7j))
    np.testing.assert_allclose(found, (scale, 31 - 7j))


@pytest.mark.parametrize(
    "points",
    [
        (),
        placed(1, 0)[:4],
        [(5, 5)] * 5,
        [(-x, y) for x, y in placed(1, 0)],  # mirrored: the left eye is on the right
        [(x, 9) for x, _ in placed(1, 0)],
    ],
)
def test_points_that_fit_no_face_are_not_registered(points) -> None:
    assert registration.similarity(points) is None


def test_points_that_are_a_little_off_are_registered_by_least_squares() -> None:
    rng = np.random.default_rng(0)
    points = np.array(placed(1.7 + 0.2j, 10 + 5j)) + rng.normal(0, 2, (5, 2))
    scale, shift = registration.similarity([tuple(point) for point in points])
    template = np.array(placed(1, 0))
    rows = [[x, -y, 1, 0] for x, y in template] + [[y, x, 0, 1] for x, y in template]
    direct, *_ = np.linalg.lstsq(np.array(rows), points.T.ravel(), rcond=None)
    np.testing.assert_allclose([scale.real, scale.imag, shift.real, shift.imag], direct)


@pytest.mark.parametrize("scale", [1, 0.8, 1.3 * np.exp(0.4j), 2.2 - 0.5j, 3])
def test_the_ring_shows_what_another_librarys_warp_does(scale) -> None:
    """OpenCV's bilinear warp of the crop, shrunk by its means where the face is large."""
    generator = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(generator.uniform(-128, 128, (420, 410, 3)), (0, 0), 4)
    crop = np.clip(128 + 6 * smooth, 0, 255).astype(np.uint8)
    shift = 200 + 190j - scale * (64 + 64j)
    found = ring.vector(crop, BOX, (0, 0), placed(scale, shift)).reshape(-1, 3)
    times = max(1, round(abs(scale)))
    small = cv2.resize(
        crop[: 420 // times * times, : 410 // times * times], None, fx=1 / times, fy=1 / times,
        interpolation=cv2.INTER_AREA,
    )  # fmt: skip
    start = (shift + (0.5 + 0.5j)) / times - (0.5 + 0.5j)
    turn = complex(scale) / times
    matrix = np.array([[turn.real, -turn.imag, start.real], [turn.imag, turn.real, start.imag]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    side = (registration.SIDE, registration.SIDE)
    warped = cv2.warpAffine(small, matrix, side, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    assert np.ptp(found) > 50
    np.testing.assert_allclose(found.astype(int), warped[ring.MASK].astype(int), atol=3)


def test_a_registered_crop_gives_its_own_pixels_and_beyond_it_its_border() -> None:
    crop = texture_rgb(128, 128)
    np.testing.assert_array_equal(
        ring.vector(crop, BOX, (0, 0), placed(1, 0)).reshape(-1, 3), crop[ring.MASK]
    )
    beyond = ring.vector(crop, BOX, (0, 0), placed(1, 500 - 700j)).reshape(-1, 3)
    np.testing.assert_array_equal(beyond, np.tile(crop[0, 127], (len(beyond), 1)))


def texture_rgb(height: int, width: int) -> np.ndarray:
    return np.stack([texture(seed, height, width) for seed in range(3)], axis=2)


def test_the_ring_is_the_outline_without_the_polygon_of_the_paper() -> None:
    """Counted by OpenCV's test of a point in a polygon, at the centres of pixels."""
    left, top, width, height = registration.HULL
    sides = []
    for corners in (ring.OUTLINE, ring.REMOVED):
        corners = np.array(corners) * (width, height) / 100 + (left, top)
        hull = cv2.convexHull(corners.astype(np.float32))
        assert len(hull) == len(corners)  # convex, as what is computed needs it
        sides.append([
            [cv2.pointPolygonTest(hull, (x + 0.5, y + 0.5), False) >= 0 for x in range(128)]
            for y in range(128)
        ])  # fmt: skip
    outline, removed = np.array(sides)
    assert (removed <= outline).all()
    np.testing.assert_array_equal(ring.MASK, outline & ~removed)
    paper = {(17, 24), (86, 24), (72, 71), (57, 83), (48, 83), (32, 71)}
    assert set(ring.REMOVED) == paper
