"""Tests of what a viewer sees of a file: interlaced, turned, stretched, trimmed, HDR, covers."""

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from deepfake.preprocessing import decoding, frames, hdr, sampling, video, viewing
from tests.unit import clips

PATIENCE = 60
RATE = 25
INDICES = [0, 5, 11]
LIKE = {"x264-params": "log-level=none"}


@pytest.fixture(scope="module")
def decoder() -> Iterator[frames.Decoder]:
    with frames.Decoder(timeout=PATIENCE) as one:
        yield one


def moving(seed: int, size: tuple[int, int], count: int = 12) -> list[np.ndarray]:
    """A smooth picture that moves by 6 pixels a frame, BGR, (width, height) = size."""
    width, height = size
    random = np.random.default_rng(seed)
    wide = cv2.resize(
        random.integers(0, 256, (6, 12, 3), dtype=np.uint8), (width + 6 * count, height),
        interpolation=cv2.INTER_CUBIC,
    )  # fmt: skip
    return [np.ascontiguousarray(wide[:, 6 * n : 6 * n + width]) for n in range(count)]


def woven(pictures: Sequence[np.ndarray], top_first: bool) -> list[np.ndarray]:
    """Interlaced frames: each holds the lines of two pictures, shown one after the other."""
    found = []
    for first, second in zip(pictures[::2], pictures[1::2], strict=True):
        frame = first.copy()
        frame[1 if top_first else 0 :: 2] = second[1 if top_first else 0 :: 2]
        found.append(frame)
    return found


def write(
    path: Path,
    pictures: Sequence[np.ndarray],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    format: str | None = None,
    aspect: Fraction | None = None,
    matrix: tuple[int, ...] | None = None,
    sound: float = 0.0,
    cover: np.ndarray | None = None,
    **options: str,
) -> Path:
    """Encode BGR pictures with PyAV.

    Args:
        aspect: of a pixel. matrix: a, b, c, d of the display matrix. sound: seconds of silence.
        cover: a picture in an ordinary track before the video.
    """
    with av.open(str(path), "w", format=format) as out:
        if cover is not None:
            still = out.add_stream("mjpeg", rate=RATE)
            still.height, still.width = cover.shape[:2]
            still.pix_fmt = "yuvj420p"
        stream = out.add_stream(codec, rate=RATE, options={**LIKE, **options})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if matrix:
            a, b, c, d = (65536 * one for one in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        if sound:
            audio = out.add_stream("aac", rate=8000)
            audio.layout = "mono"
        if cover is not None:
            frame = av.VideoFrame.from_ndarray(cover, format="bgr24").reformat(format="yuvj420p")
            frame.pts, frame.time_base = 0, Fraction(1, RATE)
            out.mux(still.encode(frame))
            out.mux(still.encode(None))
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if sound:
            for start in range(0, int(8000 * sound), 1024):
                silence = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
                )
                silence.sample_rate, silence.pts, silence.time_base = 8000, start, Fraction(1, 8000)
                out.mux(audio.encode(silence))
            out.mux(audio.encode(None))
    return path


def shown(clip: frames.Clip) -> dict[int, np.ndarray]:
    return {index: clips.picture(data).astype(int) for index, data in clip.frames.items()}


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(one.astype(int) - other).mean())


def through_bwdif(path: Path) -> list[np.ndarray]:
    """Every frame of a file as a player that deinterlaces shows it: one filter for all of them."""
    found = []
    with av.open(str(path)) as file:
        graph = None
        for frame in [*file.decode(video=0), None]:
            if graph is None:
                graph = av.filter.Graph()
                ends = (
                    graph.add_buffer(template=file.streams.video[0]),
                    graph.add("bwdif", "mode=0"),
                )
                sink = graph.add("buffersink")
                ends[0].link_to(ends[1])
                ends[1].link_to(sink)
                graph.configure()
            graph.push(frame)
            while True:
                try:
                    found.append(graph.pull().to_ndarray(format="bgr24", interpolation="BICUBIC"))
                except (av.BlockingIOError, av.EOFError):
                    break
    return found


