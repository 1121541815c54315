"""Finding faces: one process a video against one job with all, shrunk frames, the search `around`.

    .venv/bin/python benchmarks/faces.py --clips /path/to/clips --layout faceforensics

First table: the faces job itself (scripts/faces.py), in CPU seconds of its processes; starting the
detector is most of what a video alone costs. Second table: clips scaled up to 720p and 1080p,
where the clip fills the frame's height or a part of it (around it is its own blurred picture), cut
with several values of `faces.detect_at`. "Of full" are the faces found where the search at full
size found them (intersection over union, IoU, of 0.5 or more). CPU is of decoding, search, cutting
and encoding. Quote the ratios, not the seconds.

Third table, also alone (`--only-searches`): seven frames of each clip, scaled up, searched with
`faces.search: full` and `around`. A face is lost where `around` finds none that overlaps it. A
linear SVM on the residuals of the faces of `full`, one group of people left out at a time, scores
the faces of both: `change` is the largest difference of two scores. The AUC of videos (their
frames' mean) is of an SVM trained on the faces of each search.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import numpy as np
from measure import ROOT
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from deepfake.core import tables
from deepfake.features import residuals
from deepfake.features.extraction import box_in_crop
from deepfake.preprocessing import faces, frames
from deepfake.preprocessing.detector import Detector
from deepfake.workflow import config

SIZES = ((360, 1.0), (720, 0.5), (1080, 0.5))  # height of a frame, the clip's share of it
SEARCHES = ("full", "around")
COLUMNS = (
    "frame", "clip", "width of a face", "faces found of full's", "IoU: median", "least",
    "full: CPU s a video", "around", "times as fast", "change", "full: AUC", "around",
)  # fmt: skip


def faces_job(clips: list[Path], folder: Path, every: int) -> float:
    """CPU seconds of the faces job on these clips; taking the frames is not counted."""
    settings = config.Config(sweep={"forest": {}}, frames={"every": every})
    videos = [{"video_id": str(clip), "path": str(clip)} for clip in clips]
    taken = {"frames": folder / "frames.tar", "table": folder / "frames.tsv"}
    params = {"videos": videos, "frames": settings.frames.model_dump(mode="json")}
    measure.job("frames", {}, taken, params)
    made = {"faces": "faces.npy", "crops": "faces.tar", "table": "faces.tsv"}
    made = {name: folder / file for name, file in made.items()}
    return measure.job("faces", taken, made, {"faces": settings.faces.model_dump(mode="json")})


def enlarged(
    clip: Path, height: int, share: float, count: int, every: int = 25
) -> dict[int, bytes]:
    """PNG frames of 16:9 and a height, with the clip in the middle, at a share of the height."""
    import cv2

    with frames.Decoder() as decoder:
        taken = decoder.read(clip, [every * number for number in range(count)]).frames
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
    videos: list[dict[int, bytes]], detector: Detector, **other
) -> tuple[dict[tuple[int, int], tuple[int, ...]], dict[tuple[int, int], np.ndarray], float]:
    """Boxes and residuals of the usable faces by video and frame, and CPU seconds of finding them.

    Args:
        other: settings of `faces` that are not the defaults.
    """
    settings = config.Faces(**other).model_dump(mode="json", exclude={"thresholds"})
    boxes, vectors, seconds = {}, {}, 0.0
    for number, pictures in enumerate(videos):
        begun = time.process_time()
        cut = list(faces.cut_video("", pictures, "", detector, **settings))
        seconds += time.process_time() - begun
        for row, _, around in cut:
            if row["status"] == "kept":
                place = number, row["frame"]
                boxes[place] = tuple(row[side] for side in ("x", "y", "width", "height"))
                pixels = faces.decode(around)
                vectors[place] = residuals.vector(pixels, box_in_crop(boxes[place], pixels.shape))
    return boxes, vectors, seconds


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
            search(
                videos[:1], detector, detect_at=sides[-1]
            )  # the first call of a shape takes longer
            full, _, most = search(videos, detector)
            width = np.median([box[2] for box in full.values()]) if full else 0
            for side in (None, *sides):
                boxes, seconds = full, most
                if side is not None:
                    boxes, _, seconds = search(videos, detector, detect_at=side)
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


def sheet(root: Path, layout: str) -> list[dict[str, str]]:
    """The rows of a sheet of the clips."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--layout", layout, "--dataset", "clips", "--root", root.resolve()]
        words += ["--out", Path(folder) / "videos.tsv"]
        command = [sys.executable, ROOT / "scripts/scan_dataset.py", *words]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return tables.read(Path(folder) / "videos.tsv")


