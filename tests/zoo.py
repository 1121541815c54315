"""A zoo of bad and odd video files, and what must become of each. Not how they are tested.

Every animal is made from one good clip (an MP4 whose index stands behind its frames) by editing
its bytes, or written from nothing: OpenCV has writers for few of these kinds.
"""

from __future__ import annotations

import os
import shutil
import struct
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.unit import clips

INDICES = [0, 10, 20]  # the frames that are asked for; the good clip has a face in each
TWO_HOURS = 2 * 60 * 60
OPENED = "cannot be opened as a video"


@dataclass(frozen=True)
class Animal:
    """A file and what must become of it.

    Attributes:
        name: of the file.
        make: writes it; gets its path and the good clip's.
        frames: how many of INDICES are taken out of it; None for any number, where only the
            decoder can say what a damaged stream still holds.
        reason: a pattern for why not all are; "" for no reason.
        faces: whether the frames show the good clip's faces upright.
    """

    name: str
    make: Callable[[Path, Path], object]
    frames: int | None = 0
    reason: str = OPENED
    faces: bool = False

    @property
    def found(self) -> str:
        """A pattern of all reasons that its frames and its loss may have, joined by "; "."""
        if self.frames is None:
            return ".*"
        return self.reason if self.faces or not self.frames else f"no face found.*{self.reason}"


def box(data: bytes, *path: bytes) -> tuple[int, int]:
    """Start and end of an MP4's box by the names that lead to it, the first of each."""
    start, end = 0, len(data)
    for name in path:
        at = start
        while data[at + 4 : at + 8] != name:
            at += struct.unpack_from(">I", data, at)[0]
        start, end = at + 8, at + struct.unpack_from(">I", data, at)[0]
    return start - 8, end


