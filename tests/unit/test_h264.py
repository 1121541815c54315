"""Tests of encoding videos again: frames keep their places, and lose what they should."""

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from deepfake.preprocessing import frames, h264
from tests.unit import clips

PATIENCE = 60


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 frames of noise that moves, 64 x 48, lossless."""
    generator = np.random.default_rng(0)
    wide = generator.integers(0, 256, (6, 40, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    noise = generator.integers(-20, 21, (24, 48, 64, 3))
    pictures = [np.clip(wide[:, 4 * n : 4 * n + 64] + noise[n], 0, 255) for n in range(24)]
    return clips.write_video(
        tmp_path_factory.mktemp("clip") / "moving.mkv", [p.astype(np.uint8) for p in pictures]
    )


def error(ours: list[np.ndarray], theirs: list[np.ndarray]) -> list[float]:
    """Mean square of the difference of each two frames."""
    pairs = zip(ours, theirs, strict=True)
    return [float(((a.astype(float) - b) ** 2).mean()) for a, b in pairs]


def test_a_larger_factor_loses_more_and_no_frame_changes_its_place(sample, tmp_path):
    copies, reason = h264.encode(sample, [18, 30, 45], None, tmp_path, PATIENCE)
    assert (list(copies), reason) == ([18, 30, 45], "")
    before = clips.read_video(sample)
    lost = []
    for copy in copies.values():
        after = clips.read_video(copy)
        for number, frame in enumerate(after):  # nearer to its own than to any other
            assert np.argmin(error(before, [frame] * len(before))) == number
        lost.append(np.mean(error(before, after)))
    assert lost == sorted(lost)
    assert lost[2] > 2 * lost[0]
    sizes = [copy.stat().st_size for copy in copies.values()]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("name", ["s00_s01", "s02_s03"])
def test_the_same_clip_gives_the_same_frames_whatever_memory_held_before(
    demo_clips, tmp_path, monkeypatch, name
):
    found = []
    for filled in ("1", "165"):
        monkeypatch.setenv("MALLOC_PERTURB_", filled)
        copies, _ = h264.encode(demo_clips / "fake" / f"{name}.mp4", [40], None, tmp_path, PATIENCE)
        found.append(clips.read_video(copies[40]))
        copies[40].unlink()
    np.testing.assert_array_equal(*found)


def test_only_the_frames_that_are_wanted_are_encoded(sample, tmp_path):
    copies, _ = h264.encode(sample, [23], 9, tmp_path, PATIENCE)
    assert len(clips.read_video(copies[23])) == 10


def test_odd_sides_lose_a_line_and_the_frame_rate_stays(tmp_path):
    path = clips.write_video(tmp_path / "odd.avi", clips.grey(5, (63, 47)), "MJPG")
    copies, reason = h264.encode(path, [23], None, tmp_path, PATIENCE)
    with frames.Decoder(timeout=PATIENCE) as decoder:
        clip = decoder.read(copies[23], [0, 4])
    assert (reason, clip.reason, list(clip.frames)) == ("", "", [0, 4])
    assert (clip.width, clip.height, clip.fps) == (62, 46, 25.0)


def test_a_turned_video_is_encoded_upright(tmp_path):
    path = clips.write_video(tmp_path / "phone.mp4", clips.grey(3, (64, 48)), "mp4v")
    clips.rotate_by_metadata(path)
    copies, _ = h264.encode(path, [23], None, tmp_path, PATIENCE)
    with frames.Decoder(timeout=PATIENCE) as decoder:
        clip = decoder.read(copies[23], [0])
    assert (clip.width, clip.height) == (48, 64)


@pytest.mark.parametrize(
    "name", ["two words.mkv", "it's $(x).mkv", "-i.mkv", "é顔.mkv", "a|b;c.mkv"]
)
def test_any_name_is_only_a_name(sample, tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(sample.read_bytes())
    monkeypatch.chdir(tmp_path)
    copies, reason = h264.encode(name, [40], 3, tmp_path, PATIENCE)
    assert (list(copies), reason) == ([40], "")


def test_what_cannot_be_encoded_has_a_reason_and_no_copy(tmp_path, sample):
    (tmp_path / "no video.mp4").write_bytes(b"no video")
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{sample}\n")
    dot = clips.write_video(tmp_path / "dot.avi", clips.grey(2, (1, 1)), "MJPG")
    for path in (tmp_path / "no video.mp4", playlist, dot):
        copies, reason = h264.encode(path, [23, 40], None, tmp_path, PATIENCE)
        assert copies == {}
        assert reason.startswith("cannot be encoded as H.264: ")
    assert not list(tmp_path.glob("crf*.mkv"))


def test_copies_that_were_whole_before_the_time_was_up_are_kept(sample, tmp_path, monkeypatch):
    """An encoder that writes one copy and then hangs."""
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\necho whole > '{tmp_path}/crf23.mkv'\nexec sleep 600\n")
    stand_in.chmod(stat.S_IRWXU)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    copies, reason = h264.encode(sample, [23, 40], None, tmp_path, 0.5)
    assert list(copies) == [23]
    assert reason == "encoding took longer than 0.5 s"


def test_an_encoder_that_dies_is_told(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert h264.encode(sample, [23], None, tmp_path, PATIENCE) == (
        {}, "the encoder died on it (exit status 1)",
    )  # fmt: skip


def test_the_encoder_has_a_limit_of_memory(sample, tmp_path, monkeypatch):
    """A frame that takes more than it may have ends that video and nothing else."""
    code = "import deepfake.preprocessing.h264 as r; r.ENCODER_BYTES = 150 << 20; r._serve()"
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}'\n")
    stand_in.chmod(stat.S_IRWXU)
    large = clips.write_video(tmp_path / "large.avi", clips.grey(3, (2000, 2000)), "MJPG")
    monkeypatch.setattr(sys, "executable", str(stand_in))
    copies, reason = h264.encode(large, [23], None, tmp_path, PATIENCE)
    assert copies == {}
    assert reason
    assert os.path.exists(large)


@pytest.mark.parametrize("limit", ["full", "gone"])
def test_a_folder_without_room_is_an_error_of_the_job_and_not_of_the_video(
    sample, tmp_path, monkeypatch, limit
):
    folder = tmp_path / "copies"
    if limit == "full":
        folder.mkdir()
        code = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (4096, 4096)); "
        code += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        code += "import deepfake.preprocessing.h264 as c; c._serve()"
        stand_in = tmp_path / "python"
        stand_in.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}'\n")
        stand_in.chmod(stat.S_IRWXU)
        monkeypatch.setattr(sys, "executable", str(stand_in))
    with pytest.raises(OSError, match=f"cannot write copies of videos to {folder}"):
        h264.encode(sample, [0], None, folder, PATIENCE)


def test_colours_are_kept_by_a_good_encoding(tmp_path):
    """Not darkened by a careless rounding of what becomes luma and chroma."""
    pictures = [np.full((64, 64, 3), (60, 128, 200), np.uint8)] * 5
    path = clips.write_video(tmp_path / "flat.mkv", pictures)
    copies, _ = h264.encode(path, [1], None, tmp_path, PATIENCE)
    mean = np.mean(clips.read_video(copies[1]), axis=(0, 1, 2))
    np.testing.assert_allclose(mean, (60, 128, 200), atol=2)
