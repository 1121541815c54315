"""Decoding: our way from a file to kept frames beside OpenCV's reader, which it replaced.

    .venv/bin/python benchmarks/decoding.py --clips /path/to/clips

Both decode on one thread in this process and encode the frames as PNG, as the job of a batch does.
OpenCV's reader hides whether a frame is interlaced, mirrored or of high dynamic range. "Apart" is
the largest difference of a grey level between the two in all frames; the rates are from the least
CPU time of several runs, one after the other. Quote the ratios, not the seconds.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import measure
import numpy as np
from measure import ROOT

from deepfake.preprocessing.decoding import encoded
from deepfake.preprocessing.video import Video

SAMPLES = {"7 frames, 10 apart": range(0, 70, 10), "the first": [0], "all": range(10**6)}


def by_opencv(path: str, indices) -> Iterator[np.ndarray]:
    import cv2

    video = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    position = -1
    for index in indices:
        while position < index and video.grab():
            position += 1
        if position < index:
            return
        yield video.retrieve()[1]


def by_us(path: str, indices) -> Iterator[np.ndarray]:
    with Video(path) as video:
        for _, _, picture in video.pictures(indices):
            yield picture


def least(way, clips: list[str], indices, kept: bool, runs: int) -> float:
    """CPU seconds of the fastest run over all clips."""
    took = []
    for _ in range(runs):
        begun = time.process_time()
        for clip in clips:
            for picture in way(clip, indices):
                if kept:
                    encoded(picture, "png", 95)
        took.append(time.process_time() - begun)
    return min(took)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, default=ROOT / "data/demo", help="folder of videos")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--page", action="append", default=[], help="a page to put it on too")
    arguments = parser.parse_args()
    clips = sorted(map(str, arguments.clips.rglob("*.mp4")))
    if not clips:
        parser.error(f"{arguments.clips}: holds no .mp4 file; make demo makes some in data/demo")
    rows = []
    for name, indices in SAMPLES.items():
        apart = max(
            int(np.abs(one.astype(int) - other).max())
            for clip in clips
            for one, other in zip(by_opencv(clip, indices), by_us(clip, indices), strict=True)
        )
        for kept in (True, False):
            theirs, ours = (
                least(way, clips, indices, kept, arguments.runs) for way in (by_opencv, by_us)
            )
            what = "decoded, kept as PNG" if kept else "decoded"
            rows.append([name, what, *(f"{s:.2f}" for s in (theirs, ours, theirs / ours)), apart])
    columns = ("frames", "work", "OpenCV CPU s", "ours CPU s", "ratio of the rates", "apart")
    text = [f"{len(clips)} clips; {measure.machine()}", "", measure.table(columns, rows)]
    measure.publish("decoding", "\n".join(text), arguments.page)


if __name__ == "__main__":
    main()