def with_box(data: bytes, path: tuple[bytes, ...], content: bytes) -> bytes:
    """An MP4 with another content in a box; the sizes of the boxes around it follow."""
    start, end = box(data, *path)
    changed = bytearray(data[: start + 8] + content + data[end:])
    for depth in range(1, len(path) + 1):
        at, _ = box(data, *path[:depth])
        (size,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", changed, at, size + start + 8 + len(content) - end)
    return bytes(changed)


TRACK = (b"moov", b"trak")
MEDIA = (*TRACK, b"mdia")
TABLES = (*MEDIA, b"minf", b"stbl")


def uneven(path: Path, good: Path) -> None:
    """Frames that stand for 1, 2, ... and 5 ticks in turn: no constant frame rate."""
    data = good.read_bytes()
    start, _ = box(data, *TABLES, b"stts")
    _, _, count, ticks = struct.unpack_from(">4I", data, start + 8)
    times = [(1, ticks * (1 + number % 5)) for number in range(count)]
    content = struct.pack(">2I", 0, count) + b"".join(struct.pack(">2I", *pair) for pair in times)
    data = with_box(data, (*TABLES, b"stts"), content)
    path.write_bytes(data.replace(b"edts", b"free"))  # an edit list would end the film early


def two_hours(path: Path, good: Path) -> None:
    """Every duration of its header says two hours; its table of frames is as it was."""
    data = bytearray(good.read_bytes())
    for name, offset in (((b"moov", b"mvhd"), 16), ((*MEDIA, b"mdhd"), 16)):
        start, _ = box(data, *name)
        (scale,) = struct.unpack_from(">I", data, start + 4 + offset)
        struct.pack_into(">I", data, start + 8 + offset, TWO_HOURS * scale)
    start, _ = box(data, *TRACK, b"tkhd")
    struct.pack_into(">I", data, start + 28, TWO_HOURS * 1000)
    path.write_bytes(data)


def many_frames(path: Path, good: Path) -> None:
    """Its table says that it holds 250 million frames of one byte."""
    size = struct.pack(">3I", 0, 1, 250_000_000)
    data = with_box(good.read_bytes(), (*TABLES, b"stsz"), size)
    chunk = struct.pack(">5I", 0, 1, 1, 250_000_000, 1)
    data = with_box(data, (*TABLES, b"stsc"), chunk)
    path.write_bytes(with_box(data, (*TABLES, b"stts"), struct.pack(">4I", 0, 1, 250_000_000, 1)))


def no_picture(path: Path, good: Path) -> None:
    """Its one track says that it is sound."""
    data = good.read_bytes().replace(b"vide", b"soun")
    at = data.index(b"stsd")  # its entry names the codec too
    path.write_bytes(data[:at] + data[at:].replace(b"mp4v", b"mp4a", 1))


def turned(path: Path, good: Path) -> None:
    """Filmed with the phone on its side: stored lying, shown upright by its header."""
    lying = [cv2.rotate(frame, cv2.ROTATE_90_COUNTERCLOCKWISE) for frame in clips.read_video(good)]
    clips.write_video(path, lying, "mp4v")
    clips.rotate_by_metadata(path)


def write_avi(
    path: Path,
    pictures: list[bytes],
    size: tuple[int, int],
    *,
    codec: bytes = b"MPNG",
    claimed: int | None = None,
) -> None:
    """Encoded pictures as a video of 25 frames a second.

    Args:
        size: width and height that the header states. claimed: frames that it states.
    """

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    count = len(pictures) if claimed is None else claimed
    main = struct.pack("<14I", 40_000, 0, 0, 0, count, 0, 1, 0, *size, 0, 0, 0, 0)
    stream = struct.pack(
        "<4s4sI2H8I4H", b"vids", codec, 0, 0, 0, 0, 1, 25, 0, count, 0, 0, 0, 0, 0, 0, 0
    )
    picture = struct.pack("<3I2H4s5I", 40, *size, 1, 24, codec, 0, 0, 0, 0, 0)
    streams = b"strl" + chunk(b"strh", stream) + chunk(b"strf", picture)
    header = b"hdrl" + chunk(b"avih", main) + chunk(b"LIST", streams)
    frames = b"movi" + b"".join(chunk(b"00dc", data) for data in pictures)
    body = b"AVI " + chunk(b"LIST", header) + chunk(b"LIST", frames)
    path.write_bytes(chunk(b"RIFF", body))


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def with_alpha(path: Path, good: Path) -> None:
    """Frames with a fourth channel, opaque on the left and clear on the right."""
    alpha = None
    pictures = []
    for frame in clips.read_video(good):
        if alpha is None:
            alpha = np.full(frame.shape[:2], 255, np.uint8)
            alpha[:, frame.shape[1] // 2 :] = 0
        pictures.append(png(np.dstack([frame, alpha])))
    write_avi(path, pictures, alpha.shape[::-1])


def sixteen_bits(path: Path, good: Path) -> None:
    """Frames of 16 bits a channel."""
    frames = clips.read_video(good)
    pictures = [png(frame.astype(np.uint16) * 257) for frame in frames]
    write_avi(path, pictures, frames[0].shape[1::-1])


def long_header(path: Path, good: Path) -> None:
    """A frame more than are asked for, under a header of two hours."""
    frames = clips.read_video(good)
    pictures = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]
    size = frames[0].shape[1::-1]
    write_avi(path, pictures, size, codec=b"MJPG", claimed=TWO_HOURS * 25)


def short_of_header(path: Path, good: Path) -> None:
    """Fifteen frames under a header of two hours."""
    frames = clips.read_video(good)[:15]
    pictures = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]
    size = frames[0].shape[1::-1]
    write_avi(path, pictures, size, codec=b"MJPG", claimed=TWO_HOURS * 25)


def bomb(path: Path, _good: Path) -> None:
    """Pictures of 16,000 x 16,000 pixels, small when packed, under a header of 64 x 48."""
    write_avi(path, [png(np.zeros((16_000, 16_000), np.uint8))] * 3, (64, 48))


def swelling(path: Path, _good: Path) -> None:
    """Ten small pictures, then ones of 40 million pixels."""
    small, large = (png(np.zeros((side, side), np.uint8)) for side in (64, 6400))
    write_avi(path, [small] * 10 + [large] * 12, (64, 64))