def scored(
    learned: np.ndarray, other: np.ndarray, fake: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Scores of the faces of two searches (2, n) by SVMs on the first, each's group left out."""
    scores = np.zeros((2, len(fake)))
    for training, test in LeaveOneGroupOut().split(learned, fake, groups):
        model = make_pipeline(StandardScaler(), SVC(kernel="linear", C=0.01))
        model.fit(learned[training], fake[training])
        scores[:, test] = [model.decision_function(rows[test]) for rows in (learned, other)]
    return scores


def auc_of_videos(scores: np.ndarray, fake: np.ndarray, video: np.ndarray) -> float:
    names, first = np.unique(video, return_index=True)
    return roc_auc_score(fake[first], [scores[video == name].mean() for name in names])


def compare_searches(
    sheet: list[dict[str, str]], height: int, share: float, detector: Detector
) -> list[str]:
    """A line of the third table."""
    boxes, vectors, seconds = ({how: {} for how in SEARCHES} for _ in range(3))
    for number, video in enumerate(sheet):  # one at a time: a frame of 1080p is 6 MB
        pictures = enlarged(ROOT / video["path"], height, share, 7, every=10)
        if not number:
            search([pictures], detector)  # the first call of a shape takes longer
        for how in SEARCHES:
            found, seen, seconds[how][number] = search([pictures], detector, search=how)
            boxes[how] |= {(number, frame): box for (_, frame), box in found.items()}
            vectors[how] |= {(number, frame): vector for (_, frame), vector in seen.items()}
    places = sorted(boxes["full"].keys() & boxes["around"].keys())
    alike = np.array([overlap(*(boxes[how][place] for how in SEARCHES)) for place in places])
    full, around = (np.array([vectors[how][place] for place in places]) for how in SEARCHES)
    numbers = np.array([number for number, _ in places])
    fake = np.array([sheet[number]["label"] == "fake" for number in numbers])
    groups = np.array([sheet[number]["group_id"] for number in numbers])
    scores, (own, _) = scored(full, around, fake, groups), scored(around, around, fake, groups)
    of_full, of_around = (sum(seconds[how].values()) / len(sheet) for how in SEARCHES)
    return [
        f"{height}p", f"{share:g}", f"{np.median([box[2] for box in boxes['full'].values()]):.0f}",
        f"{np.sum(alike >= 0.5)}/{len(boxes['full'])}", f"{np.median(alike):.3f}",
        f"{alike.min():.3f}", f"{of_full:.2f}", f"{of_around:.2f}", f"{of_full / of_around:.1f}",
        f"{np.ptp(scores, axis=0).max():.4f}",
        *(f"{auc_of_videos(values, fake, numbers):.3f}" for values in (scores[0], own)),
    ]  # fmt: skip


def report(arguments: argparse.Namespace, clips: list[Path]) -> None:
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
    parser.add_argument("--layout", default="folders", help="of the clips, see scan_dataset.py")
    parser.add_argument("--videos", type=int, default=20, help="clips of the third table")
    parser.add_argument("--only-searches", action="store_true", help="the third table alone")
    parser.add_argument("--page", action="append", default=[], help="a page to put it on too")
    arguments = parser.parse_args()
    clips = sorted(arguments.clips.rglob("*.mp4"))
    if not clips:
        parser.error(f"{arguments.clips}: holds no .mp4 file; make demo makes some in data/demo")

    if not arguments.only_searches:
        with measure.printed("faces", arguments.page):
            report(arguments, clips)
    rows = sheet(arguments.clips, arguments.layout)
    rows = rows[:: max(1, len(rows) // arguments.videos)][: arguments.videos]
    detector = Detector(config.Faces().thresholds)
    lines = []
    for size in SIZES:
        lines.append(compare_searches(rows, *size, detector))
        print(*lines[-1], flush=True)
    real = arguments.clips.resolve() != (ROOT / "data/demo").resolve()
    text = f"{measure.machine()}; {len(rows)} clips\n\n{measure.table(COLUMNS, lines)}"
    measure.publish("searches real" if real else "searches", text, arguments.page)


if __name__ == "__main__":
    main()