FIELDS = {"flags": "+ildct+ilme", "b": "8M"}
INTERLACED = {
    "H.264": ("a.mp4", "libx264", "yuv420p", {"x264-params": "tff=1:log-level=none"}, True),
    "H.264, bottom field first": (
        "a.mkv", "libx264", "yuv420p", {"x264-params": "bff=1:log-level=none"}, False,
    ),
    "H.264, 4:2:2, 10 bits": (
        "a.mov", "libx264", "yuv422p10le", {"x264-params": "tff=1:log-level=none"}, True,
    ),
    "MPEG-2": ("a.ts", "mpeg2video", "yuv420p", FIELDS, True),
    "MPEG-2 of a DVD": ("a.vob", "mpeg2video", "yuv420p", FIELDS, True),
    "DV": ("a.dv", "dvvideo", "yuv420p", {}, False),
    "DV in AVI": ("a.avi", "dvvideo", "yuv420p", {}, False),
}  # fmt: skip


@pytest.mark.parametrize("kind", INTERLACED)
def test_an_interlaced_clip_is_deinterlaced_and_holds_nothing_of_the_clip_before(
    tmp_path: Path, kind: str
) -> None:
    name, codec, pixels, options, top_first = INTERLACED[kind]
    size = (720, 576)
    first = write(tmp_path / "first.mp4", moving(1, size))
    fields = woven(moving(2, size, 24), top_first)
    second = write(tmp_path / name, fields, codec, pixels, **options)
    with frames.Decoder(timeout=PATIENCE) as decoder:
        before = shown(decoder.read(first, INDICES))
        clip = decoder.read(second, INDICES)
    assert "interlaced: deinterlaced" in clip.notes
    expected, found = through_bwdif(second), shown(clip)
    assert list(found) == INDICES
    assert clip.reason == ""
    for index, picture in found.items():
        if picture.shape != (*size[::-1], 3):  # DV states that its pixels are not square
            picture = cv2.resize(picture.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        assert apart(picture, expected[index]) < 3
        assert apart(picture, before[index]) > 20
        comb = apart(fields[index][::2], fields[index][1::2])
        assert apart(picture[::2], picture[1::2]) < comb / 2


def test_each_interlaced_frame_is_what_the_filter_makes_of_the_whole_clip(
    decoder: frames.Decoder, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "a.mp4", woven(moving(3, (360, 288), 24), True),
        **{"x264-params": "tff=1:log-level=none"},
    )  # fmt: skip
    expected = through_bwdif(path)
    for indices in (list(range(12)), [0], [3], [11]):
        found = shown(decoder.read(path, indices))
        assert list(found) == indices
        for index, picture in found.items():
            np.testing.assert_array_equal(picture, expected[index])


def test_a_frame_that_cannot_be_converted_is_no_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the others are still there, each its own."""
    path, other = (
        write(tmp_path / f"{seed}.mp4", moving(seed, (96, 64))) for seed in (1, 2)
    )  # fmt: skip
    plain = {index: data for _, (index, data) in answers(path, INDICES)}
    assert list(plain) == INDICES
    real, calls = viewing.VideoReformatter, []

    class Failing:
        def reformat(self, *arguments, **options):
            calls.append(arguments)
            if len(calls) == 2:
                raise av.error.InvalidDataError(22, "refused")
            return real().reformat(*arguments, **options)

    list(answers(other, INDICES))
    monkeypatch.setattr(viewing, "VideoReformatter", Failing)
    ending = {"done": "", "fps": 0.0}
    found = {index: data for _, (index, data) in answers(path, INDICES, ending)}
    assert found == {index: plain[index] for index in (0, 11)}
    assert ending["done"] == "frame 5 cannot be decoded"


def answers(
    path: Path, indices: list[int] | sampling.Spread, ending: dict | None = None
) -> Iterator[tuple[dict, tuple[int, bytes]]]:
    ending = {"done": ""} if ending is None else ending
    for head, data in decoding._decode(str(path), indices, "png", 95, ending):
        yield head, (head["frame"], data)


def quarters() -> np.ndarray:
    """White at the top left, grey at the top right, black below; no turn leaves it as it is."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :48], picture[:32, 48:] = 250, 120
    return picture


@pytest.mark.parametrize(
    ("matrix", "change"),
    [
        ((1, 0, 0, 1), lambda p: p),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
        ((1, 0, 0, -1), lambda p: p[::-1]),
        ((-1, 0, 0, -1), lambda p: p[::-1, ::-1]),
        ((0, 1, -1, 0), lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE)),
        ((0, -1, 1, 0), lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE)),
        ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda p: p[::-1, ::-1].transpose(1, 0, 2)),
    ],
)
def test_the_whole_display_matrix_is_applied(
    decoder: frames.Decoder, tmp_path: Path, matrix: tuple[int, ...], change
) -> None:
    path = write(tmp_path / "a.mp4", [quarters()] * 3, matrix=matrix)
    clip = decoder.read(path, [0, 2])
    expected = change(quarters())
    assert (clip.height, clip.width) == expected.shape[:2]
    assert apart(shown(clip)[2], expected) < 3


