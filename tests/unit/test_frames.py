"""Tests of taking frames out of videos, good, broken and hostile ones."""

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from deepfake.core import tables
from deepfake.preprocessing import decoding, frames, sampling
from deepfake.workflow import config
from tests import zoo
from tests.unit import clips

PATIENCE = 60  # seconds until a test that waits for something gives up
BUSY = [0] * 2_000_000  # indices that keep a decoder at work for minutes


@pytest.fixture(scope="module")
def decoder() -> Iterator[frames.Decoder]:
    with frames.Decoder(timeout=PATIENCE) as one:
        yield one


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames, each of a grey level of its own, lossless."""
    return clips.write_video(tmp_path_factory.mktemp("clip") / "grey.avi", clips.grey(40))


def levels(clip: frames.Clip) -> dict[int, int]:
    """The one grey level of each frame."""
    found = {}
    for index, data in clip.frames.items():
        (found[index],) = np.unique(clips.picture(data)).tolist()
    return found


def test_indices_are_multiples_of_every() -> None:
    assert sampling.wanted(30, 7) == [0, 30, 60, 90, 120, 150, 180]
    assert sampling.wanted(1, 3) == [0, 1, 2]


@pytest.mark.parametrize("most", [1, 2, 7, 50])
@pytest.mark.parametrize("every", [1, 7, 30])
@pytest.mark.parametrize("length", [0, 1, 2, 29, 30, 31, 209, 210, 211, 5000])
def test_a_spread_lies_evenly_over_the_whole_clip(length: int, every: int, most: int) -> None:
    found = sampling.wanted(every, most, "whole").over(length)
    assert len(found) == min(most, max(1, length // every), length)
    edges = [0, *found, length - 1]
    assert edges == sorted(edges) or not length
    apart = np.diff(found)
    assert len(apart) == 0 or (apart.min() >= every and np.ptp(apart) <= 1)
    if found:  # the ends are half as far away
        part = length / len(found)
        assert abs(found[0] - part / 2) <= 1 >= abs(length - found[-1] - part / 2)


@pytest.mark.parametrize("indices", [[0], [7], [0, 1, 2], [0, 10, 20, 30], [5, 39], [39]])
def test_exactly_the_wanted_frames_are_taken(
    decoder: frames.Decoder, sample: Path, indices: list[int]
) -> None:
    clip = decoder.read(sample, indices)
    assert levels(clip) == {index: clips.STEP * index for index in indices}
    assert (clip.reason, clip.width, clip.height, clip.fps) == ("", 64, 48, 25.0)


@pytest.mark.parametrize(
    ("codec", "name"), [("mp4v", "a.mp4"), ("MJPG", "a.avi"), ("FFV1", "a.mkv")]
)
def test_png_frames_hold_what_the_decoder_gave(
    decoder: frames.Decoder, tmp_path: Path, codec: str, name: str
) -> None:
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(12)]
    path = clips.write_video(tmp_path / name, noise, codec)
    decoded = clips.read_video(path)
    clip = decoder.read(path, [0, 5, 11])
    assert list(clip.frames) == [0, 5, 11]
    for index, data in clip.frames.items():
        np.testing.assert_array_equal(clips.picture(data), decoded[index])


def test_jpeg_frames_are_of_the_set_quality(sample: Path) -> None:
    decoded = clips.read_video(sample)[10]
    for quality in (95, 40):
        with frames.Decoder("jpeg", quality, PATIENCE) as decoder:
            data = decoder.read(sample, [10]).frames[10]
        assert (
            data == cv2.imencode(".jpg", decoded, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        )


def test_frames_past_a_short_videos_end_are_no_loss(decoder: frames.Decoder, sample: Path) -> None:
    clip = decoder.read(sample, sampling.wanted(15, 7))
    assert (list(clip.frames), clip.reason) == ([0, 15, 30], "")


def test_a_spread_takes_the_frames_of_the_whole_clip(decoder: frames.Decoder, sample: Path) -> None:
    for every, most, indices in ((5, 4, [5, 15, 25, 35]), (30, 7, [20]), (1, 3, [6, 20, 33])):
        clip = decoder.read(sample, sampling.Spread(every, most))
        assert levels(clip) == {index: clips.STEP * index for index in indices}
        assert (clip.reason, clip.fps) == ("", 25.0)


@pytest.mark.parametrize("size", [(63, 47), (17, 3), (1, 1), (320, 8)])
def test_any_size_is_kept(decoder: frames.Decoder, tmp_path: Path, size: tuple[int, int]) -> None:
    path = clips.write_video(tmp_path / "odd.avi", clips.grey(2, size), "MJPG")
    clip = decoder.read(path, [0, 1])
    assert (list(clip.frames), clip.width, clip.height) == ([0, 1], *size)
    assert clips.picture(clip.frames[1]).shape == (size[1], size[0], 3)


def test_a_video_turned_by_its_metadata_is_turned(decoder: frames.Decoder, tmp_path: Path) -> None:
    """The upper half is bright; shown turned clockwise, that is the right half."""
    half = np.zeros((48, 64, 3), np.uint8)
    half[:24] = 200
    path = clips.write_video(tmp_path / "phone.mp4", [half] * 3, "mp4v")
    upright = decoder.read(path, [0])
    assert (upright.width, upright.height) == (64, 48)
    clips.rotate_by_metadata(path)
    clip = decoder.read(path, [0])
    turned = clips.picture(clip.frames[0])
    assert (clip.width, clip.height) == (48, 64)
    assert turned[:, 28:].mean() > 150
    assert turned[:, :20].mean() < 50


@pytest.mark.parametrize(
    "name",
    ["two words.avi", "it's \"quoted\".avi", "frame%03d.avi", "видео_顔é.avi", "-i.avi",
     "$(x)`y`.avi", "http:x.avi", "a|b;c&d.avi", "concat:x.avi", "*?[a].avi", "a\\b.avi", "pipe:0"],
)  # fmt: skip
def test_any_name_is_only_a_name(
    decoder: frames.Decoder,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    shutil.copy(sample, tmp_path / name)
    monkeypatch.chdir(tmp_path)  # a relative name is the hardest case
    assert levels(decoder.read(name, [0, 2])) == {0: 0, 2: 2 * clips.STEP}


ANIMALS = {animal.name: animal for animal in zoo.FILES + zoo.OTHERS}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of noise to make the zoo's animals from."""
    random = np.random.default_rng(2)
    noise = [random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(22)]
    folder = tmp_path_factory.mktemp("good")
    return clips.write_video(folder / "good.mp4", noise, "mp4v")


