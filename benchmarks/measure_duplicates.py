"""Distances of perceptual hashes of copies and of other clips: the base of duplicates.MOST_BITS.

    .venv/bin/python benchmarks/measure_duplicates.py data/demo/videos.tsv [OTHER.tsv ...]

Prints, for each sheet, how many copies are found, by what was done to them; the bits in which
the frames of a copy and its original differ that are most alike, as the leak audit compares them;
and the same of clips that no name in the sheet links.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from deepfake.dataset import grouping, sheet  # noqa: E402
from deepfake.preprocessing import image_hash  # noqa: E402
from deepfake.splits import duplicates  # noqa: E402

SAMPLED = slice(0, 70, 10)  # of 80 frames


def read(path: str | Path) -> list[np.ndarray]:
    """The first 80 frames of a clip, BGR."""
    video = cv2.VideoCapture(str(path))
    pictures = (video.read() for _ in range(80))
    return [picture for there, picture in pictures if there]


def encoded(frames: list[np.ndarray], scale: float = 1.0, skip: int = 0) -> list[np.ndarray]:
    """Sampled frames of an MPEG-4 copy, smaller, that begins some frames later."""
    small = [cv2.resize(f, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
             for f in frames[skip:]] if scale != 1 else frames[skip:]  # fmt: skip
    height, width = (side // 2 * 2 for side in small[0].shape[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/copy.mp4"
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 25, (width, height))
        for frame in small:
            writer.write(np.ascontiguousarray(frame[:height, :width]))
        writer.release()
        return read(path)[SAMPLED]


def each(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[list], list]:
    """Sampled frames, each changed and then stored as JPEG."""
    return lambda frames: jpeg([change(frame) for frame in frames[SAMPLED]], 60)


def cropped(share: float) -> Callable[[list], list]:
    """Sampled frames without a share of each side."""

    def change(frame: np.ndarray) -> np.ndarray:
        y, x = (round(share * side) for side in frame.shape[:2])
        return frame[y : len(frame) - y, x : frame.shape[1] - x]

    return each(change)


def bars(across: float, down: float) -> Callable[[list], list]:
    """Sampled frames between black bars, shares of each side."""

    def change(frame: np.ndarray) -> np.ndarray:
        y, x = round(down * len(frame)), round(across * frame.shape[1])
        return cv2.copyMakeBorder(frame, y, y, x, x, cv2.BORDER_CONSTANT, value=(0, 0, 0))

    return each(change)


def captioned(banded: bool) -> Callable[[list], list]:
    """Sampled frames with white words near the lower edge, on a black band or on the picture."""

    def change(frame: np.ndarray) -> np.ndarray:
        frame = frame.copy()
        height, width = frame.shape[:2]
        if banded:
            frame[round(0.87 * height) :] = 0
        place, size = (width // 10, round(0.95 * height)), width / 500
        words = "breaking news tonight"
        return cv2.putText(frame, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, (255,) * 3, 2)

    return each(change)


def lit(gain: float, more: float = 0) -> Callable[[list], list]:
    """Sampled frames, each channel times a gain and more."""
    return each(lambda frame: cv2.convertScaleAbs(frame, None, gain, more))


COPIES = {
    "MPEG-4": encoded,
    "MPEG-4, half the size": lambda frames: encoded(frames, 0.5),
    "MPEG-4, a quarter of the size": lambda frames: encoded(frames, 0.25),
    "MPEG-4, begins 3 frames later": lambda frames: encoded(frames, skip=3),
    "JPEG, quality 10": lambda frames: jpeg(frames[SAMPLED], 10),
    "JPEG, quality 5": lambda frames: jpeg(frames[SAMPLED], 5),
    "half as bright": lit(0.5),
    "lighter": lit(1.2, 15),
    "1.5 times as bright": lit(1.5),
    "twice as bright": lit(2),
    "2.5 times as bright": lit(2.5),
    "cropped by 1 % a side": cropped(0.01),
    "cropped by 2.5 % a side": cropped(0.025),
    "cropped by 5 % a side": cropped(0.05),
    "cropped by 9 % a side": cropped(0.09),
    "cropped by 10 % a side": cropped(0.10),
    "letterboxed": bars(0, 0.125),
    "pillarboxed": bars(0.167, 0),
    "captioned": captioned(False),
    "captioned on a band": captioned(True),
    "negative": each(lambda frame: 255 - frame),
    "mirrored": each(lambda frame: frame[:, ::-1]),
    "mirrored, cropped by 5 %": lambda frames: cropped(0.05)([f[:, ::-1] for f in frames]),
}


def jpeg(frames: list[np.ndarray], quality: int) -> list[np.ndarray]:
    """Frames as JPEG of a quality."""
    how = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return [cv2.imdecode(cv2.imencode(".jpg", np.ascontiguousarray(f), how)[1], 1) for f in frames]


def hashes(frames: list[np.ndarray]) -> np.ndarray:
    """Their hashes, uint64 (n, views, 4)."""
    rgb = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    return duplicates.unpack([image_hash.perceptual(frame) for frame in rgb])


def apart(one: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """Bits in which the most alike of some frames differ: as they are, and changed."""
    plain = differing(duplicates.view(one, "whole"), duplicates.view(other, "whole"))
    changed = []
    for ours, theirs, mirrored, negative in duplicates.changes():
        turn = duplicates.signs(mirrored, negative)
        for a, b in ((one, other), (other, one)):
            changed.append(differing(duplicates.view(a, ours) ^ turn, duplicates.view(b, theirs)))
    return plain, min(changed)


def differing(one: np.ndarray, other: np.ndarray) -> int:
    """Least bits that differ, of each with each."""
    return int(np.bitwise_count(one[:, None] ^ other[None]).sum(axis=2).min())


def line(name: str, found: list[tuple[int, int]]) -> str:
    """How many pairs of clips the audit would call copies, and their bits."""
    plain, changed = np.array(found).T
    copies = (plain <= duplicates.MOST_BITS) | (changed <= duplicates.MOST_BITS_CHANGED)
    return (
        f"  {name:32} {copies.sum():4} of {len(found):4} found; bits as they are "
        f"{plain.min():3} to {plain.max():3}, changed {changed.min():3} to {changed.max():3}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheets", nargs="+", type=Path)
    for path in parser.parse_args().sheets:
        videos = sheet.read(path)
        clips = [read(video["path"]) for video in videos]
        originals = [hashes(clip[SAMPLED]) for clip in clips]
        print(f"{path}: {len(videos)} clips")
        for name, copy in COPIES.items():
            pairs = zip(clips, originals, strict=True)
            print(line(name, [apart(hashes(copy(clip)), original) for clip, original in pairs]))
        named = [set(grouping.names(video)) or {video["group_id"]} for video in videos]
        others = [
            apart(originals[one], originals[other])
            for one, other in itertools.combinations(range(len(videos)), 2)
            if not named[one] & named[other]
        ]
        print(line("clips that no name links", others))


if __name__ == "__main__":
    main()
