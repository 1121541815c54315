"""Convert a decoded frame for display: deinterlaced, BT.709, square pixels, upright.

Runs in the child process that decodes; see `frames`.
"""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter

from deepfake.preprocessing import hdr

MAX_PIXELS = 36_000_000  # of one frame; an 8K frame has 33 to 35 million
TOO_LARGE = f"its frames have more than {MAX_PIXELS // 10**6} million pixels"
WIDEST = 4  # a pixel is at most so much wider than high, or the file is not believed
UPRIGHT = (False, False, False)


class Unreadable(ValueError):
    """Why a file gives no frames."""


class Viewer:
    """Turns the frames of one track into pictures.

    Args:
        aspect: width of a pixel over its height, as the file states it, or None.

    Attributes:
        notes: what was changed, besides turning.
    """

    def __init__(self, aspect: Fraction | None) -> None:
        believed = aspect and 1 / WIDEST <= aspect <= WIDEST
        self._aspect = aspect if believed else Fraction(1)
        self._size: tuple[int, int] | None = None  # of a picture before it is turned
        self._turn = UPRIGHT
        self._reformatter = VideoReformatter()
        self.notes: list[str] = []

    def picture(
        self,
        previous: av.VideoFrame | None,
        frame: av.VideoFrame,
        following: av.VideoFrame | None,
    ) -> np.ndarray | None:
        """A frame as a viewer sees it.

        Args:
            previous, following: its neighbours, where the frame is interlaced and has them.

        Returns:
            uint8 BGR of the first picture's shape (height, width, 3); None where the frame cannot
            be converted.

        Raises:
            Unreadable: the first frame is too large.
        """
        if self._size is None:
            self._size = self._shown_size(frame)
            self._turn = _turn(frame)
        transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
        wide = hdr.needs_conversion(transfer, primaries)
        try:
            flat = frame
            if frame.interlaced_frame:
                self._note("interlaced: deinterlaced")
                flat = deinterlaced(previous, frame, following)
            flat = self._reformatter.reformat(
                flat, *self._size, format="rgb48le" if wide else "bgr24",
                interpolation=Interpolation.BICUBIC, threads=1,
            )  # fmt: skip
            picture = _pixels(flat)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            return None
        if wide:
            self._note(hdr.name(transfer))
            picture = hdr.convert(picture, transfer, primaries)
        return picture if self._turn == UPRIGHT else _turned(picture, *self._turn)

    def _shown_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of a frame whose pixels are square."""
        width = max(1, round(frame.width * self._aspect))
        if max(width, frame.width) * frame.height > MAX_PIXELS:
            raise Unreadable(TOO_LARGE)
        if self._aspect != 1:
            self._note(f"pixels not square: widened by {float(self._aspect):.3g}")
        return width, frame.height

    def _note(self, what: str) -> None:
        if what not in self.notes:
            self.notes.append(what)


def deinterlaced(
    previous: av.VideoFrame | None, frame: av.VideoFrame, following: av.VideoFrame | None
) -> av.VideoFrame:
    """A frame without its interlacing, by FFmpeg's filter bwdif; its neighbours may be absent.

    Raises:
        ValueError, av.FFmpegError: the filter cannot do it.
    """
    alike = [other if other and _alike(other, frame) else None for other in (previous, following)]
    frames = [one for one in (alike[0], frame, alike[1]) if one]
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    bwdif = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    sink = graph.add("buffersink")
    source.link_to(bwdif)
    bwdif.link_to(sink)
    graph.configure()
    found = []
    for one in [*frames, None]:
        graph.push(one)
        while True:
            try:
                found.append(graph.pull())
            except (av.BlockingIOError, av.EOFError):
                break
    place = frames.index(frame)
    if len(found) <= place:  # as where memory ran out
        raise ValueError("the filter gave no frame")
    return found[place]


def _alike(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    same = one.format.name == other.format.name
    return same and (one.width, one.height) == (other.width, other.height)


def _pixels(frame: av.VideoFrame) -> np.ndarray:
    """The pixels of a packed frame of three channels, (height, width, 3), not copied."""
    (plane,) = frame.planes
    dtype = np.dtype(np.uint16 if plane.line_size >= 6 * frame.width else np.uint8)
    rows = np.frombuffer(plane, dtype).reshape(frame.height, -1)
    return rows[:, : 3 * frame.width].reshape(frame.height, frame.width, 3)


def _turn(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """How a picture must be turned, by right angles: transposed, then mirrored in x and in y."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = struct.unpack_from("=5i", bytes(matrix))  # x' = a x + c y, y' = b x + d y
    lying = abs(a) + abs(d) < abs(b) + abs(c)
    return lying, (c if lying else a) < 0, (b if lying else d) < 0


def _turned(picture: np.ndarray, lying: bool, in_x: bool, in_y: bool) -> np.ndarray:
    if lying:
        picture = picture.transpose(1, 0, 2)
    return np.ascontiguousarray(picture[:: -1 if in_y else 1, :: -1 if in_x else 1])