@pytest.mark.parametrize("name", ANIMALS)
def test_every_animal_of_the_zoo_gives_its_frames_or_a_reason(
    decoder: frames.Decoder, good: Path, name: str
) -> None:
    animal = ANIMALS[name]
    animal.make(good.parent / name, good)
    clip = decoder.read(good.parent / name, zoo.INDICES)
    taken = len(clip.frames)
    assert list(clip.frames) == zoo.INDICES[:taken]
    assert taken or clip.reason
    if animal.frames is not None:
        assert taken == animal.frames
        assert re.search(animal.reason, clip.reason) if animal.reason else not clip.reason
    over = decoder.read(good.parent / name, sampling.Spread(7, 3))
    assert over.frames or over.reason
    assert bool(over.frames) == bool(taken)
    assert list(decoder.read(good, zoo.INDICES).frames) == zoo.INDICES


def test_a_photo_under_a_videos_name_is_no_video_of_one_frame(
    decoder: frames.Decoder, tmp_path: Path
) -> None:
    for ending in (".png", ".jpg", ".webp", ".bmp", ".tiff"):
        picture = cv2.imencode(ending, np.full((48, 64, 3), 99, np.uint8))[1].tobytes()
        for name in ("photo.mp4", f"photo{ending}", f"photo%02d{ending}"):
            (tmp_path / name).write_bytes(picture)
            (tmp_path / name.replace("%02d", "00")).write_bytes(picture)
            assert decoder.read(tmp_path / name, [0]) == frames.Clip(reason=zoo.OPENED)


def test_a_video_that_takes_too_much_memory_is_given_up_and_the_next_is_read(
    sample: Path, tmp_path: Path
) -> None:
    zoo.write_avi(tmp_path / "large.avi", [zoo.png(np.zeros((6000, 6000), np.uint8))], (64, 48))
    reasons = set()
    for memory in range(100, 400, 50):
        with frames.Decoder(timeout=PATIENCE, memory=memory << 20) as decoder:
            clip = decoder.read(tmp_path / "large.avi", [0])
            if not clip.frames:
                reasons.add(re.sub(r"\d+ MB", "MB", clip.reason))
            assert list(decoder.read(sample, [0, 9]).frames) == [0, 9]
    assert reasons <= {
        "decoding takes more than MB of memory",
        "no frame can be decoded",
        "frame 0 cannot be decoded",
    }
    assert "decoding takes more than MB of memory" in reasons


