"""Tests of digests and perceptual hashes: copies are found, other pictures are not."""

import cv2
import numpy as np
import pytest

from deepfake import likeness
from tests.unit import clips

EXPECTED = "aaa85555aaaa5555aaaa5555aaaa5555aaaa5555aaaa5555aaaa5555aaaa5555"


def scene(seed: int, size: tuple[int, int] = (240, 320)) -> np.ndarray:
    """A made-up picture with details of every size, as photographs have; uint8 RGB."""
    generator = np.random.default_rng(seed)
    picture = np.full((*size, 3), 128.0)
    for cells in (3, 6, 12, 24, 48):
        coarse = generator.normal(0, 120 / cells**0.5, (cells, cells, 3))
        picture += cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def differing(one: np.ndarray, other: np.ndarray) -> int:
    """Bits in which the hashes of two pictures differ."""
    words = likeness.unpack([likeness.perceptual(one), likeness.perceptual(other)])
    return int(np.bitwise_count(words[0] ^ words[1]).sum())


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
    )


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
    for seed in range(10):
        assert differing(scene(seed), change(scene(seed))) <= likeness.NEAR


def test_other_pictures_have_other_hashes():
    found = [differing(scene(a), scene(b)) for a in range(20) for b in range(a)]
    assert min(found) > 2 * likeness.NEAR


def test_a_hash_is_the_same_on_every_machine():
    ramp = np.add.outer(np.arange(64), np.arange(64) * 2)[..., None].repeat(3, axis=2)
    picture = (ramp * (ramp % 7 > 2)).astype(np.uint8)
    assert likeness.perceptual(picture) == EXPECTED


@clips.real_clips
def test_real_clips_are_near_their_copies_only(tmp_path):
    """Of people filmed in one studio, the hardest to tell apart by a whole frame."""
    paths = sorted(clips.real_root().rglob("original_sequences/**/*.mp4"))
    frames = [clips.read_video(path)[:31:10] for path in paths]
    assert len(frames) == 10
    for number, mine in enumerate(frames):
        small = [cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in mine]
        copy = clips.read_video(clips.write_video(tmp_path / f"{number}.mp4", small, "mp4v"))
        assert max(map(differing, mine, copy)) <= likeness.NEAR
        for others in frames[:number]:
            assert min(differing(a, b) for a in mine for b in others) > 2 * likeness.NEAR


def test_equal_faces_have_one_digest_and_a_pixel_makes_another():
    face = scene(1)
    other = face.copy()
    other[0, 0, 0] ^= 1
    assert likeness.digest(face) == likeness.digest(face[:, ::-1][:, ::-1])
    assert likeness.digest(face) != likeness.digest(other)


@pytest.mark.parametrize("block", [3, 1024])
def test_all_near_pairs_are_found_and_no_others(monkeypatch, block):
    monkeypatch.setattr(likeness, "BLOCK", block)
    generator = np.random.default_rng(0)
    bases = generator.integers(0, 2, (30, 256))
    bits = bases[generator.integers(0, 30, 400)]
    for row in bits:  # so many bits are flipped that pairs lie on both sides of the limit
        flipped = generator.choice(256, int(generator.integers(0, likeness.NEAR)), replace=False)
        row[flipped] ^= 1
    words = np.packbits(bits.astype(np.uint8), axis=1).view(np.uint64)
    owner = generator.integers(0, 50, 400)
    distance = (bits[:, None] != bits[None]).sum(axis=2)
    close = (distance <= likeness.NEAR) & (owner[:, None] != owner[None])
    expected = {(i, j): distance[i, j] for i, j in np.argwhere(close).tolist() if i < j}
    assert 100 < len(expected) < np.sum(np.triu(distance < 2 * likeness.NEAR, 1))
    pairs, found = likeness.near(words, owner)
    assert dict(zip(map(tuple, pairs.tolist()), found.tolist(), strict=True)) == expected


def test_no_rows_have_no_pairs():
    pairs, found = likeness.near(np.empty((0, 4), np.uint64), np.empty(0, int))
    assert pairs.shape == (0, 2)
    assert len(found) == 0
