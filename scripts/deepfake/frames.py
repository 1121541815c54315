"""Opening a video and taking frames out of it. Not what is seen in them.

Decoders crash and hang on broken files, so they work in a child process: whatever a file does
to it, the job that asked goes on with a reason instead of frames.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake import names

if TYPE_CHECKING:
    import numpy as np

MAX_PIXELS = 36_000_000  # of one frame; an 8K frame has 33 to 35 million
DECODER_BYTES = 1100 * 2**20  # that the child may allocate; 8K in FFV1 takes 1010 MB
# FFmpeg's names of the containers that hold a video themselves. Not in it: playlists, whose
# frames would come from other files, and pictures and texts, which it would show as a video.
CONTAINERS = (
    "avi,mov,matroska,flv,mpegts,mpeg,asf,ogg,mxf,nut,rm,ivf,dv,gif,yuv4mpegpipe,"
    "mpegvideo,m4v,h264,hevc"
)
EXTENSION = {"png": ".png", "jpeg": ".jpg"}


@dataclass
class Clip:
    """What was taken out of one video.

    Attributes:
        frames: encoded frames (PNG or JPEG bytes) by their 0-based index, ascending.
        reason: why there are fewer frames than the video's length promised, or "".
        width, height: of the frames in pixels, after rotation; 0 where none was read.
        fps: frames a second as the file states it; 0.0 where it does not.
    """

    frames: dict[int, bytes] = field(default_factory=dict)
    reason: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0


@dataclass(frozen=True)
class Spread:
    """Frames that lie evenly over a whole clip, whose length only its decoding tells.

    Attributes:
        every: least distance between two of them, in frames.
        most: how many, at most.
    """

    every: int
    most: int

    def over(self, length: int) -> list[int]:
        """0-based indices in a clip of so many frames: the middle of each of equal parts.

        As Wang et al. 2016, "Temporal segment networks", place them; so a black first frame and a
        broken last one are left out.
        """
        count = min(self.most, max(1, length // self.every), length)
        return [(2 * number + 1) * length // (2 * count) for number in range(count)]


def wanted(every: int, per_video: int, span: str = "start") -> list[int] | Spread:
    """Which frames to take: 0-based indices 0, every, 2*every, ..., or a spread over the whole."""
    if span == "whole":
        return Spread(every, per_video)
    return [every * number for number in range(per_video)]


def most_bytes(count: int) -> int:
    """Bytes that so many encoded frames of one video may have; two jobs hold them in memory."""
    return (350 + 8 * count) * 2**20  # a frame of 4K in PNG has 10 MB


def encoded(picture: np.ndarray, format: str, quality: int) -> bytes:
    """A frame as it is kept: PNG, or JPEG of a quality. Args: picture: uint8 BGR."""
    import cv2

    options = {
        "png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
    }[format]
    return cv2.imencode(EXTENSION[format], picture, options)[1].tobytes()


class Decoder:
    """Takes frames out of videos, one after another, in a child process.

    Use as a context manager. A child that dies or overruns its time is replaced.

    Args:
        frames_format: "png" or "jpeg".
        jpeg_quality: 1 to 100, of JPEG frames.
        timeout: seconds that one video may take.
        memory: bytes that the child may allocate.
    """

    def __init__(
        self,
        frames_format: str = "png",
        jpeg_quality: int = 95,
        timeout: float = 600,
        memory: int = DECODER_BYTES,
    ) -> None:
        self._encoding = {"format": frames_format, "quality": jpeg_quality}
        self._timeout = timeout
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, path: str | Path, indices: list[int] | Spread) -> Clip:
        """Take the frames at `indices` (ascending) out of one video.

        A spread is laid over the frames that are there, whatever the file announces: it is decoded
        to its end, and once more where that is not what it said. Nothing is sought: not every
        codec lands on the frame that was asked for.

        Never raises for what a file holds: a file that is no video, is cut short, crashes the
        decoder or keeps it busy too long gives the frames read so far and a reason.
        """
        child = self._child = self._child or self._start()
        overran = threading.Event()

        def end_child() -> None:
            overran.set()
            child.kill()

        timer = threading.Timer(self._timeout, end_child)
        timer.start()
        clip = Clip()
        try:
            asked = asdict(indices) if isinstance(indices, Spread) else indices
            request = {"path": os.path.abspath(path), "indices": asked, **self._encoding}
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            while "done" not in (answer := json.loads(child.stdout.readline())):
                if "again" in answer:
                    clip.frames.clear()
                    continue
                data = child.stdout.read(answer["bytes"])
                if len(data) < answer["bytes"]:
                    raise EOFError
                clip.frames[answer["frame"]] = data
                clip.width, clip.height = answer["width"], answer["height"]
            clip.fps, clip.reason = answer["fps"], answer["done"]
        except (OSError, EOFError, ValueError):  # the child is gone
            status = child.wait()
            self._end()
            if overran.is_set():
                clip.reason = f"decoding took longer than {self._timeout:g} s"
            else:
                clip.reason = f"the decoder died on it (exit status {status})"
        finally:
            timer.cancel()
            timer.join()
            if overran.is_set():  # perhaps just after the last frame: not the next video's fault
                self._end()
        return clip

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "deepfake.frames", str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )

    def _end(self) -> None:
        if self._child:
            self._child.kill()
            self._child.communicate()
            self._child = None


def environment() -> dict[str, str]:
    """Of a child that decodes: it finds this library, and opens no other file than it is told."""
    library = str(Path(__file__).resolve().parent.parent)
    paths = filter(None, [library, os.environ.get("PYTHONPATH", "")])
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": f"protocol_whitelist;file|format_whitelist;{CONTAINERS}",
        "OPENCV_LOG_LEVEL": "ERROR",
        "OPENBLAS_NUM_THREADS": "1",  # each reserves memory, one a core without this
    }


def _serve(memory: int) -> None:
    """The child's side: answer one JSON request a line with frames, until the input ends."""
    import cv2

    cv2.setNumThreads(1)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a codec prints must not mix with the answers
    for line in sys.stdin.buffer:
        request = json.loads(line)
        ending = {"done": "", "fps": 0.0}
        if isinstance(request["indices"], dict):
            request["indices"] = Spread(**request["indices"])
        try:
            for head, data in _decode(ending=ending, **request):
                answers.write(json.dumps(head).encode() + b"\n" + data)
        except (MemoryError, cv2.error) as error:
            full = getattr(error, "code", cv2.Error.StsNoMem) == cv2.Error.StsNoMem
            limit = f"decoding takes more than {memory >> 20} MB of memory"
            ending["done"] = limit if full else f"cannot be decoded: {error.err}"
        answers.write(json.dumps(ending).encode() + b"\n")
        answers.flush()