def huge_header(path: Path, good: Path) -> None:
    """A header of 60,000 x 60,000 pixels over small pictures that state their size themselves."""
    write_avi(path, [png(frame) for frame in clips.grey(22)], (60_000, 60_000))


def huge_raw(path: Path, _good: Path) -> None:
    """Raw pictures of 42 million pixels by the header, of which 1000 are there."""
    write_avi(path, [bytes(3000)] * 3, (7000, 6000), codec=bytes(4))


def cut(tenths: int) -> Callable[[Path, Path], object]:
    def make(path: Path, good: Path) -> None:
        data = good.read_bytes()
        path.write_bytes(data[: len(data) * tenths // 10])

    return make


def cut_with_index_first(tenths: int) -> Callable[[Path, Path], object]:
    def make(path: Path, good: Path) -> None:
        shutil.copy(good, path)
        clips.move_index_to_front(path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * tenths // 10])

    return make


def flip(seed: int, *where: bytes) -> Callable[[Path, Path], object]:
    """One bit in 500 flipped, in one box or the whole file."""

    def make(path: Path, good: Path) -> None:
        data = np.frombuffer(good.read_bytes(), np.uint8).copy()
        start, end = box(good.read_bytes(), *where) if where else (0, len(data))
        bits = np.random.default_rng(seed).random((end - start, 8)) < 1 / 500
        data[start:end] ^= np.packbits(bits, axis=1).ravel()
        path.write_bytes(data.tobytes())

    return make


def sound(path: Path, _good: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0" * 16_000)


def archive(path: Path, good: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(good, "inside.mp4")


def as_codec(codec: str, ending: str, count: int | None = None) -> Callable[[Path, Path], object]:
    """The good clip's frames under another codec, the file renamed afterwards."""

    def make(path: Path, good: Path) -> None:
        beside = path.with_name(f"{path.name}.{ending}")
        clips.write_video(beside, clips.read_video(good)[:count], codec)
        beside.rename(path)

    return make


def grey(size: tuple[int, int]) -> Callable[[Path, Path], object]:
    return lambda path, good: as_mjpg(path, clips.grey(22, size))


def as_mjpg(path: Path, pictures: list[np.ndarray]) -> None:
    beside = path.with_name(f"{path.name}.avi")
    clips.write_video(beside, pictures, "MJPG")
    beside.rename(path)


def text(content: str) -> Callable[[Path, Path], object]:
    return lambda path, _good: path.write_text(content)


def data(content: bytes) -> Callable[[Path, Path], object]:
    return lambda path, _good: path.write_bytes(content)


def link(target: str) -> Callable[[Path, Path], object]:
    return lambda path, _good: path.symlink_to(target)


PLAYLIST = (
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nstream.ts\n#EXT-X-ENDLIST\n"
)

# Files: they may stand in a sheet.
FILES = [
    Animal("avi.mp4", as_codec("MJPG", "avi"), 3, "", faces=True),  # two playlists name these
    Animal("stream.ts", as_codec("MPG1", "ts"), 3, "", faces=True),
    *(Animal(f"cut at {n} tenths.mp4", cut(n)) for n in range(1, 10)),
    *(
        Animal(f"index first, cut at {n}.mp4", cut_with_index_first(n), None, "ends after|no frame")
        for n in range(1, 10)
    ),
    *(Animal(f"flipped {seed}.mp4", flip(seed), None) for seed in range(4)),
    *(Animal(f"frames flipped {seed}.mp4", flip(seed, b"mdat"), None) for seed in range(4)),
    *(Animal(f"index flipped {seed}.mp4", flip(seed, b"moov"), None) for seed in range(8)),
    Animal("nothing.mp4", data(b""), reason="the file is empty"),
    Animal("zeros.mp4", data(bytes(10**6))),
    Animal("text.mp4", text("hello\n" * 500)),
    Animal("picture.mp4", lambda path, good: path.write_bytes(png(clips.grey(2)[1]))),
    Animal("photo.jpg", lambda path, good: cv2.imwrite(str(path), clips.read_video(good)[0])),
    Animal("archive.mp4", archive),
    Animal("sound.mp4", sound),
    Animal("no picture.mp4", no_picture, reason="no video track"),
    Animal("concat.mp4", text("ffconcat version 1.0\nfile avi.mp4\n")),
    Animal("list.m3u8", text(PLAYLIST)),
    Animal("list.mp4", text(PLAYLIST)),
    Animal("a webm.avi", as_codec("VP80", "webm"), 3, "", faces=True),
    Animal("one frame.mp4", as_codec("mp4v", "mp4", 1), 1, "", faces=True),
    Animal("eleven frames.mkv", as_codec("FFV1", "mkv", 11), 2, "", faces=True),
    Animal("wide.avi", grey((10_000, 10)), 3, ""),
    Animal("high.avi", grey((10, 10_000)), 3, ""),
    Animal("point.avi", grey((1, 1)), 3, ""),
    Animal("wall.avi", grey((200, 160)), 3, ""),
    Animal("a link.mp4", lambda path, good: path.symlink_to(good), 3, "", faces=True),
    Animal("uneven.mp4", uneven, 3, "", faces=True),
    Animal("turned.mp4", turned, 3, "", faces=True),
    Animal("alpha.avi", with_alpha, 3, "", faces=True),
    Animal("16 bits.avi", sixteen_bits, 3, "", faces=True),
    Animal("two hours.mp4", two_hours, 3, "", faces=True),
    Animal("two hours.avi", long_header, 3, "", faces=True),
    Animal("fifteen frames.avi", short_of_header, 2, "ends after 15 of 180000", faces=True),
    Animal("many frames.mp4", many_frames, None),
    Animal("bomb.avi", bomb, reason="pixels"),
    Animal("swelling.avi", swelling, 3, ""),
    Animal("huge header.avi", huge_header, 3, ""),
    Animal("huge raw.avi", huge_raw, reason="pixels"),
]

# What stands in a folder and is no file; a sheet that names one is refused.
OTHERS = [
    Animal("folder.mp4", lambda path, good: path.mkdir(), reason="is a folder"),
    Animal("pipe.mp4", lambda path, good: os.mkfifo(path), reason="not a regular file"),
    Animal("device.mp4", link("/dev/zero"), reason="not a regular file"),
    Animal("circle.mp4", link("circle.mp4"), reason="symbolic links"),
    Animal("dangling.mp4", link("nowhere"), reason="is a link to no file"),
]


# Each of these is a copy of the good clip; what of a name cannot stand in a table has a reason.
NAMES = {
    "two words.mp4": "",
    " spaces at its ends .mp4 ": "",
    'it\'s "quoted".mp4': "",
    "-rf.mp4": "",
    "--config.mp4": "",
    "$(touch run) `touch run` ;&|.mp4": "",
    "<img src=x onerror=alert(1)>.mp4": "",
    "a{batch}b{c}d{0}{}.mp4": "",
    "open{.mp4": "",
    "100%d %s \\n.mp4": "",
    "=SUM(A1:A9).mp4": "",
    "*?[a-z]~#.mp4": "",
    "@list.mp4": "",
    "http:x.mp4": "",
    "n" * 251 + ".mp4": "",
    "مقطع.mp4": "",
    "视频 動画 비디오.mp4": "",
    "वीडियो.mp4": "",
    "\N{MAN}\u200d\N{WOMAN}.mp4": "",
    "e\u0301.mp4": "",
    "\u00e9.mp4": "",
    "\u202e4pm.exe": "",
    "two\nlines.mp4": "control character",
    "tab\t.mp4": "control character",
    "\x1b[31mred.mp4": "control character",
    "\x9b31m.mp4": "control character",
    "line\u2028end.mp4": "control character",
    os.fsdecode(b"latin\xe9.mp4"): "not UTF-8",
}


def build(folder: Path, good: Path, animals: list[Animal]) -> dict[str, Animal]:
    """Make the animals in a folder; each by its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for animal in animals:
        animal.make(folder / animal.name, good)
    return {str(folder / animal.name): animal for animal in animals}
