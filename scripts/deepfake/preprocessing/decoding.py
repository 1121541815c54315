"""The child process that decodes videos for `frames.Decoder`: requests in, frames out.

    python -m deepfake.preprocessing.decoding BYTES     allocates BYTES at most

A request is a line of JSON; the answer is lines of JSON, each followed by as many bytes of an
encoded frame as it states, and one that says "done" and why frames are missing.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepfake.core import filenames
from deepfake.preprocessing.sampling import LONG, Spread, most_bytes

if TYPE_CHECKING:
    import numpy as np

    from deepfake.preprocessing.video import Video

EXTENSION = {"png": ".png", "jpeg": ".jpg"}

Answer = tuple[dict, bytes]


def encoded(picture: np.ndarray, format: str, quality: int) -> bytes:
    """A frame as it is kept: PNG, or JPEG of a quality. Args: picture: uint8 BGR."""
    import cv2

    options = {
        "png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
    }[format]
    return cv2.imencode(EXTENSION[format], picture, options)[1].tobytes()


def _serve(memory: int) -> None:
    """Answer one request a line, until the input ends."""
    import av
    import cv2

    av.logging.set_level(av.logging.PANIC)  # the answer says what is wrong with a file
    cv2.setNumThreads(1)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a codec prints must not mix with the answers
    for line in sys.stdin.buffer:
        request = json.loads(line)
        ending = {"done": "", "fps": 0.0, "seconds": 0.0, "notes": [], "file": {}}
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
) -> Iterator[Answer]:
    """Yield (head, encoded frame); leave what is known of the video in `ending`.

    The head {"again": True} takes back what came before it.
    """
    from deepfake.preprocessing.video import Unreadable, Video

    encoding = format, quality
    if unreadable := _unreadable(path):
        ending["done"] = unreadable
        return
    try:
        if not isinstance(indices, Spread):
            with Video(path) as video:
                yield from _answers(video, video.pictures(indices), len(indices), encoding, ending)
                if video.exhausted and not ending["done"]:
                    ending["done"] = video.loss(least=_first_missing(indices, video.count))
                still = video.still()
        else:
            with Video(path) as video:
                if times := _long(video):
                    ending["done"] = video.loss()
                    places = indices.over(len(times))
                    found = video.sought(times, places)
                    yield from _answers(video, found, len(places), encoding, ending)
                    return
            with Video(path) as video:
                guess = indices.over(video.promised() or round(video.seconds * video.fps))
                yield from _answers(video, video.pictures(guess), len(guess), encoding, ending)
                video.run_out()
                ending["done"] = ending["done"] or video.loss()
                there, still = indices.over(video.count), video.still()
            if there != guess and not still:
                yield {"again": True}, b""
                with Video(path) as video:
                    yield from _answers(video, video.pictures(there), len(there), encoding, ending)
        if still:
            yield {"again": True}, b""
            ending["done"] = "no video track"
    except Unreadable as reason:
        ending["done"] = str(reason)


def _first_missing(indices: list[int], count: int) -> int:
    return next((index for index in indices if index >= count), 0)


def _long(video: Video) -> list[int]:
    """When each frame of a long clip is shown, from its packets; nothing of another clip."""
    times = video.times() if video.seconds > LONG else []
    return times if times and (times[-1] - times[0]) * video.unit > LONG else []


def _answers(
    video: Video,
    pictures: Iterator[tuple[int, float, np.ndarray | None]],
    count: int,
    encoding: tuple[str, int],
    ending: dict,
) -> Iterator[Answer]:
    """Encode pictures; what is known of the video, and the first loss, go into `ending`."""
    bytes_left = most_bytes(count)
    for index, second, picture in pictures:
        if picture is None:
            ending["done"] = ending["done"] or f"frame {index} cannot be decoded"
            continue
        data = encoded(picture, *encoding)
        bytes_left -= len(data)
        if bytes_left < 0:
            ending["done"] = f"its frames take more than {most_bytes(count) >> 20} MB"
            break
        height, width = picture.shape[:2]
        head = {"frame": index, "bytes": len(data), "width": width, "height": height}
        yield head | {"time": second}, data
    ending |= {"fps": video.fps, "seconds": video.seconds, "notes": video.notes}
    ending["file"] = video.facts()


def _unreadable(path: str) -> str:
    """Why a path is not worth opening, or ""."""
    if reason := filenames.absent(path):
        return reason
    try:
        with open(path, "rb") as file:
            return "" if file.read(1) else "the file is empty"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
