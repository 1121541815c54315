"""Read one video file: its video track, and its frames as displayed.

FFmpeg decodes (through PyAV): it knows what a picture alone does not tell, that is, whether a
frame is interlaced, turned or mirrored, whether its pixels are square, and which are hidden by an
edit list. Broken files can crash it, so this runs in a child process only; see `frames`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

import av
import numpy as np

from deepfake.preprocessing import container, hdr
from deepfake.preprocessing.viewing import MAX_PIXELS, TOO_LARGE, Unreadable, Viewer

# Containers whose header states how long they play; other lengths are guesses from the file's size.
STATED = ("matroska", "flv", "asf", "mov")
BACK = (0, 2, 20, 1e9)  # seconds before a frame from which it is sought, one after another
SLACK = 0.5  # seconds by which a file may be shorter than it states


class Video:
    """The moving track of a file; a context manager.

    Attributes:
        fps: frames a second as the file states it; 0.0 where it does not.
        seconds: how long the track plays as the file states it; 0.0 where it does not.
        unit: of the track's times, in seconds.
        count: frames that came out of the decoder, the hidden ones not counted.
        damaged: packets that could not be decoded, after the first frame.
        exhausted: whether the end was reached.

    Raises:
        Unreadable: the file is no video.
    """

    def __init__(self, path: str) -> None:
        self._container = container.open_file(path)
        try:
            number = container.moving(self._container)
            if len(container.candidates(self._container)) > 1:  # packets were read to tell
                self._container.close()
                self._container = container.open_file(path)
            self._stream = self._container.streams[number]
            codec = self._stream.codec_context
            if codec.width * codec.height > MAX_PIXELS:
                raise Unreadable(TOO_LARGE)
            codec.thread_count = 1  # jobs scale by processes
        except Unreadable:
            self._container.close()
            raise
        rate = float(self._stream.guessed_rate or 0)
        self.fps = round(rate, 3) if 0 < rate < 1e6 else 0.0
        self.seconds = self._length()
        self.unit = float(self._stream.time_base or 0)
        self._start = self._stream.start_time or 0
        self.count = self.damaged = 0
        self.exhausted = self._broken = False
        self._ends: dict[int, int] = {}  # of each track, in its own units
        self._viewer = Viewer(self._stream.sample_aspect_ratio)
        self._source = self._frames()
        self._keys: list[int] = []  # when key frames are shown, and the last frame that was sought
        self._last: int | None = None

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def notes(self) -> list[str]:
        """What was changed so that the frames are as a viewer sees them."""
        return self._viewer.notes

    def facts(self) -> dict:
        """What the file says of its track, for a reader of a verdict; JSON-ready.

        Returns:
            container and codec (FFmpeg's names), encoder as the file names it, width and height in
            pixels as coded, fps, seconds, bit_rate (bits a second), pixel_format, transfer (the
            name of an HDR curve, or ""), and edit_list, whether frames are hidden by one.
        """
        codec, stream = self._stream.codec_context, self._stream
        encoder = stream.metadata.get("encoder") or self._container.metadata.get("encoder") or ""
        name = self._container.format.name.split(",")[0]
        entries = stream.index_entries if name == "mov" else ()
        return {
            "container": name,
            "codec": codec.name,
            "encoder": encoder[:100],
            "width": codec.width,
            "height": codec.height,
            "fps": self.fps,
            "seconds": self.seconds,
            "bit_rate": stream.bit_rate or self._container.bit_rate or 0,
            "pixel_format": codec.pix_fmt or "",
            "transfer": hdr.NAMES.get(int(codec.color_trc), ""),
            "edit_list": any(entry.is_discard for entry in entries),
        }

    def pictures(self, indices: Iterable[int]) -> Iterator[tuple[int, float, np.ndarray | None]]:
        """The frames at these indices, which do not fall, as they come out of the decoder.

        Yields:
            The index, the time in seconds at which the frame is shown, and the picture, uint8 BGR
            of the first picture's shape (height, width, 3); None where it could not be converted.

        Raises:
            Unreadable: the frames are too large.
        """
        position, frames = -1, self._source
        previous = current = following = None
        for index in indices:
            while position < index:
                frame = following or next(frames, None)
                if frame is None:
                    self.exhausted = True
                    return
                previous = current if frame.interlaced_frame else None
                current, following = frame, None
                position += 1
            if current.interlaced_frame and following is None:
                following = next(frames, None)
            yield index, self._time(current), self._viewer.picture(previous, current, following)

    def run_out(self) -> None:
        """Decode to the end, so that `count` is the number of all frames."""
        for _ in self._source:
            pass
        self.exhausted = True

    def times(self) -> list[int]:
        """When each frame is shown, in units of the track, rising; read from the packets alone.

        Empty where the file does not say it of every frame. After it, frames can only be sought.
        """
        found: list[int] = []
        for packet in self._packets():
            if packet.stream is self._stream and packet.size:
                if packet.pts is None:
                    return []
                if not packet.is_discard:
                    found.append(packet.pts)
                if packet.is_keyframe:
                    self._keys.append(packet.pts)
        self.count = len(found)
        self._keys.sort()
        return sorted(found)

    def sought(
        self, times: list[int], indices: Iterable[int]
    ) -> Iterator[tuple[int, float, np.ndarray | None]]:
        """As `pictures`, but each frame is decoded from the key frame before it.

        Where a file cannot be sought exactly, the next frame that can be decoded is taken, under
        its own index.

        Args:
            times: when each frame is shown, from `times`.
        """
        for index in indices:
            found = next(filter(None, (self._seek(times, index, back) for back in BACK)), None)
            yield found or (index, 0.0, None)

    def _seek(
        self, times: list[int], index: int, back: float
    ) -> tuple[int, float, np.ndarray | None] | None:
        """The frame of an index, sought from some seconds before it; None where it was passed.

        Where no key frame lies before it and after the last frame, decoding goes on from there.
        """
        time = times[index]
        key = self._keys[max(0, bisect_right(self._keys, time) - 1)] if self._keys else times[0]
        if back or self._last is None or key > self._last:
            self._go_to(times[0], time - round(back / self.unit))
        previous, passed = None, back == BACK[-1] or self._last is not None
        for frame in self._source:
            if frame.pts is not None:
                if frame.pts > time and not passed:
                    return None
                passed, self._last = True, frame.pts
                if frame.pts >= time:
                    following = next(self._source, None) if frame.interlaced_frame else None
                    picture = self._viewer.picture(previous, frame, following)
                    return bisect_left(times, frame.pts), self._time(frame), picture
            previous = frame if frame.interlaced_frame else None
        return None

    def _go_to(self, first: int, time: int) -> None:
        """Decode from the key frame before a time, in units of the track, on."""
        start = max(first - round(1 / self.unit), time)  # MPEG streams are sought from before
        try:
            self._container.seek(start, stream=self._stream, backward=True)
        except av.FFmpegError:  # nothing is before the first
            self._container.seek(first, stream=self._stream, backward=True)
        self._source, self._last = self._frames(), None

    def still(self) -> bool:
        """Whether the track is one picture over a sound; known once its end was reached."""
        known = self._stream.frames == 1 or (self.exhausted and self.count == 1)
        stated = (self._container.duration or 0) / av.time_base - self.seconds
        return known and max(stated, self._end(but=self._stream.index)) > 1

    def promised(self) -> int:
        """Frames that the file says it has, once it was read to its end; 0 where it does not say.

        What an edit list hides is not counted.
        """
        name = self._container.format.name.split(",")[0]
        entries = self._stream.index_entries
        if name == "mov" and self._stream.frames and len(entries):
            return sum(not entry.is_discard for entry in entries)
        if self._stream.frames > 0:
            return self._stream.frames
        stated = (self._container.duration or 0) / av.time_base
        start = (self._container.start_time or 0) / av.time_base
        if name in STATED and self._ends and stated - (self._end() - start) > SLACK:
            return max(round(stated * self.fps), self.count + 1)
        return 0

    def loss(self, least: int = 0) -> str:
        """Why there are fewer frames than the file promised, once its end was reached, or "".

        Args:
            least: a promise of so many frames or fewer was kept, whatever is there.
        """
        promised, found = self.promised(), []
        if not self.count:
            return "no frame can be decoded"
        if self.count < promised and least < promised:
            found.append(f"ends after {self.count} of {promised} frames")
        elif self._broken:
            found.append(f"cannot be read after {self.count} frames")
        if self.damaged:
            found.append(f"{self.damaged} of its packets cannot be decoded")
        return "; ".join(found)

    def _length(self) -> float:
        if self._stream.duration and self._stream.time_base:
            return round(float(self._stream.duration * self._stream.time_base), 3)
        return round(max(self._container.duration or 0, 0) / av.time_base, 3)

    def _end(self, but: int | None = None) -> float:
        """Seconds at which the last track but one ends, as far as packets were read."""
        tracks = self._container.streams
        ends = [end * tracks[n].time_base for n, end in self._ends.items() if n != but]
        return float(max(ends, default=0))

    def _packets(self) -> Iterator[av.Packet]:
        """All packets of all tracks: where the last of them ends, the file's data ends."""
        ends = self._ends
        try:
            for packet in self._container.demux():
                if packet.pts is not None:
                    number, end = packet.stream_index, packet.pts + (packet.duration or 0)
                    if end > ends.get(number, -1):
                        ends[number] = end
                yield packet
        except MemoryError:
            raise
        except av.FFmpegError:
            self._broken = True

    def _frames(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets():
            if packet.stream is not self._stream:  # the last ones have no stream_index
                continue
            try:
                frames = packet.decode()
            except MemoryError:
                raise
            except av.FFmpegError:
                self.damaged += self.count > 0  # a stream may begin in the middle of a picture
                continue
            for frame in frames:
                self.count += 1
                yield frame

    def _time(self, frame: av.VideoFrame) -> float:
        if frame.pts is None:
            return round((self.count - 1) / self.fps, 3) if self.fps else 0.0
        return round(max(0.0, (frame.pts - self._start) * self.unit), 3)
