"""Tests of what is done to clips: each perturbation does what its name says, and nothing else."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from deepfake.preprocessing import frames, h264, perturb, sampling
from deepfake.preprocessing.perturbations import registry
from deepfake.workflow import config_robustness
from tests.unit import clips

PATIENCE = 60
PNG = ("png", 95)
ALL = [("crf", 23), ("crf", 40), ("scale", 0.5), ("brightness", 2.0), ("mirror", 1)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames of coloured squares, lossless."""
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
    return clips.write_video(
        tmp_path_factory.mktemp("clip") / "squares.mkv",
        list(small.repeat(8, axis=1).repeat(8, axis=2)),
    )


def change(picture: np.ndarray, name: str, strength: float) -> np.ndarray:
    return registry.ALL[name].frame(picture, strength)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (47, 64, 3), dtype=np.uint8)


def perturbed(path: Path, indices, perturbations=ALL, encoding=PNG) -> dict:
    """Each perturbation's clip."""
    with frames.Decoder(timeout=PATIENCE) as decoder:
        return dict(perturb.clips(str(path), indices, perturbations, decoder, PATIENCE, encoding))


def test_the_configuration_names_every_perturbation_in_order():
    settings = config_robustness.Robustness(scale=[0.5], brightness=[2, 0.5], crf=[]).model_dump()
    assert registry.requested(settings) == [
        ("scale", 0.5), ("brightness", 2.0), ("brightness", 0.5), ("mirror", 1),
    ]  # fmt: skip
    default = config_robustness.Robustness().model_dump()
    names = [name for name, _ in registry.requested(default)]
    assert list(dict.fromkeys(names)) == ["crf", "scale", "brightness", "mirror"]


def test_only_the_modules_of_what_is_asked_for_are_part_of_a_result():
    settings = config_robustness.Robustness(scale=[0.5, 0.25], brightness=[], crf=[]).model_dump()
    assert registry.modules(settings) == [
        "preprocessing.perturbations.scale", "preprocessing.perturbations.mirror",
    ]  # fmt: skip


def test_a_mirrored_picture_is_itself_in_a_mirror(picture):
    once = change(picture, "mirror", 1)
    np.testing.assert_array_equal(once[:, 0], picture[:, -1])
    np.testing.assert_array_equal(change(once, "mirror", 1), picture)


def test_a_scaled_picture_has_a_share_of_the_sides(picture):
    assert change(picture, "scale", 0.5).shape == (24, 32, 3)
    assert change(picture, "scale", 2).shape == (94, 128, 3)
    assert change(picture[:3, :3], "scale", 0.05).shape == (1, 1, 3)
    flat = np.full((40, 40, 3), 77, np.uint8)
    assert (change(flat, "scale", 0.25) == 77).all()


@pytest.mark.parametrize(("factor", "levels"), [(2.0, [0, 200, 255]), (0.5, [0, 50, 128])])
def test_brightness_multiplies_and_stops_at_white(factor, levels):
    grey = np.array([[[0] * 3, [100] * 3, [255] * 3]], np.uint8)
    assert change(grey, "brightness", factor)[0, :, 0].tolist() == levels


def test_every_perturbation_gives_the_same_frames_changed(sample):
    found = perturbed(sample, [0, 5, 11, 16])
    decoded = clips.read_video(sample)
    assert list(found) == ALL
    for (name, strength), clip in found.items():
        assert (list(clip.frames), clip.reason, clip.fps) == ([0, 5, 11], "", 25.0)
        for index, data in clip.frames.items():
            if name == "crf":
                assert clips.picture(data).shape == decoded[index].shape
                assert not np.array_equal(clips.picture(data), decoded[index])
            else:
                np.testing.assert_array_equal(
                    clips.picture(data), change(decoded[index], name, strength)
                )


def test_frames_are_kept_as_the_run_keeps_them(sample):
    """In JPEG after the perturbation, not before it."""
    found = perturbed(sample, [3], encoding=("jpeg", 60))
    frame = clips.read_video(sample)[3]
    for name, strength in (("mirror", 1), ("scale", 0.5)):
        changed = change(frame, name, strength)
        jpeg = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
        assert found[name, strength].frames[3] == jpeg
    encoded = clips.picture(perturbed(sample, [3])["crf", 40].frames[3])
    jpeg = cv2.imencode(".jpg", encoded, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    assert found["crf", 40].frames[3] == jpeg


def test_a_spread_is_laid_over_the_whole_copy(sample):
    found = perturbed(sample, sampling.wanted(3, 4, "whole"))
    assert {tuple(clip.frames) for clip in found.values()} == {(1, 4, 7, 10)}


def test_a_broken_video_has_its_reason_under_every_perturbation(tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    found = perturbed(tmp_path / "empty.mp4", [0])
    assert [(clip.frames, clip.reason) for clip in found.values()] == [
        ({}, "the file is empty")
    ] * len(ALL)


def test_a_video_that_is_cut_short_keeps_its_reason(tmp_path, sample):
    """In copies too, which announce no more frames than they have."""
    cut = tmp_path / "cut.avi"
    whole = clips.write_video(tmp_path / "whole.avi", clips.read_video(sample), "MJPG")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    found = perturbed(cut, [0, 3, 11])
    reasons = {clip.reason for clip in found.values()}
    assert len(reasons) == 1
    assert reasons.pop()
    assert {tuple(clip.frames) for clip in found.values()} == {(0, 3)}


def test_a_copy_that_cannot_be_made_is_a_clip_without_frames(sample, monkeypatch):
    monkeypatch.setattr(h264, "encode", lambda *_: ({}, "cannot be encoded as H.264: no reason"))
    found = perturbed(sample, [0])
    assert found["crf", 23].reason == "cannot be encoded as H.264: no reason"
    assert not found["crf", 23].frames
    assert found["mirror", 1].frames
    assert not found["mirror", 1].reason