@pytest.mark.parametrize(
    ("aspect", "width"),
    [((2, 1), 192), ((16, 15), 102), ((8, 9), 85), ((1, 1), 96), ((1, 200), 96)],
)
def test_pixels_that_are_not_square_are_corrected(
    decoder: frames.Decoder, tmp_path: Path, aspect: tuple[int, int], width: int
) -> None:
    for number, matrix in enumerate([None, (0, 1, -1, 0)]):  # a phone's may be turned too
        path = tmp_path / f"{number}.mp4"
        write(path, [quarters()] * 3, aspect=Fraction(*aspect), matrix=matrix)
        clip = decoder.read(path, [0])
        size = (clip.width, clip.height)
        assert (size if matrix is None else size[::-1]) == (width, 64)
        assert any("not square" in note for note in clip.notes) == (width != 96)
    corner = shown(decoder.read(tmp_path / "0.mp4", [0]))[0][:28, : int(0.4 * width)]
    assert corner.min() > 200


@pytest.mark.parametrize("name", ["a.mkv", "a.mov"])
def test_the_moving_track_is_the_video(decoder: frames.Decoder, tmp_path: Path, name: str) -> None:
    pictures = moving(4, (96, 64))
    cover = np.full((200, 200, 3), 99, np.uint8)
    path = write(tmp_path / name, pictures, cover=cover)
    alone = shown(decoder.read(write(tmp_path / f"alone {name}", pictures), INDICES))
    clip = decoder.read(path, INDICES)
    assert (list(clip.frames), clip.reason) == (INDICES, "")
    for index, picture in shown(clip).items():
        np.testing.assert_array_equal(picture, alone[index])


@pytest.mark.parametrize("name", ["song.mkv", "song.mov", "song.mp4"])
@pytest.mark.parametrize("asked", [[0], INDICES, sampling.Spread(1, 3)])
def test_a_song_with_a_cover_is_no_video(
    decoder: frames.Decoder, tmp_path: Path, name: str, asked
) -> None:
    path = write(tmp_path / name, [quarters()], sound=3.0)
    if asked == [0] and name == "song.mkv":
        asked = [0, 1]  # whether a second picture comes, only reading on shows
    clip = decoder.read(path, asked)
    assert (clip.frames, clip.reason) == ({}, "no video track")


def test_one_frame_alone_is_a_video_of_one_frame(decoder: frames.Decoder, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [quarters()])
    assert list(decoder.read(path, INDICES).frames) == [0]
    assert decoder.read(path, INDICES).reason == ""


def test_an_attached_picture_is_no_video(decoder: frames.Decoder, tmp_path: Path) -> None:
    song = tmp_path / "song.m4a"
    with av.open(str(song), "w", format="mp4") as out:
        audio = out.add_stream("aac", rate=8000)
        audio.layout = "mono"
        cover = out.add_stream("mjpeg", rate=RATE)
        cover.height, cover.width, cover.pix_fmt = 64, 96, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(quarters(), format="bgr24")
        frame.pts, frame.time_base = 0, Fraction(1, RATE)
        out.mux(cover.encode(frame.reformat(format="yuvj420p")))
        out.mux(cover.encode(None))
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate, silence.pts, silence.time_base = 8000, 0, Fraction(1, 8000)
        out.mux(audio.encode(silence))
        out.mux(audio.encode(None))
    for asked in ([0], INDICES, sampling.Spread(1, 3)):
        assert decoder.read(song, asked) == frames.Clip(reason="no video track")


