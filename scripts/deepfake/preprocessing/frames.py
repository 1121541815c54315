"""Decode frames of a video in a child process.

Decoders crash and hang on broken files, so they work in a child process: if a file
crashes it, the job continues with a reason instead of frames.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from deepfake.preprocessing import decoding
from deepfake.preprocessing.sampling import Spread

DECODER_BYTES = 1100 * 2**20  # that the child may allocate; 8K in FFV1 takes 1010 MB


@dataclass
class Clip:
    """What was taken out of one video.

    Attributes:
        frames: encoded frames (PNG or JPEG bytes) by their 0-based index, ascending.
        reason: why there are fewer frames than the video's length promised, or "".
        width, height: of the frames in pixels, as they are shown; 0 where none was read.
        fps: frames a second as the file states it; 0.0 where it does not.
        seconds: how long it plays as the file states it; 0.0 where it does not.
        times: when each frame is shown, in seconds from the start, by its index.
        notes: what the decoder changed so that frames are as a viewer sees them.
        file: what the file says of its track; see `video.Video.facts`. Empty where it was not read.
    """

    frames: dict[int, bytes] = field(default_factory=dict)
    reason: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    seconds: float = 0.0
    times: dict[int, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    file: dict = field(default_factory=dict)


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
        to its end, and once more where that is not what it said. Only in a clip that is longer
        than `sampling.LONG` seconds are frames sought.

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
            sampled = asdict(indices) if isinstance(indices, Spread) else indices
            request = {"path": os.path.abspath(path), "indices": sampled, **self._encoding}
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            while "done" not in (answer := json.loads(child.stdout.readline())):
                if "again" in answer:
                    clip.frames.clear()
                    clip.times.clear()
                    continue
                data = child.stdout.read(answer["bytes"])
                if len(data) < answer["bytes"]:
                    raise EOFError
                clip.frames[answer["frame"]] = data
                clip.times[answer["frame"]] = answer["time"]
                clip.width, clip.height = answer["width"], answer["height"]
            clip.fps, clip.seconds = answer["fps"], answer["seconds"]
            clip.notes, clip.reason = answer["notes"], answer["done"]
            clip.file = answer["file"]
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
            [sys.executable, "-m", decoding.__name__, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )

    def _end(self) -> None:
        if self._child:
            self._child.kill()
            self._child.communicate()
            self._child = None


def decoder_name() -> str:
    """What decodes here, with its version: pictures of another may differ by a grey level."""
    return f"PyAV {version('av')}"


def environment() -> dict[str, str]:
    """Of a child that decodes: it finds this library."""
    library = str(Path(__file__).resolve().parents[2])
    paths = filter(None, [library, os.environ.get("PYTHONPATH", "")])
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "OPENCV_LOG_LEVEL": "ERROR",
        "OPENBLAS_NUM_THREADS": "1",  # each reserves memory, one a core without this
    }
