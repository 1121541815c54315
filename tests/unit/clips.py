"""Builders that several tests share: small videos, and the scripts run by hand."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
STEP = 6  # grey levels from one frame of `grey` to the next

real_clips = pytest.mark.skipif(
    not os.environ.get("DEEPFAKE_TEST_CLIPS"),
    reason="needs real clips: name their folder in DEEPFAKE_TEST_CLIPS",
)


def real_root() -> Path:
    """The folder of the real clips."""
    return Path(os.environ["DEEPFAKE_TEST_CLIPS"]).resolve()


def grey(count: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Pictures of (width, height) = size; picture i is of the one grey level STEP * i."""
    return [np.full((size[1], size[0], 3), STEP * number, np.uint8) for number in range(count)]


def write_video(
    path: Path, pictures: list[np.ndarray], codec: str = "FFV1", fps: float = 25
) -> Path:
    """Write BGR pictures as a video of `fps` frames a second; FFV1 is lossless, mp4v wants .mp4."""
    height, width = pictures[0].shape[:2]
    # OpenCV's own writer takes odd sizes, FFmpeg's cuts them to even ones
    backend = cv2.CAP_OPENCV_MJPEG if codec == "MJPG" else cv2.CAP_FFMPEG
    fourcc = cv2.VideoWriter_fourcc(*codec)
    video = cv2.VideoWriter(str(path), backend, fourcc, fps, (width, height))
    assert video.isOpened()
    for picture in pictures:
        video.write(picture)
    video.release()
    return path


def read_video(path: Path) -> list[np.ndarray]:
    """Every frame of a video, as OpenCV decodes it in this process."""
    video, found = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        found.append(read[1])
    return found


def picture(data: bytes) -> np.ndarray:
    """BGR pixels of an encoded picture."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def rotate_by_metadata(path: Path) -> None:
    """Make an .mp4 say that it is shown turned by 90 degrees; its frames stay as they are."""
    data = path.read_bytes()
    start = data.index(b"tkhd") + 4 + 40  # version 0: the matrix stands 40 bytes into the box
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    assert data[start : start + 36] == upright
    path.write_bytes(data[:start] + turned + data[start + 36 :])


def move_index_to_front(path: Path) -> None:
    """Put an .mp4's index before its frames, as files made for streaming have it."""
    data = path.read_bytes()
    start = data.index(b"moov") - 4
    before, index = data[:start], bytearray(data[start:])
    frames = before.index(b"mdat") - 4
    place = index.index(b"stco") + 8  # after version and flags: a count, then file positions
    (count,) = struct.unpack_from(">I", index, place)
    positions = struct.unpack_from(f">{count}I", index, place + 4)
    struct.pack_into(f">{count}I", index, place + 4, *(at + len(index) for at in positions))
    path.write_bytes(before[:frames] + bytes(index) + before[frames:])


def run_script(name: str, *arguments: object, **options: object) -> subprocess.CompletedProcess:
    """Run scripts/<name>.py by hand and wait for it."""
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def job_arguments(inputs: dict, outputs: dict, params: dict) -> list[str]:
    """A job's arguments: files by name (a list repeats the name), settings as JSON."""
    arguments = []
    for option, files in (("--input", inputs), ("--output", outputs)):
        for name, paths in files.items():
            for path in paths if isinstance(paths, list) else [paths]:
                arguments += [option, f"{name}={path}"]
    return [*arguments, "--params", json.dumps(params)]