def test_a_decoders_own_memory_does_not_grow_with_the_nodes_cores(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NumPy's BLAS reserves memory for each; on a large node that alone would be the limit."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with frames.Decoder(timeout=PATIENCE, memory=150 << 20) as decoder:
        assert list(decoder.read(sample, [0, 9]).frames) == [0, 9]


def test_frames_that_would_fill_the_memory_are_left_out_with_a_reason(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = {"done": "", "fps": 0.0}
    monkeypatch.setattr(decoding, "most_bytes", lambda count: 300)
    found = list(decoding._decode(str(sample), [0, 1, 2, 3], "png", 95, ending))
    assert 0 < len(found) < 4
    assert sum(len(data) for _, data in found) <= 300
    assert ending["done"] == "its frames take more than 0 MB"


def test_a_path_that_no_file_can_have_gives_a_reason(decoder: frames.Decoder) -> None:
    assert decoder.read("a\0b.mp4", [0]).reason == "cannot be read: embedded null byte"


def test_an_mp4_without_its_index_gives_a_reason(decoder: frames.Decoder, tmp_path: Path) -> None:
    path = clips.write_video(tmp_path / "cut.mp4", clips.grey(40), "mp4v")
    data = path.read_bytes()
    for share in (0.01, 0.2, 0.5, 0.8):
        path.write_bytes(data[: int(share * len(data))])
        assert decoder.read(path, [0, 10]) == frames.Clip(reason="cannot be opened as a video")
    path.write_bytes(data.replace(b"moov", b"xxxx"))
    assert decoder.read(path, [0, 10]) == frames.Clip(reason="cannot be opened as a video")


@pytest.mark.parametrize(
    ("codec", "name"), [("MJPG", "a.avi"), ("FFV1", "a.avi"), ("FFV1", "a.mkv")]
)
def test_a_video_cut_short_gives_its_first_frames_and_a_reason(
    decoder: frames.Decoder, tmp_path: Path, codec: str, name: str
) -> None:
    random = np.random.default_rng(1)
    noise = [random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(40)]
    path = clips.write_video(tmp_path / name, noise, codec)
    data, indices = path.read_bytes(), [0, 10, 20, 30]
    whole = decoder.read(path, indices)
    assert (list(whole.frames), whole.reason) == (indices, "")
    kept = []
    for share in (0.1, 0.35, 0.5, 0.7):
        path.write_bytes(data[: int(share * len(data))])
        clip = decoder.read(path, indices)
        assert list(clip.frames) == indices[: len(clip.frames)]
        assert len(clip.frames) < 4
        assert clip.reason.startswith(("ends after", "cannot be opened", "no frame"))
        kept.append(len(clip.frames))
    assert kept == sorted(kept)
    assert kept[-1] > 1


def test_a_spread_lies_over_the_frames_that_are_there_not_over_those_announced(
    decoder: frames.Decoder, tmp_path: Path
) -> None:
    path = clips.write_video(tmp_path / "cut.mp4", clips.grey(40), "mp4v")
    clips.move_index_to_front(path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2])
    there = len(clips.read_video(path))
    assert 4 < there < 35
    clip = decoder.read(path, sampling.Spread(1, 4))
    assert list(clip.frames) == sampling.Spread(1, 4).over(there)
    assert clip.reason == f"ends after {there} of 40 frames"


@pytest.mark.parametrize("announced", [0, 2, 39, 41, 10**9, 2**32 - 1])
def test_a_spread_does_not_believe_what_a_file_announces(
    decoder: frames.Decoder, tmp_path: Path, announced: int
) -> None:
    """Else a header that says 2 would hide the rest of a clip."""
    path = clips.write_video(tmp_path / "lies.avi", clips.grey(40), "MJPG")
    data = bytearray(path.read_bytes())
    for place in (data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32):
        data[place : place + 4] = announced.to_bytes(4, "little")
    path.write_bytes(data)
    clip = decoder.read(path, sampling.Spread(1, 4))
    assert list(clip.frames) == [5, 15, 25, 35]
    assert clip.reason in ("", f"ends after 40 of {announced} frames")


def test_an_mp4_with_its_index_first_cut_short_gives_a_reason(
    decoder: frames.Decoder, tmp_path: Path
) -> None:
    path = clips.write_video(tmp_path / "download.mp4", clips.grey(40), "mp4v")
    clips.move_index_to_front(path)
    data, indices = path.read_bytes(), [0, 10, 20, 30]
    whole = decoder.read(path, indices)
    assert (list(whole.frames), whole.reason) == (indices, "")
    path.write_bytes(data[: data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2])
    clip = decoder.read(path, indices)
    assert 0 < len(clip.frames) < 4
    assert clip.frames == {index: whole.frames[index] for index in clip.frames}
    assert clip.reason.startswith("ends after ")
    assert clip.reason.endswith(" of 40 frames")


def test_a_request_that_kills_the_child_leaves_the_next_video_well(
    decoder: frames.Decoder, sample: Path
) -> None:
    assert decoder.read(sample, ["no number"]).reason == "the decoder died on it (exit status 1)"
    assert list(decoder.read(sample, [0, 9]).frames) == [0, 9]


def test_a_child_killed_from_outside_leaves_the_next_video_well(
    decoder: frames.Decoder, sample: Path
) -> None:
    """As the kernel does when memory runs out."""
    killed = []

    def kill_decoder() -> None:
        end = time.monotonic() + PATIENCE
        while not killed and time.monotonic() < end:
            for child in psutil.Process().children():
                if "deepfake.preprocessing.decoding" in child.cmdline():
                    child.kill()
                    killed.append(child.pid)

    killer = threading.Thread(target=kill_decoder)
    killer.start()
    clip = decoder.read(sample, BUSY)
    killer.join()
    assert killed
    assert clip.reason == "the decoder died on it (exit status -9)"
    assert list(decoder.read(sample, [0, 9]).frames) == [0, 9]


def test_a_video_that_takes_too_long_is_given_up_and_the_next_is_read(sample: Path) -> None:
    with frames.Decoder(timeout=2) as decoder:
        assert decoder.read(sample, BUSY).reason == "decoding took longer than 2 s"
        decoder._timeout = PATIENCE  # for a start on a busy machine
        assert list(decoder.read(sample, [0, 9]).frames) == [0, 9]


def test_no_child_is_left_behind(sample: Path) -> None:
    before = set(psutil.Process().children())
    with frames.Decoder(timeout=PATIENCE) as decoder:
        decoder.read(sample, [0])
        (child,) = set(psutil.Process().children()) - before
    assert not child.is_running()


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n"
    "http://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile 'http://127.0.0.1:{port}/a.mp4'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation '
    'id="1" bandwidth="1"><BaseURL>http://127.0.0.1:{port}/a.mp4</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
}


