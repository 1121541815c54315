"""Tests of digests and perceptual hashes: copies are found, other pictures are not."""

from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from deepfake.preprocessing import image_hash
from deepfake.splits import duplicates
from tests.unit import clips

# The first 64 digits, of the whole frame.
EXPECTED = "2aaa5555aaaa5555aaaa5555aaaa5555aaaa5555aaaa5555aaaa5555aaaa5555"


def scene(seed: int, size: tuple[int, int] = (240, 320)) -> np.ndarray:
    """A made-up picture with details of every size, as photographs have; uint8 RGB."""
    generator = np.random.default_rng(seed)
    picture = np.full((*size, 3), 128.0)
    for cells in (3, 6, 12, 24, 48):
        coarse = generator.normal(0, 120 / cells**0.5, (cells, cells, 3))
        picture += cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def hashes(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """Those of whole pictures, (n, 4) uint64."""
    return duplicates.unpack([image_hash.perceptual(picture) for picture in pictures])[:, 0]


def differing(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Bits in which every one of some hashes differs from every other."""
    return np.bitwise_count(ones[:, None] ^ others[None]).sum(axis=2)


def frames(name: str, pictures: list[np.ndarray], **named: str) -> list[dict]:
    """Rows of a video's pictures, as the matrix has them."""
    hashes = [image_hash.perceptual(np.ascontiguousarray(picture)) for picture in pictures]
    return [{"video_id": name, "phash": one, "digest": ""} | named for one in hashes]


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    how = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imdecode(cv2.imencode(".jpg", np.ascontiguousarray(picture), how)[1], 1)


def cropped(picture: np.ndarray, share: float) -> np.ndarray:
    y, x = (round(share * side) for side in picture.shape[:2])
    return picture[y : len(picture) - y, x : picture.shape[1] - x]


def barred(picture: np.ndarray, across: float, down: float) -> np.ndarray:
    y, x = round(down * len(picture)), round(across * picture.shape[1])
    return np.pad(picture, ((y, y), (x, x), (0, 0)))


def captioned(picture: np.ndarray, band: bool) -> np.ndarray:
    picture = picture.copy()
    height, width = picture.shape[:2]
    if band:
        picture[round(0.87 * height) :] = 0
    place, size = (width // 10, round(0.95 * height)), width / 500
    return cv2.putText(picture, "breaking news", place, cv2.FONT_HERSHEY_SIMPLEX, size, (255,) * 3)


# What is done to a copy, and the word that the audit has for it.
CHANGES = {
    "mirrored": (lambda p: p[:, ::-1], "mirrored"),
    "cropped by 5 %": (lambda p: cropped(p, 0.05), "cropped"),
    "cropped by 10 %": (lambda p: cropped(p, 0.1), "cropped"),
    "mirrored and cropped": (lambda p: cropped(p[:, ::-1], 0.05), "mirrored, cropped"),
    "letterboxed": (lambda p: barred(p, 0, 0.125), ""),
    "pillarboxed": (lambda p: barred(p, 0.167, 0), ""),
    "captioned": (lambda p: captioned(p, band=False), ""),
    "captioned on a band": (lambda p: captioned(p, band=True), ""),
    "negative": (lambda p: 255 - p, "negative"),
    "1.5 times as bright": (lambda p: cv2.convertScaleAbs(p, None, 1.5), ""),
    "twice as bright": (lambda p: cv2.convertScaleAbs(p, None, 2), ""),
    "half as bright": (lambda p: cv2.convertScaleAbs(p, None, 0.5), ""),
}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: jpeg(p, 10),
        lambda p: cv2.resize(p, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA),
        lambda p: np.clip(p * 0.8 + 20, 0, 255).astype(np.uint8),
        lambda p: p[2:-2, 3:-3],
    ],
    ids=["jpeg", "smaller", "lighter", "cropped by a hundredth"],
)
def test_copies_keep_their_hash(change):
    scenes = [scene(seed) for seed in range(10)]
    found = differing(hashes(scenes), hashes(map(change, scenes)))
    assert np.diag(found).max() <= duplicates.MOST_BITS


def test_other_pictures_have_other_hashes():
    found = hashes(scene(seed) for seed in range(20))
    pairs = differing(found, found)[np.triu_indices(20, 1)]
    assert len(pairs) == 190
    assert pairs.min() > 2 * duplicates.MOST_BITS


def test_a_hash_is_the_same_on_every_machine():
    ramp = np.add.outer(np.arange(64), np.arange(64) * 2)[..., None].repeat(3, axis=2)
    picture = (ramp * (ramp % 7 > 2)).astype(np.uint8)
    found = image_hash.perceptual(picture)
    assert found[:64] == EXPECTED
    assert len(found) == 64 * len(image_hash.VIEWS)


@pytest.fixture(scope="module")
def ten_scenes() -> list[tuple[list[np.ndarray], list[dict]]]:
    """Three pictures each, and their rows."""
    each = [[scene(100 * seed + number) for number in range(3)] for seed in range(10)]
    return [(pictures, frames(f"{seed} one", pictures)) for seed, pictures in enumerate(each)]


@pytest.mark.parametrize(("change", "how"), CHANGES.values(), ids=CHANGES)
def test_changed_copies_are_found_and_named(ten_scenes, change, how):
    rows = []
    for seed, (pictures, own) in enumerate(ten_scenes):
        rows += own
        rows += frames(f"{seed} other", [jpeg(change(picture), 60) for picture in pictures])
    found = duplicates.near_duplicates(rows)
    assert list(found) == [(f"{seed} one", f"{seed} other") for seed in range(10)]
    assert all(how in told for told in found.values())


def test_a_changed_copy_that_a_name_links_is_none():
    mirrored = scene(1)[:, ::-1]
    for named in ({"clip_id": "a"}, {"source_id": "a"}, {"target_id": "one"}):
        rows = frames("one", [scene(1)], clip_id="a") + frames("other", [mirrored], **named)
        assert duplicates.near_duplicates(rows) == {}
    rows = frames("one", [scene(1)], clip_id="a") + frames("other", [mirrored], clip_id="b")
    assert duplicates.near_duplicates(rows)["one", "other"].endswith(", mirrored")


def test_dark_scenes_of_other_outlines_are_no_copies():
    """More than a third of each is black: what is clipped there would be an outline alone."""
    rows = []
    for seed in range(12):
        picture = scene(seed)
        picture[:, :100] = picture[:, 220:] = 0
        rows += frames(str(seed), [picture])
    assert duplicates.near_duplicates(rows) == {}


@clips.real_clips
def test_changed_copies_of_real_clips_are_found_and_nothing_else_is():
    """Ten people in one studio; the fakes are of them, by names, but for their mirror images."""
    paths = sorted(clips.real_root().rglob("**/*.mp4"))
    pictures = {path.stem: clips.read_video(path)[:71:35] for path in paths}
    assert len(pictures) == 20
    originals = []
    for name, mine in pictures.items():
        target, _, source = name.partition("_")
        originals += frames(name, mine, target_id=target, source_id=source)
    assert duplicates.near_duplicates(originals) == {}  # 165 pairs that no name links
    for name in (name for name in pictures if "_" in name):  # 5 more: a face swapped both ways
        swapped = "_".join(reversed(name.split("_")))
        pair = frames(name, pictures[name]) + frames(swapped, pictures[swapped])
        assert duplicates.near_duplicates(pair) == {}
    reals = {name: mine for name, mine in pictures.items() if "_" not in name}
    for change, _ in CHANGES.values():
        rows = list(originals)
        for name, mine in reals.items():
            rows += frames(f"copy of {name}", [jpeg(change(picture), 60) for picture in mine])
        found = duplicates.near_duplicates(rows)
        assert {(f"copy of {name}", name) for name in reals} <= {(b, a) for a, b in found}


@clips.real_clips
def test_real_clips_are_near_their_copies_only(tmp_path):
    """Of people filmed in one studio, the hardest to tell apart by a whole frame."""
    paths = sorted(clips.real_root().rglob("original_sequences/**/*.mp4"))
    assert len(paths) == 10
    before = []
    for number, path in enumerate(paths):
        mine = clips.read_video(path)[:31:10]
        small = [cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in mine]
        copy = clips.read_video(clips.write_video(tmp_path / f"{number}.mp4", small, "mp4v"))
        found = hashes(mine)
        assert np.diag(differing(found, hashes(copy))).max() <= duplicates.MOST_BITS
        for others in before:
            assert differing(found, others).min() > 2 * duplicates.MOST_BITS
        before.append(found)


def test_equal_faces_have_one_digest_and_a_pixel_makes_another():
    face = scene(1)
    other = face.copy()
    other[0, 0, 0] ^= 1
    assert image_hash.digest(face) == image_hash.digest(face[:, ::-1][:, ::-1])
    assert image_hash.digest(face) != image_hash.digest(other)


@pytest.mark.parametrize("block", [1, 7, 2**20])
def test_all_near_pairs_are_found_and_no_others(monkeypatch, block):
    monkeypatch.setattr(duplicates, "BLOCK", block)
    generator = np.random.default_rng(0)
    bases = generator.integers(0, 2, (30, 256))
    bits = bases[generator.integers(0, 30, 400)]
    for row in bits:  # so many bits are flipped that pairs lie on both sides of the limit
        flipped = generator.choice(
            256, int(generator.integers(0, duplicates.MOST_BITS)), replace=False
        )
        row[flipped] ^= 1
    words = np.packbits(bits.astype(np.uint8), axis=1).view(np.uint64)
    owner = generator.integers(0, 50, 400)
    distance = (bits[:, None] != bits[None]).sum(axis=2)
    close = (distance <= duplicates.MOST_BITS) & (owner[:, None] != owner[None])
    expected = {(i, j): distance[i, j] for i, j in np.argwhere(close).tolist() if i < j}
    assert 100 < len(expected) < np.sum(np.triu(distance < 2 * duplicates.MOST_BITS, 1))
    pairs, found = duplicates.near(words, owner)
    assert dict(zip(map(tuple, pairs.tolist()), found.tolist(), strict=True)) == expected
    some, rest = np.arange(0, 400, 3), np.arange(0, 400, 2)
    pairs, found = duplicates.near(words[some], owner[some], words[rest], owner[rest], most=20)
    crossed = close & (distance <= 20)
    expected = {
        (i, j): distance[some[i], rest[j]]
        for i, j in np.argwhere(crossed[np.ix_(some, rest)]).tolist()
    }
    assert len(expected) > 100
    assert dict(zip(map(tuple, pairs.tolist()), found.tolist(), strict=True)) == expected


@pytest.mark.parametrize("most", [0, 5, duplicates.MOST_BITS_CHANGED, duplicates.MOST_BITS])
def test_every_band_of_bits_is_compared(most):
    """One pair for each band, alike in that band alone."""
    for band in range(most + 1):
        apart = np.zeros(256, np.uint8)
        apart[[other for other in range(most + 1) if other != band]] = 1
        words = np.packbits([np.zeros(256, np.uint8), apart], axis=1).view(np.uint64)
        pairs, found = duplicates.near(words, np.arange(2), most=most)
        assert pairs.tolist() == [[0, 1]]
        assert found.tolist() == [most]
        more = apart.copy()
        more[most + 1 + band] ^= 1  # in the band of those that are alike
        words = np.packbits([np.zeros(256, np.uint8), more], axis=1).view(np.uint64)
        assert len(duplicates.near(words, np.arange(2), most=most)[0]) == 0


def test_no_rows_have_no_pairs():
    pairs, found = duplicates.near(np.empty((0, 4), np.uint64), np.empty(0, int))
    assert pairs.shape == (0, 2)
    assert len(found) == 0


@pytest.mark.parametrize("end", ["top", "bottom", "both"])
def test_only_bars_on_both_sides_are_trimmed(end):
    """A dark sky or a caption's band on one side is a part of the picture."""
    picture = scene(3)
    if end != "bottom":
        picture[:48] = 0
    if end != "top":
        picture[-48:] = 0
    words = duplicates.unpack([image_hash.perceptual(picture)])
    same = np.array_equal(duplicates.view(words, "whole"), duplicates.view(words, "trimmed"))
    assert same == (end != "both")
