"""What tells that two pictures are the same: a digest of equal pixels, a hash that copies keep.

And which videos look the same though nothing in the sheet links them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from deepfake import links

SIDE = 64  # pixels of the grey picture that is hashed
KEPT = 16  # lowest frequencies kept along each axis: KEPT**2 bits
# Bits in which copies may differ. By benchmarks/measure_likeness.py the nearest frames of
# re-encoded, shrunk, lighter or shifted copies differ in 24 at most, those of unlinked clips in 40
# at least (warped copies of one portrait; 70 between people in one studio).
NEAR = 24
BLOCK = 1024  # rows compared with as many others at once

Row = dict[str, str]


def digest(face: np.ndarray) -> str:
    """16 hexadecimal digits of the sha256 of a face's pixels: equal faces are equal rows."""
    return hashlib.sha256(np.ascontiguousarray(face)).hexdigest()[:16]


def perceptual(frame: np.ndarray) -> str:
    """Perceptual hash of a whole frame, 64 hexadecimal digits: 256 bits.

    The signs of its lowest frequencies against their median (Zauner 2010, "Implementation and
    benchmarking of perceptual image hash functions"), of a whole frame and not of its face: a
    box that moves by a pixel would change it more than another person in it. All in integers,
    so that it is the same on every machine.

    Args:
        frame: uint8 RGB of shape (height, width, 3).
    """
    from PIL import Image

    grey = Image.fromarray(frame).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    waves = _cosines()
    found = waves @ np.asarray(grey, np.int64) @ waves.T
    bits = found > np.sort(found, axis=None)[found.size // 2]
    return np.packbits(bits).tobytes().hex()


def _cosines() -> np.ndarray:
    """The first rows of the discrete cosine transform in units of 2**-14, int64 (KEPT, SIDE)."""
    places, waves = np.arange(SIDE) + 0.5, np.arange(KEPT)[:, None]
    return np.round(2**14 * np.cos(np.pi / SIDE * waves * places)).astype(np.int64)


def unpack(hashes: Sequence[str]) -> np.ndarray:
    """Hashes as uint64 words, shape (n, 4)."""
    data = bytes.fromhex("".join(hashes))
    return np.frombuffer(data, np.uint64).reshape(-1, KEPT**2 // 64)


def near(words: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows of different owners whose hashes differ in NEAR bits at most: all of them.

    Two such hashes are equal in one of NEAR + 1 bands of bits at least, so only rows that share a
    band are compared (Norouzi et al. 2012, "Fast search in Hamming space with multi-index
    hashing"): 2 seconds for 14,000 rows; 700,000 took 580 seconds and 1.9 GB on one core.

    Args:
        words: uint64 (n, 4). owner: int (n,).

    Returns:
        Row numbers, int (pairs, 2), the lesser first; and the bits that differ, int (pairs,).
    """
    found = [(np.empty((0, 2), int), np.empty(0, int))]
    bits = np.unpackbits(words.view(np.uint8), axis=1)
    for band in range(NEAR + 1):
        mine = bits[:, band :: NEAR + 1].astype(np.int64)
        keys = mine @ (1 << np.arange(mine.shape[1]))
        order = np.argsort(keys, kind="stable")
        bounds = np.flatnonzero(np.diff(keys[order], prepend=-1, append=-1))
        for first, last in itertools.pairwise(bounds):
            if last - first > 1:
                found += _compared(order[first:last], words, owner)
    pairs, differing = (np.concatenate(parts) for parts in zip(*found, strict=True))
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    return pairs, differing[first]


def _compared(
    members: np.ndarray, words: np.ndarray, owner: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The near pairs among some rows (their numbers ascend), block by block."""
    for first in range(0, len(members), BLOCK):
        one = members[first : first + BLOCK]
        for start in range(first, len(members), BLOCK):
            other = members[start : start + BLOCK]
            differing = np.zeros((len(one), len(other)), np.uint16)
            for word in range(words.shape[1]):
                differing += np.bitwise_count(words[one, word, None] ^ words[None, other, word])
            close = (differing <= NEAR) & (owner[one, None] != owner[None, other])
            left, right = np.nonzero(close & (one[:, None] < other[None, :]))
            if len(left):
                yield np.column_stack([one[left], other[right]]), differing[left, right].astype(int)


def twins(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """Pairs of videos with equal faces, whatever the sheet says of them, and how many."""
    owners: dict[str, set[str]] = {}
    for row in rows:
        if row.get("digest"):
            owners.setdefault(row["digest"], set()).add(row["video_id"])
    found: dict[tuple[str, str], int] = {}
    for videos in owners.values():
        ordered = sorted(videos)
        for number, one in enumerate(ordered):
            for other in ordered[number + 1 :]:
                found[one, other] = found.get((one, other), 0) + 1
    return found


def copies(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """Pairs of videos with near-equal frames that no name in the sheet links.

    Returns:
        The bits in which the most alike of their frames differ, by pair.
    """
    hashed = [row for row in rows if row.get("phash")]
    if not hashed:
        return {}
    names = links.bodies(hashed)
    _, owner = np.unique(names, return_inverse=True)
    named = [set(links.names(row)) for row in hashed]
    found: dict[tuple[str, str], int] = {}
    for (one, other), bits in zip(*near(unpack([r["phash"] for r in hashed]), owner), strict=True):
        if not named[one] & named[other]:
            first, second = sorted((hashed[one]["video_id"], hashed[other]["video_id"]))
            found[first, second] = min(int(bits), found.get((first, second), NEAR))
    return found
