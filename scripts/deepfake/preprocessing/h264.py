"""Encode a video again in H.264 at a lower quality, as sharing a clip does.

A file is decoded and encoded in a child process, for the reasons that `frames` gives. The encoder
is x264, with a constant rate factor and no other option. That of FaceForensics++ (Rossler et
al. 2019, "FaceForensics++: Learning to detect manipulated facial images") is 23 for its c23 and 40
for its c40.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path

from deepfake.preprocessing import frames

WORST = 51  # the largest factor of H.264
ENCODER_BYTES = 2 * 2**30  # that the child may allocate; frames of 4K take 1.6 GB
# Errors of the place where copies are written, and not of a video; the exit status that says so.
PLACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOENT, errno.EROFS, errno.EACCES}
NO_PLACE = 74
ROUNDED = 0x4 | 0x40000 | 0x80000  # FFmpeg's SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT
USUAL_RATE = 25.0  # frames a second where the file does not say
# x264's code for AVX-512 gives other pictures each time: it reads memory that nobody has written
# (seen with FFmpeg 8, MALLOC_PERTURB_ and more than one B-frame). What it has for older processors
# does not, gives the same on all of them, and is as fast.
SAME = {"x264-params": "asm=SSE4.2"} if platform.machine() == "x86_64" else {}


class EncodeError(ValueError):
    """A video that cannot be encoded."""


def encode(
    path: str | Path, factors: Sequence[int], last: int | None, folder: str | Path, timeout: float
) -> tuple[dict[int, Path], str]:
    """Encode a video again, once with each of some constant rate factors.

    Frames keep their indices. Sides that are odd lose a line of pixels: H.264 halves the colours.

    Args:
        path: of the video. factors: 0 to WORST, where more is worse.
        last: 0-based index of the last frame that is wanted; None: all.
        folder: for the copies. timeout: seconds that all of them may take.

    Returns:
        The copies that were made, by their factor, and why others are missing, or "".

    Raises:
        OSError: the folder has no space left, or cannot be written.
    """
    copies = {factor: Path(folder, f"crf{factor}.mkv").absolute() for factor in factors}
    request = {"path": str(Path(path).absolute()), "last": last}
    request |= {"copies": {factor: str(copy) for factor, copy in copies.items()}}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "deepfake.preprocessing.h264"],
            input=json.dumps(request), stdout=subprocess.PIPE, text=True, timeout=timeout,
            env=frames.environment(),
        )  # fmt: skip
        died = f"the encoder died on it (exit status {done.returncode})"
        reason = died if done.returncode else json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        reason = f"encoding took longer than {timeout:g} s"
    else:
        if done.returncode == NO_PLACE:
            raise OSError(f"cannot write copies of videos to {folder}: see the log")
    return {factor: copy for factor, copy in copies.items() if copy.exists()}, reason


def _serve() -> None:
    """The child's side: encode what the input asks for, and say why copies are missing, or ""."""
    import av

    from deepfake.preprocessing.viewing import Unreadable

    resource.setrlimit(resource.RLIMIT_DATA, (ENCODER_BYTES, ENCODER_BYTES))
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a codec prints must not mix with the answer
    request, reason = json.loads(sys.stdin.read()), ""
    try:
        for factor, copy in request["copies"].items():
            part = f"{copy}.part"
            _copy(request["path"], factor, request["last"], part)
            os.replace(part, copy)
    except (MemoryError, av.FFmpegError, Unreadable, EncodeError) as error:
        if getattr(error, "errno", None) in PLACE:
            print(error, file=sys.stderr)
            sys.exit(NO_PLACE)
        reason = f"cannot be encoded as H.264: {error}"
    os.write(answer, json.dumps(reason).encode())


def _copy(path: str, factor: str, last: int | None, copy: str) -> None:
    """Encode the frames of a video up to the last."""
    import av
    import numpy as np

    from deepfake.preprocessing.video import Video

    with Video(path) as video, av.open(copy, "w", format="matroska") as out:
        rate = video.fps if 1 <= video.fps <= 1000 else USUAL_RATE
        rate = Fraction(rate).limit_denominator(1001)
        stream = out.add_stream("libx264", rate=rate, options={"crf": factor, **SAME})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1  # another number gives other pictures
        position = -1
        for position, _, picture in video.pictures(count() if last is None else range(last + 1)):
            if picture is None:
                raise EncodeError(f"frame {position} cannot be decoded")
            if position == 0:
                height, width = (side - side % 2 for side in picture.shape[:2])
                if not (height and width):
                    raise EncodeError("its frames are one pixel wide or high")
                stream.height, stream.width = height, width
            picture = np.ascontiguousarray(picture[:height, :width])
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame = frame.reformat(format="yuv420p", interpolation=ROUNDED)
            frame.pts, frame.time_base = position, 1 / rate
            out.mux(stream.encode(frame))
        if position < 0:
            raise EncodeError("no frame can be decoded")
        out.mux(stream.encode(None))


if __name__ == "__main__":
    _serve()
