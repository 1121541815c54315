"""Find duplicate videos by content: equal faces and near-equal frames."""

from __future__ import annotations

import itertools
import operator
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.core.stored_columns import cells
from deepfake.core.tables import Table
from deepfake.dataset import grouping
from deepfake.preprocessing.image_hash import KEPT, VIEWS

# Bits in which copies may differ, unchanged and changed. In benchmarks/measure_duplicates.py copies
# differ in at most 23 and 17. Clips without a common ID differ in at least 65, of people in one
# studio, and in the demo, of warped copies of one portrait, in at least 39 and 25.
MOST_BITS, MOST_BITS_CHANGED = 24, 20
BLOCK = 2**20  # pairs compared at once
ROWS = 2**16  # rows whose pairs are found at once
WIDEST = 20  # bits of a band by which rows are found, at most; of few rows fewer are enough


def unpack(hashes: Sequence[str]) -> np.ndarray:
    """What `perceptual` gave, as uint64 words, shape (n, views, 4)."""
    data = bytes.fromhex("".join(hashes))
    return np.frombuffer(data, np.uint64).reshape(-1, len(VIEWS), KEPT**2 // 64)


def view(words: np.ndarray, name: str) -> np.ndarray:
    """The hashes of one of VIEWS, uint64 (n, 4), of what `unpack` gave."""
    return np.ascontiguousarray(words[:, VIEWS.index(name)])


def signs(mirrored: bool, negative: bool) -> np.ndarray:
    """The bits that are inverted in such a copy, uint64 (4,)."""
    turned = np.full((KEPT, KEPT), negative)
    turned[:, 1::2] ^= mirrored
    turned[0, 0] = False
    return np.packbits(turned).view(np.uint64)


def near(
    words: np.ndarray,
    owner: np.ndarray,
    others: np.ndarray | None = None,
    other_owner: np.ndarray | None = None,
    most: int = MOST_BITS,
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows of different owners whose hashes differ in few bits: all of them.

    Hashes that differ in `most` bits differ in one bit at most in one of most // 2 + 1 bands, so
    only rows are compared of which a band is equal or one bit apart (Norouzi et al. 2012, "Fast
    search in Hamming space with multi-index hashing").

    Args:
        words: uint64 (n, 4). owner: int (n,).
        others, other_owner: rows and owners to compare with; by default the same rows.
        most: bits that may differ.

    Returns:
        Row numbers, int (pairs, 2), among the same the lesser first; and the bits that differ,
        int (pairs,).
    """
    same = others is None or other_owner is None
    sides = [(words, owner)] if same else [(words, owner), (others, other_owner)]
    found = [(np.empty((0, 2), int), np.empty(0, int))]
    bands = most // 2 + 1
    width = min(WIDEST, max(len(side) for side, _ in sides).bit_length() + 2)
    for band in range(bands):
        places = range(band, 64 * words.shape[1], bands)[:width]
        indexes = [_index(_bits(side, places), len(places)) for side, _ in sides]
        for flip in (0, *(1 << place for place in range(len(places)))):
            found += _near_of(indexes, flip, sides, most)
    pairs, differing = (np.concatenate(parts) for parts in zip(*found, strict=True))
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    return pairs, differing[first]


def _bits(words: np.ndarray, places: Iterable[int]) -> np.ndarray:
    """Some bits of each row's words, as a number, int32 (n,)."""
    data, found = words.view(np.uint8), np.zeros(len(words), np.int32)
    for place in places:
        found <<= 1
        found |= (data[:, place // 8] >> (7 - place % 8)) & 1
    return found


class _Index(NamedTuple):
    """Rows in the order of their keys.

    Attributes:
        rows, keys: int32 (n,). starts: where each key, and the end, is in them, int32 (keys + 1,).
    """

    rows: np.ndarray
    keys: np.ndarray
    starts: np.ndarray


def _index(keys: np.ndarray, width: int) -> _Index:
    """The index of rows with these keys of so many bits, int32 (n,)."""
    # NumPy sorts numbers several times as fast as it finds their order.
    ordered = keys.astype(np.int64) << 32 | np.arange(len(keys))
    ordered.sort()
    starts = np.zeros((1 << width) + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=1 << width), out=starts[1:])
    return _Index(ordered.astype(np.int32), (ordered >> 32).astype(np.int32), starts)


def _near_of(
    indexes: Sequence[_Index],
    flip: int,
    sides: Sequence[tuple[np.ndarray, np.ndarray]],
    most: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The near pairs of rows whose keys differ in the bits of `flip`; BLOCK are compared at once.

    Args:
        indexes, sides: of the rows, or of two sides.
    """
    (left_words, left_owner), (right_words, right_owner) = sides[0], sides[-1]
    left_index, right_index = indexes[0], indexes[-1]
    # of the same rows each pair once: from the one whose bit is not set, or that is the first
    same = len(sides) == 1
    for begin in range(0, len(left_index.rows), ROWS):
        place = np.arange(begin, min(begin + ROWS, len(left_index.rows)))
        if same and flip:
            place = place[left_index.keys[begin : begin + ROWS] & flip == 0]
        wanted = left_index.keys[place] ^ flip  # nearly in order, so `starts` is read in order
        first = right_index.starts[wanted] if flip or not same else place + 1
        counts = right_index.starts[wanted + 1] - first
        some = np.flatnonzero(counts > 0)
        left, first, counts = left_index.rows[place[some]], first[some], counts[some]
        ends = np.cumsum(counts)
        start = 0
        while start < len(left):
            done = ends[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + BLOCK, side="right")))
            several = counts[start:stop]
            one = np.repeat(left[start:stop], several)
            place_of = np.repeat(first[start:stop] - ends[start:stop] + several, several)
            other = right_index.rows[place_of + np.arange(done, done + len(one))]
            differing = np.zeros(len(one), np.uint16)
            for word in range(left_words.shape[1]):
                differing += np.bitwise_count(left_words[one, word] ^ right_words[other, word])
                close = differing <= most  # by the first word, most are not
                one, other, differing = one[close], other[close], differing[close]
            apart = left_owner[one] != right_owner[other]
            if apart.any():
                pairs = np.column_stack([one[apart], other[apart]])
                if same:
                    pairs.sort(axis=1)
                yield pairs, differing[apart].astype(int)
            start = stop


def exact_duplicates(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """Pairs of videos with equal faces, and the number of equal faces."""
    rows = tables.of(rows).only("digest", "video_id")
    rows = rows.at(~rows.among("digest", ""))
    hashes = np.fromiter(map(hash, rows.cells("digest")), np.int64, len(rows)) if rows else []
    ordered = np.sort(hashes)
    several = ordered[1:][ordered[1:] == ordered[:-1]]  # mostly none
    some = rows.at(np.isin(hashes, several))
    owners: dict[str, set[str]] = {}
    for row in some:
        owners.setdefault(row["digest"], set()).add(row["video_id"])
    found: dict[tuple[str, str], int] = {}
    for videos in owners.values():
        ordered = sorted(videos)
        for number, one in enumerate(ordered):
            for other in ordered[number + 1 :]:
                found[one, other] = found.get((one, other), 0) + 1
    return found


def near_duplicates(rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """Pairs of videos with near-equal frames that no ID of the sheet links.

    All frames are compared unchanged. The middle frame of each video is also compared mirrored,
    cropped and in the other VIEWS, with the middle three of each other video.

    Returns:
        By pair, the smallest distance of their frames: "6 bits differ, mirrored".
    """
    rows = tables.of(rows).only(*grouping.NAMES, "group_id", "video_id", "phash")
    hashed = rows.at(~rows.among("phash", ""))
    if not len(hashed):
        return {}
    kinds, kind_of = hashed.distinct(*grouping.NAMES, "group_id", "video_id")
    known = list(hashed.at(kinds).only(*grouping.NAMES, "group_id", "video_id"))
    owner = np.unique(grouping.bodies(known), return_inverse=True)[1][kind_of]
    found: dict[tuple[str, str], tuple[int, str]] = {}

    def keep(pairs: np.ndarray, differing: np.ndarray, how: str) -> None:
        for (one, other), bits in zip(pairs.tolist(), differing.tolist(), strict=True):
            pair = [known[kind_of[row]] for row in (one, other)]
            names, others = ({row["video_id"], *grouping.names(row)} for row in pair)
            if not names & others:
                first, second = sorted(row["video_id"] for row in pair)
                found[first, second] = min(
                    (bits, how), found.get((first, second), (MOST_BITS + 1, ""))
                )

    keep(*near(_words(hashed, "whole"), owner), "")
    few, middle = _middles(hashed)
    some, one = hashed.at(few), few[middle]
    words: dict[str, np.ndarray] = {}
    for one_view, other_view, mirrored, negative in changes():
        for name in words.keys() - {one_view, other_view}:
            del words[name]
        for name in {one_view, other_view} - words.keys():
            words[name] = _words(some, name)
        turned = words[one_view][middle] ^ signs(mirrored, negative)
        pairs, bits = near(
            *(turned, owner[one], words[other_view], owner[few]), most=MOST_BITS_CHANGED
        )
        pairs = np.column_stack([one[pairs[:, 0]], few[pairs[:, 1]]])
        how = ", mirrored" * mirrored + ", negative" * negative
        keep(pairs, bits, how + f", {one_view.split()[0]}" * (one_view != "whole"))
    return {pair: f"{bits} bits differ{how}" for pair, (bits, how) in sorted(found.items())}


def changes() -> Iterator[tuple[str, str, bool, bool]]:
    """The changes of a copy that are searched: the views of two frames, and the turns of one.

    Those of one view follow each other, so that few are held at once.

    Yields:
        A view of one frame and of the other, whether the one is mirrored, whether it is negative.
    """
    yield "whole", "whole", False, True
    yield "whole", "whole", True, False
    yield "whole", "whole", True, True
    for name in VIEWS[1:]:
        other = "trimmed" if name.startswith("cropped") else name
        yield name, other, False, False
        if name != "dark":  # portraits' dark parts are symmetric
            yield name, other, True, False


def _words(rows: Table, name: str) -> np.ndarray:
    """The hashes of one of VIEWS of rows, uint64 (n, 4)."""
    words = np.empty((len(rows), KEPT**2 // 64), np.uint64)
    for first in range(0, len(rows), tables.CHUNK):
        some = rows[first : first + tables.CHUNK]
        words[first : first + len(some)] = view(unpack(list(some.cells("phash"))), name)
    return words


def _middles(rows: Table) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the three frames in the middle of each video, and the one in it among them.

    Args:
        rows: of frames with hashes; of a video's equal ones the first counts.

    Returns:
        Row numbers, int (few,); places in them, int (videos,).
    """
    _, video_of = rows.distinct("video_id")
    order = np.argsort(video_of, kind="stable")
    columns = cells(video_of[order]), cells(order), rows.at(order).cells("phash")
    few, middles = array("q"), array("q")
    for _, of_video in itertools.groupby(zip(*columns, strict=True), operator.itemgetter(0)):
        different: dict[str, int] = {}
        for _, number, text in of_video:
            different.setdefault(text, number)
        numbers, middle = list(different.values()), len(different) // 2
        middles.append(len(few) + min(1, middle))
        few.extend(numbers[max(0, middle - 1) : middle + 2])
    return np.array(few), np.array(middles)