def _decode(
    path: str, indices: list[int] | Spread, format: str, quality: int, ending: dict
) -> Iterator[tuple[dict, bytes]]:
    """Yield (head, encoded frame); leave reason and frame rate in `ending`.

    The head {"again": True} takes back what came before it.
    """
    import cv2

    if unreadable := _unreadable(path):
        ending["done"] = unreadable
        return
    video = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not video.isOpened():
        ending["done"] = "cannot be opened as a video"
        return
    fps = video.get(cv2.CAP_PROP_FPS)
    ending["fps"] = round(fps, 3) if 0 < fps < 1e6 else 0.0
    # the first frame's size, whatever the header says; later frames are brought to it
    if video.get(cv2.CAP_PROP_FRAME_WIDTH) * video.get(cv2.CAP_PROP_FRAME_HEIGHT) > MAX_PIXELS:
        ending["done"] = f"its frames have more than {MAX_PIXELS // 10**6} million pixels"
        return
    promised = video.get(cv2.CAP_PROP_FRAME_COUNT)  # negative or NaN where the file does not say
    spread = indices if isinstance(indices, Spread) else None
    if spread:
        indices = spread.over(int(promised) if 0 < promised < 2**31 else 0)
    position, room = -1, most_bytes(len(indices))
    for index in indices:
        while position < index and video.grab():
            position += 1
        if position < index:
            if index < promised:
                ending["done"] = f"ends after {position + 1} of {promised:.0f} frames"
            break
        read, frame = video.retrieve()
        if not read or frame is None or frame.size == 0:
            ending["done"] = f"frame {index} cannot be decoded"
            return
        height, width = frame.shape[:2]
        data = encoded(frame, format, quality)
        room -= len(data)
        if room < 0:
            ending["done"] = f"its frames take more than {most_bytes(len(indices)) >> 20} MB"
            return
        yield {"frame": index, "bytes": len(data), "width": width, "height": height}, data
    while spread and video.grab():
        position += 1
    if position < 0:
        ending["done"] = "no frame can be decoded"
    elif spread and (there := spread.over(position + 1)) != indices:
        video.release()
        yield {"again": True}, b""
        yield from _decode(path, there, format, quality, ending)


def _unreadable(path: str) -> str:
    """Why a path is not worth opening, or ""."""
    if reason := names.absent(path):
        return reason
    try:
        with open(path, "rb") as file:
            return "" if file.read(1) else "the file is empty"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