def trimmed(path: Path, start: int, count: int) -> None:
    """Make an .mp4's edit list show `count` frames from `start` on; every frame stays in it."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst")
    _, entries = struct.unpack_from(">2I", data, at + 4)
    assert entries == 1
    media = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    movie = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)[0]
    struct.pack_into(">Ii", data, at + 12, movie * count // RATE, media * start // RATE)
    path.write_bytes(data)


@pytest.mark.parametrize(("start", "count"), [(0, 20), (10, 30), (10, 12), (25, 15)])
def test_frames_that_an_edit_list_hides_are_no_loss(
    decoder: frames.Decoder, tmp_path: Path, start: int, count: int
) -> None:
    pictures = [np.full((64, 96, 3), 6 * number, np.uint8) for number in range(40)]
    path = write(tmp_path / "a.mp4", pictures, g="10", bf="0")
    plain = shown(decoder.read(path, list(range(40))))
    trimmed(path, start, count)
    for asked in ([0, 5, 10, 15, 100], sampling.Spread(1, 4)):
        clip = decoder.read(path, asked)
        assert clip.reason == ""
        given = asked.over(count) if isinstance(asked, sampling.Spread) else asked[:-1]
        assert list(clip.frames) == [index for index in given if index < count]
        for index, picture in shown(clip).items():
            np.testing.assert_array_equal(picture, plain[start + index])


def test_sound_that_is_longer_than_the_film_is_no_loss(
    decoder: frames.Decoder, tmp_path: Path
) -> None:
    for name in ("a.mkv", "a.flv", "a.mp4"):
        path = write(tmp_path / name, moving(5, (96, 64)), sound=3.0)
        for asked in ([0, 50], sampling.Spread(1, 4)):
            assert decoder.read(path, asked).reason == ""


def hdr_signal(picture: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """What `hdr.convert` undoes: BT.709 as a 16-bit signal of HLG or PQ, white at the reference."""
    value = picture[..., ::-1] / 255
    if transfer == hdr.PQ:
        light = value**2.4
    else:
        light = np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))
    light = np.clip(light @ np.linalg.inv(np.array(hdr.TO_BT709[primaries])).T, 0, None)
    if transfer == hdr.HLG:
        light = light * 0.2650
        signal = np.where(
            light <= 1 / 12,
            np.sqrt(3 * light),
            0.17883277 * np.log(np.maximum(12 * light - 0.28466892, 1e-9)) + 0.55991073,
        )
    elif transfer == hdr.PQ:
        power = (light * 203 / 10000) ** 0.1593017578125
        signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        signal = np.where(light < 0.018, 4.5 * light, 1.099 * light**0.45 - 0.099)
    return np.rint(np.clip(signal, 0, 1) * 65535).astype(np.uint16)


@pytest.mark.parametrize(
    ("transfer", "primaries"),
    [(hdr.HLG, hdr.BT2020), (hdr.PQ, hdr.BT2020), (hdr.PQ, hdr.P3), (1, hdr.BT2020), (1, hdr.P3)],
)
def test_high_dynamic_range_is_converted_to_what_it_was_made_of(
    transfer: int, primaries: int
) -> None:
    picture = moving(6, (96, 130))[0]
    found = hdr.convert(hdr_signal(picture, transfer, primaries), transfer, primaries)
    assert found.dtype == np.uint8
    knee = 255 * hdr.KNEE if transfer in hdr.NAMES else 256
    dark = picture.max(-1) < knee
    assert dark.mean() > 0.3
    assert np.abs(found.astype(int) - picture)[dark].max() <= 2
    assert (found[~dark] <= picture[~dark].astype(int) + 3).all()


def test_the_anchors_of_bt_2408_and_bt_2100() -> None:
    """Reference white is HLG 75 % and PQ 58 %; what is brighter is never darker than it."""
    for transfer, white in ((hdr.HLG, 0.75), (hdr.PQ, 0.5807)):
        greys = np.rint(65535 * np.array([0, white, 0.9, 1.0])).astype(np.uint16)
        found = hdr.convert(np.repeat(greys, 3).reshape(1, 4, 3), transfer, hdr.BT2020)
        levels = found[0, :, 0].tolist()
        assert levels[0] == 0
        assert abs(levels[1] - 255 * (1 - 0.2 * np.exp(-1))) <= 1  # the knee, at white
        assert levels == sorted(levels)
        assert levels[3] >= 250


@pytest.mark.parametrize("transfer", [hdr.HLG, hdr.PQ])
def test_a_clip_of_high_dynamic_range_is_converted_and_noted(
    decoder: frames.Decoder, tmp_path: Path, transfer: int
) -> None:
    picture = moving(7, (96, 64))[0]
    names = {hdr.HLG: "arib-std-b67", hdr.PQ: "smpte2084"}
    colours = f"colorprim=bt2020:transfer={names[transfer]}:colormatrix=bt2020nc:log-level=none"
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        options = {"x264-params": colours, "crf": "4"}
        stream = out.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv444p10le"
        signal = hdr_signal(picture, transfer, hdr.BT2020)
        frame = av.VideoFrame.from_ndarray(signal, format="rgb48le")
        frame = frame.reformat(
            format="yuv444p10le", dst_colorspace="BT2020", dst_color_range="MPEG"
        )
        frame.pts, frame.time_base = 0, Fraction(1, RATE)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    clip = decoder.read(tmp_path / "a.mkv", [0])
    assert clip.notes == [f"HDR ({hdr.NAMES[transfer]}): converted to BT.709"]
    dark = picture.max(-1) < 255 * hdr.KNEE
    assert np.abs(shown(clip)[0] - picture)[dark].mean() < 4


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_frames_of_a_long_clip_are_sought_and_are_those_of_the_whole(
    decoder: frames.Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The clip is short: what counts as long is set lower."""
    codec = "mpeg4" if name == "a.avi" else "libx264"
    path = write(tmp_path / name, moving(8, (96, 64), 60), codec, g="12")
    spread = sampling.Spread(3, 5)
    whole = decoder.read(path, spread)
    monkeypatch.setattr(decoding, "LONG", 1)
    ending = {"done": ""}
    sought = {
        head["frame"]: data
        for head, data in decoding._decode(str(path), spread, "png", 95, ending)
        if "frame" in head
    }
    assert ending["done"] == ""
    assert sought == whole.frames


