"""The pictures of a video one after another, decoded in a child process and not held together."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from deepfake.person.length import MOST_SECONDS
from deepfake.preprocessing import frames

_MOST_FRAMES = 150_000  # in that time, at 250 a second
_QUALITY = 95  # of the JPEGs between the processes
_PATIENCE = 60  # seconds for one picture


@dataclass
class Ending:
    """What is known once the pictures ended: why there are no more, or ""; and the length."""

    reason: str = ""
    seconds: float = 0.0


class Stream(frames.Decoder):
    """A decoder that gives each picture when it is decoded. A context manager, as its base is."""

    def __init__(self) -> None:
        super().__init__("jpeg", _QUALITY, _PATIENCE)

    def pictures(self, path: str | Path, ending: Ending) -> Iterator[tuple[float, np.ndarray]]:
        """The time in seconds and the picture, uint8 BGR (height, width, 3), up to MOST_SECONDS.

        Never raises for what a file holds; `ending` says what is wrong with it.
        """
        child = self._child = self._child or self._start()
        request = {"path": os.path.abspath(path), "indices": list(range(_MOST_FRAMES))}
        try:
            child.stdin.write(json.dumps(request | self._encoding).encode() + b"\n")
            child.stdin.flush()
            while "done" not in (answer := self._answer(child)):
                if "again" in answer:  # it is no video, but a picture over a sound
                    continue
                if answer["time"] > MOST_SECONDS:
                    ending.reason = f"only its first {MOST_SECONDS / 60:g} minutes were used"
                    self._end()
                    return
                data = np.frombuffer(answer["data"], np.uint8)
                yield answer["time"], cv2.imdecode(data, cv2.IMREAD_COLOR)
            ending.reason, ending.seconds = answer["done"], answer["seconds"]
        except (OSError, EOFError, ValueError):  # the child is gone
            ending.reason = f"the decoder died on it (exit status {child.wait()})"
            self._end()

    def _answer(self, child) -> dict:
        """The child's next answer; a child that is busy too long is killed."""
        timer = threading.Timer(self._timeout, child.kill)
        timer.start()
        try:
            answer = json.loads(child.stdout.readline())
            if "bytes" in answer:
                data = child.stdout.read(answer["bytes"])
                if len(data) < answer["bytes"]:
                    raise EOFError
                answer["data"] = data
            return answer
        finally:
            timer.cancel()