@pytest.mark.parametrize("ending", [".mp4", ".m3u8", ".mpd", ".sdp"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_reaches_no_network(
    decoder: frames.Decoder, tmp_path: Path, kind: str, ending: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        (tmp_path / f"list{ending}").write_text(PLAYLISTS[kind].format(port=port))
        clip = decoder.read(tmp_path / f"list{ending}", [0])
        assert (clip.frames, clip.reason) == ({}, "cannot be opened as a video")
        with pytest.raises(BlockingIOError):
            server.accept()


def test_the_script_writes_a_row_a_frame_and_a_row_a_loss(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    videos = [
        {"video_id": "text", "path": str(tmp_path / "text.mp4")},
        {"video_id": "good", "path": str(sample)},
    ]
    settings = config.Frames(every=20, timeout=60).model_dump(mode="json")
    outputs = {"frames": tmp_path / "out/b.tar", "table": tmp_path / "out/b.tsv"}
    params = {"videos": videos, "frames": settings}
    ended = clips.run_script("frames", *clips.job_arguments({}, outputs, params))
    assert ended.returncode == 0, ended.stderr
    rows = tables.read(outputs["table"])
    assert [(row["video_id"], row["frame"], row["reason"]) for row in rows] == [
        ("text", "", "cannot be opened as a video"), ("good", "0", ""), ("good", "20", ""),
    ]  # fmt: skip
    assert (rows[1]["width"], rows[1]["height"], rows[1]["fps"]) == ("64", "48", "25.0")


@clips.real_clips
def test_real_clips_give_seven_frames_each(decoder: frames.Decoder) -> None:
    for path in sorted(clips.real_root().rglob("*.mp4")):
        clip = decoder.read(path, sampling.wanted(10, 7))
        assert (list(clip.frames), clip.reason) == (sampling.wanted(10, 7), "")
        decoded = clips.read_video(path)
        np.testing.assert_array_equal(clips.picture(clip.frames[60]), decoded[60])