def test_where_no_key_frame_lies_between_frames_the_clip_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.mp4", moving(8, (96, 64), 60), g="1000", keyint_min="1000")
    monkeypatch.setattr(decoding, "LONG", 1)
    counted = []
    real = video.Video._frames

    def counting(self: video.Video) -> Iterator[av.VideoFrame]:
        for frame in real(self):
            counted.append(frame.pts)
            yield frame

    monkeypatch.setattr(video.Video, "_frames", counting)
    found = [index for _, (index, _) in answers(path, sampling.Spread(3, 5))]
    assert found == [6, 18, 30, 42, 54]
    assert len(counted) == 55


def test_when_each_frame_is_shown_and_how_long_the_clip_is(
    decoder: frames.Decoder, tmp_path: Path
) -> None:
    clip = decoder.read(write(tmp_path / "a.mp4", moving(9, (96, 64), 50)), [0, 10, 40])
    assert clip.times == {0: 0.0, 10: 0.4, 40: 1.6}
    assert clip.seconds == 2.0


FIELD = {
    "interlaced_h264.mp4": ([0, 10, 20, 30, 40, 50, 60], (360, 288), ["interlaced: deinterlaced"]),
    "mirrored_by_display_matrix.mp4": ([0, 10, 20, 30, 40, 50, 60], (360, 288), []),
    "trimmed_by_edit_list.mp4": ([0, 10, 20, 30, 40], (360, 288), []),
    "hdr_hlg_10bit.mp4": (
        [0, 10, 20, 30, 40, 50, 60], (360, 288), ["HDR (HLG): converted to BT.709"],
    ),
    "pixels_2_to_1.mp4": (
        [0, 10, 20, 30, 40, 50, 60], (360, 288), ["pixels not square: widened by 2"],
    ),
    "cover_track_first.mkv": ([0, 10, 20, 30, 40, 50, 60], (360, 288), []),
}  # fmt: skip


@clips.real_clips
@pytest.mark.parametrize("name", FIELD)
def test_files_that_were_read_wrongly(decoder: frames.Decoder, name: str) -> None:
    path = clips.real_root().parent / "field" / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    (original,) = clips.real_root().rglob("original_sequences/**/000.mp4")
    indices, size, notes = FIELD[name]
    clip = decoder.read(path, [0, 10, 20, 30, 40, 50, 60])
    assert (list(clip.frames), clip.reason) == (indices, "")
    assert ((clip.width, clip.height), clip.notes) == (size, notes)
    first = round(RATE * 1.3) + 1 if "trimmed" in name else 0
    plain = shown(decoder.read(original, [index + first for index in indices]))
    for index, picture in shown(clip).items():
        assert apart(picture, plain[index + first]) < (8 if "hdr" in name else 4)
