"""How far perceptual hashes of copies and of other clips lie apart: what likeness.NEAR is from.

    .venv/bin/python benchmarks/measure_likeness.py data/demo/videos.tsv [OTHER.tsv ...]

Prints, for each sheet, the bits in which frames of copies differ from their originals, by what was
done to the copy, and the least and the median of frames of clips that the sheet does not link.
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from deepfake import likeness, sheet  # noqa: E402

SAMPLED = slice(0, 70, 10)


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


def jpeg(frames: list[np.ndarray], quality: int) -> list[np.ndarray]:
    """Sampled frames as JPEG of a quality."""
    how = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return [cv2.imdecode(cv2.imencode(".jpg", f, how)[1], 1) for f in frames[SAMPLED]]


def cropped(frames: list[np.ndarray], share: float) -> list[np.ndarray]:
    """Sampled frames without a share of each side."""
    return [
        f[round(share * len(f)) : -round(share * len(f)),
          round(share * f.shape[1]) : -round(share * f.shape[1])]
        for f in frames[SAMPLED]
    ]  # fmt: skip


COPIES = {
    "MPEG-4": encoded,
    "MPEG-4, half the size": lambda frames: encoded(frames, 0.5),
    "MPEG-4, a quarter of the size": lambda frames: encoded(frames, 0.25),
    "MPEG-4, begins 3 frames later": lambda frames: encoded(frames, skip=3),
    "JPEG, quality 10": lambda frames: jpeg(frames, 10),
    "JPEG, quality 5": lambda frames: jpeg(frames, 5),
    "lighter": lambda frames: [cv2.convertScaleAbs(f, None, 1.2, 15) for f in frames[SAMPLED]],
    "cropped by 1 % a side": lambda frames: cropped(frames, 0.01),
    "cropped by 2.5 % a side": lambda frames: cropped(frames, 0.025),
    "mirrored": lambda frames: [f[:, ::-1] for f in frames[SAMPLED]],
}


def hashes(frames: list[np.ndarray]) -> np.ndarray:
    """Their hashes, uint64 (n, 4)."""
    rgb = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    return likeness.unpack([likeness.perceptual(frame) for frame in rgb])


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Bits that differ, of each with each."""
    return np.bitwise_count(one[:, None] ^ other[None]).sum(axis=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheets", nargs="+", type=Path)
    for path in parser.parse_args().sheets:
        videos = sheet.read(path)
        clips = [read(video["path"]) for video in videos]
        originals = [hashes(clip[SAMPLED]) for clip in clips]
        print(f"{path}: {len(videos)} clips; NEAR is {likeness.NEAR}")
        for name, copy in COPIES.items():
            apart, best = [], []
            for clip, original in zip(clips, originals, strict=True):
                each = distances(hashes(copy(clip)), original)
                apart += each.diagonal().tolist()
                best.append(int(each.min()))
            print(f"  {name:32} median {np.median(apart):5.1f}, most {max(apart):3}; "
                  f"the nearest frame of a clip, at most {max(best):3}")  # fmt: skip
        others = np.concatenate([
            distances(originals[one], originals[other]).ravel()
            for one, other in itertools.combinations(range(len(videos)), 2)
            if videos[one]["group_id"] != videos[other]["group_id"]
        ])  # fmt: skip
        print(f"  {'clips that are not linked':32} median {np.median(others):5.1f}, "
              f"least {others.min():3}; {len(others)} pairs of frames")  # fmt: skip


if __name__ == "__main__":
    main()
