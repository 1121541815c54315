"""Finding faces: one process a video against one job with all, and the search on shrunk frames.

    .venv/bin/python benchmarks/faces.py --clips /path/to/clips

First table: the faces job itself (scripts/faces.py), in CPU seconds of its processes; starting the
detector is most of what a video alone costs. Second table: clips scaled up to 720p and 1080p,
where the clip fills the frame's height or a part of it (around it is its own blurred picture), cut
with several values of `faces.detect_at`. "Of full" are the faces found where the search at full
size found them (intersection over union, IoU, of 0.5 or more). CPU is of decoding, search, cutting
and encoding. Quote the ratios, not the seconds.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import numpy as np
from measure import ROOT

from deepfake.preprocessing import faces, frames
from deepfake.preprocessing.detector import Detector
from deepfake.workflow import config


def run(script: str, inputs: dict, outputs: dict, params: dict) -> float:
    """Run one of the workflow's scripts; CPU seconds of it and its children."""
    words = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), "--params", json.dumps(params)]
    for kind, files in (("--input", inputs), ("--output", outputs)):
        for name, path in files.items():
            words += [kind, f"{name}={path}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def faces_job(clips: list[Path], folder: Path, every: int) -> float:
    """CPU seconds of the faces job on these clips; taking the frames is not counted."""
    settings = config.Config(sweep={"forest": {}}, frames={"every": every})
    videos = [{"video_id": str(clip), "path": str(clip)} for clip in clips]
    taken = {"frames": folder / "frames.tar", "table": folder / "frames.tsv"}
    run("frames", {}, taken, {"videos": videos, "frames": settings.frames.model_dump(mode="json")})
    made = {"faces": "faces.npy", "crops": "faces.tar", "table": "faces.tsv"}
    made = {name: folder / file for name, file in made.items()}
    return run("faces", taken, made, {"faces": settings.faces.model_dump(mode="json")})


def enlarged(clip: Path, height: int, share: float, count: int) -> dict[int, bytes]:
    """PNG frames of 16:9 and a height, with the clip in the middle, at a share of the height."""
    import cv2

    with frames.Decoder() as decoder:
        taken = decoder.read(clip, [25 * number for number in range(count)]).frames
    found = {}
    for index, data in taken.items():
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        blurred = cv2.resize(picture, (6, 4), interpolation=cv2.INTER_AREA)
        frame = cv2.resize(blurred, (height * 16 // 9, height))
        times = height * share / picture.shape[0]
        picture = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        top, left = ((frame.shape[side] - picture.shape[side]) // 2 for side in (0, 1))
        frame[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        found[index] = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    return found


def overlap(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def search(
    videos: list[dict[int, bytes]], detector: Detector, detect_at: int | None
) -> tuple[dict[tuple[int, int], tuple[int, ...]], float]:
    """Boxes of the usable faces by video and frame, and CPU seconds."""
    settings = config.Faces(detect_at=detect_at).model_dump(mode="json", exclude={"thresholds"})
    boxes = {}
    begun = time.process_time()
    for number, pictures in enumerate(videos):
        for row, _, _ in faces.cut_video("", pictures, "", detector, **settings):
            if row["status"] == "kept":
                place = number, row["frame"]
                boxes[place] = tuple(row[side] for side in ("x", "y", "width", "height"))
    return boxes, time.process_time() - begun


def compare(
    clips: list[Path], heights: list[int], shares: list[float], sides: list[int], count: int
) -> None:
    """Print the second table."""
    detector = Detector(config.Faces().thresholds)
    print("frame  clip's    width of  detect_at  faces  found       IoU        CPU ms   times")
    print("       height    its face             found  of full  mean   least  a frame  as fast")
    for height in heights:
        for share in shares:
            videos = [enlarged(clip, height, share, count) for clip in clips]
            total = sum(map(len, videos))
            search(videos[:1], detector, sides[-1])  # the first call of a shape takes longer
            full, most = search(videos, detector, None)
            width = np.median([box[2] for box in full.values()]) if full else 0
            for side in (None, *sides):
                boxes, seconds = (full, most) if side is None else search(videos, detector, side)
                both = full.keys() & boxes.keys()
                alike = [overlap(full[place], boxes[place]) for place in both]
                same = sum(value >= 0.5 for value in alike)
                alike = alike or [0.0]
                print(
                    f"{height:4}p  {share:6.3f}  {width:5.0f} px  {side or 'null':>9}  "
                    f"{len(boxes):3}/{total:<3}  {same:3}/{len(full):<3}  {np.mean(alike):.3f}  "
                    f"{min(alike):.3f}  {1000 * seconds / total:7.0f}  {most / seconds:6.1f}",
                    flush=True,
                )


def tell(arguments: argparse.Namespace, clips: list[Path]) -> None:
    """Print both tables."""

    def spread(count: int) -> list[Path]:
        return clips[:: max(1, len(clips) // count)][:count]

    if arguments.alone:
        with tempfile.TemporaryDirectory() as folder:
            some = spread(arguments.alone)
            alone = [faces_job([clip], Path(folder), arguments.every) for clip in some]
            together = faces_job(clips, Path(folder), arguments.every)
        print("                     videos  CPU s a video  videos a CPU s  core h for 1,000")
        for name, count, seconds in (
            ("one process a video", len(alone), np.mean(alone)),
            ("one job", len(clips), together / len(clips)),
        ):
            rates = f"{1 / seconds:14.2f}  {seconds / 3.6:16.2f}"
            print(f"{name:<19}  {count:6}  {seconds:13.2f}  {rates}")
        print(f"ratio of the rates: {np.mean(alone) * len(clips) / together:.1f}\n", flush=True)
    large = spread(arguments.enlarge)
    compare(large, arguments.heights, arguments.shares, arguments.sides, arguments.count)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, default=ROOT / "data/demo", help="folder of videos")
    parser.add_argument("--every", type=int, default=10, help="distance of the frames in the job")
    parser.add_argument("--alone", type=int, default=5, help="videos that get a process each")
    parser.add_argument("--enlarge", type=int, default=8, help="clips that are scaled up")
    parser.add_argument("--count", type=int, default=2, help="frames taken of each of those")
    parser.add_argument("--heights", type=int, nargs="*", default=[720, 1080])
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[1, 0.5, 0.25, 0.125],
        help="of the frame's height that the clip fills",
    )  # fmt: skip
    parser.add_argument("--sides", type=int, nargs="+", default=[960, 800, 640, 480, 320])
    parser.add_argument("--page", action="append", default=[], help="a page to put it on too")
    arguments = parser.parse_args()
    clips = sorted(arguments.clips.rglob("*.mp4"))
    if not clips:
        parser.error(f"{arguments.clips}: holds no .mp4 file; make demo makes some in data/demo")

    with measure.printed("faces", arguments.page):
        tell(arguments, clips)


if __name__ == "__main__":
    main()
