"""A person's model: CPU seconds a minute of video, and how made-up people are distinguished.

    .venv/bin/python benchmarks/person.py

First table: the job that follows faces (scripts/windows.py) on clips of one height, in CPU seconds
of its processes less those of its start. Below it: two made-up people, one portrait whose movements
are coupled in one of two ways (moving_portrait.py). One is enrolled, the other is the others.
The clips are made up: how real people are distinguished was not measured.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import measure
import moving_portrait
import numpy as np

FPS = 25


def make(path: Path, seed: int, person: int, seconds: float, height: int) -> dict[str, str]:
    """Write a clip of a made-up person, in the middle of a frame of 16:9; its row."""
    times = np.arange(round(seconds * FPS)) / FPS
    side = height * 3 // 4
    width, top = height * 16 // 9 // 2 * 2, (height - side) // 2
    left = (width - side) // 2
    frame = np.full((height, width, 3), 90, np.uint8)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (width, height))
    for picture in moving_portrait.pictures(seed, person, times, side):
        frame[top : top + side, left : left + side] = picture
        video.write(frame)
    video.release()
    return {"video_id": path.name, "path": str(path)}


def followed(videos: list[dict[str, str]], folder: Path, name: str) -> tuple[dict, float]:
    """The files of the job that follows faces, and its CPU seconds."""
    endings = {"correlations": ".npy", "starts": ".tsv", "followed": ".videos.tsv"}
    files = {kind: folder / f"{name}{ending}" for kind, ending in endings.items()}
    return files, measure.job("windows", {}, files, {"videos": videos})


def report(arguments: argparse.Namespace, folder: Path) -> None:
    """Print the table, and the enrolment's own text."""
    _, start = followed([], folder, "none")
    print("height  CPU s a minute of video")
    for height in arguments.heights:
        clip = make(folder / "long.mp4", 0, 0, arguments.long, height)
        _, seconds = followed([clip], folder, "long")
        print(f"{height:5}p  {(seconds - start) * 60 / arguments.long:23.0f}", flush=True)
    print(f"start of a job: {start:.0f} CPU s\n")
    inputs = {}
    for person, side in ((0, "own"), (1, "others")):
        clips = [
            make(folder / f"{side}{seed}.mp4", seed, person, arguments.seconds, 480)
            for seed in range(arguments.videos)
        ]
        files, _ = followed(clips, folder, side)
        inputs |= {f"{side}_{kind}": path for kind, path in files.items()}
    names = ("record", "support_vectors", "coefficients", "windows", "videos", "page", "text")
    outputs = {name: folder / f"enrolled.{name}" for name in names}
    measure.job("enrolment", inputs, outputs, {"person": "made-up", "unread": []})
    print(outputs["text"].read_text(encoding="utf-8"), end="")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heights", type=int, nargs="+", default=[480, 720, 1080])
    parser.add_argument("--long", type=float, default=20, help="seconds of a clip that is timed")
    parser.add_argument("--videos", type=int, default=10, help="of each person")
    parser.add_argument("--seconds", type=float, default=15, help="of each of them")
    parser.add_argument("--page", action="append", default=[], help="a page to put it on too")
    arguments = parser.parse_args()
    with measure.printed("person", arguments.page), tempfile.TemporaryDirectory() as folder:
        report(arguments, Path(folder))


if __name__ == "__main__":
    main()
