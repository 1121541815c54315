"""Following the face of a clip: what ends a stretch, and how long one must be."""

import numpy as np
import pytest

from benchmarks import moving_portrait
from deepfake.person import following, mesh, mesh_file, record, stream, windows
from deepfake.preprocessing.detector import Face
from tests.unit.clips import grey, real_clips, real_root, write_video

RATE = 12.5
BOX = (97, 87, 152, 194)  # of the face in a portrait, about as the detector gives it


class Detector:
    """Finds, in pictures of the portrait's size, what a test says."""

    def __init__(self, boxes=lambda picture: [BOX]) -> None:
        self._boxes, self.calls = boxes, 0

    def detect(self, frames):
        self.calls += 1
        return [[Face(box, 0.99) for box in self._boxes(frames[0])]]


@pytest.fixture(scope="module")
def face_mesh():
    return mesh.FaceMesh(mesh_file.find())


@pytest.fixture(scope="module")
def still():
    """A picture of the portrait."""
    return next(moving_portrait.pictures(0, 0, np.zeros(1)))


def followed(face_mesh, pictures, detector=None, rate=RATE):
    timed = ((number / rate, picture) for number, picture in enumerate(pictures))
    return following.Follower(detector or Detector(), face_mesh).follow(timed)


def test_a_face_is_followed_from_one_detection_a_second(face_mesh):
    detector = Detector()
    found = followed(face_mesh, moving_portrait.pictures(0, 0, np.arange(38) / RATE), detector)
    (stretch,) = found.stretches
    assert (len(stretch.times), stretch.ending, found.share) == (38, "", 1.0)
    assert detector.calls == 3  # at 0, 1.04 and 2.08 s
    assert 28 < found.unit < 40
    assert np.ptp(stretch.signals(), axis=0).min() > 0


def test_a_cut_ends_a_stretch_and_the_face_is_looked_for_at_once(face_mesh, still):
    darker = (still[:, ::-1] * 0.6).astype(np.uint8)
    found = followed(face_mesh, [still] * 7 + [darker] * 7)
    assert [(len(one.times), one.ending) for one in found.stretches] == [(7, "cut"), (7, "")]
    assert found.endings() == "cut: 1"


def test_two_people_are_no_stretch(face_mesh, still):
    both = np.hstack([still, still])
    boxes = [BOX, (BOX[0] + still.shape[1], *BOX[1:])]
    found = followed(face_mesh, [both] * 8, Detector(lambda picture: boxes))
    assert found.stretches == []
    assert found.several > 1
    row, _, _ = record.of_video("v", found, stream.Ending())
    assert row["reason"] == "too short: more than one face in it"


def test_a_second_person_ends_a_stretch_but_not_a_small_face_behind(face_mesh, still):
    calls = []

    def boxes(picture):
        calls.append(picture)
        small = (0, 0, 60, 70)
        return [BOX, small] if len(calls) == 1 else [BOX, (0, 0, 90, 120)]

    found = followed(face_mesh, [still] * 20, Detector(boxes))
    (stretch,) = found.stretches
    assert (len(stretch.times), stretch.ending) == (13, "more than one face")


def test_a_lost_face_ends_a_stretch(face_mesh, still):
    blank = np.full_like(still, int(still.mean()))
    fading = [
        (still * (1 - part) + blank * part).astype(np.uint8) for part in np.linspace(0, 1, 25)
    ]
    found = followed(face_mesh, fading + [blank] * 5, Detector(lambda picture: []))
    assert found.stretches == []
    boxes = iter([[BOX], *[[]] * 100])
    found = followed(face_mesh, fading + [blank] * 5, Detector(lambda picture: next(boxes)))
    (stretch,) = found.stretches
    assert stretch.ending == "face lost"
    assert len(stretch.times) < 27
    assert found.share < 1


def test_a_face_that_is_somewhere_else_is_another_one(face_mesh, still):
    places = iter([[BOX], *[[(0, 0, 60, 60)]] * 100])
    found = followed(face_mesh, [still] * 14, Detector(lambda picture: next(places)))
    assert found.stretches[0].ending == "face lost"
    assert len(found.stretches[0].times) == 13


def test_missing_pictures_end_a_stretch(face_mesh, still):
    times = [0, 0.08, 0.16, 0.42, 0.5]
    found = following.Follower(Detector(), face_mesh).follow((time, still) for time in times)
    assert [len(one.times) for one in found.stretches] == [3, 2]
    assert found.stretches[0].ending == "pictures missing"


def test_of_a_fast_video_pictures_are_left_out(face_mesh, still):
    found = followed(face_mesh, [still] * 24, rate=60)
    assert found.pictures == 12


@pytest.mark.parametrize(("frames", "count"), [(124, 0), (125, 1), (137, 1), (138, 2)])
def test_a_window_takes_ten_seconds(frames, count):
    """9.92, 10, 10.96 and 11.04 seconds at 12.5 frames a second."""
    assert len(windows.starts(3 + np.arange(frames) / RATE)) == count


def test_nine_point_nine_seconds_are_too_short(face_mesh, still):
    found = followed(face_mesh, [still] * 99, rate=10)
    row, starts, correlations = record.of_video("v", found, stream.Ending())
    assert (starts, correlations.shape) == ([], (0, 190))
    assert row["reason"] == (
        "too short: one face was followed for 9.9 s at most, a window takes 10 s"
    )


def test_a_variable_frame_rate_gives_nearly_the_same_correlations(face_mesh):
    """The same movements, in every second interval with twice as many pictures."""
    even = np.arange(126) / RATE
    halves = even[:-1][(even[:-1] % 2) < 1] + 0.5 / RATE
    uneven = np.sort(np.r_[even, halves])
    rows = []
    for times in (even, uneven):
        shown = zip(times, moving_portrait.pictures(0, 0, times), strict=True)
        found = following.Follower(Detector(), face_mesh).follow(shown)
        _, starts, correlations = record.of_video("v", found, stream.Ending())
        assert len(starts) == 1
        rows.append(correlations[0])
    assert np.corrcoef(rows)[0, 1] > 0.97
    assert np.abs(rows[0] - rows[1]).mean() < 0.1


def test_the_mesh_of_a_turned_face_is_the_face_turned(face_mesh, still):
    import cv2

    points, flag = face_mesh.points(still, *mesh.place(face_mesh.points(still, BOX)[0]))
    assert flag > 0
    turn = cv2.getRotationMatrix2D((160, 160), -20, 1)
    turned = cv2.warpAffine(still, turn, still.shape[:2])
    place = mesh.place(np.column_stack([points[:, :2] @ turn[:, :2].T + turn[:, 2], points[:, 2]]))
    assert place[1] == pytest.approx(np.deg2rad(20) + mesh.place(points)[1], abs=0.02)
    again, _ = face_mesh.points(turned, *place)
    moved = points[:, :2] @ turn[:, :2].T + turn[:, 2]
    assert np.linalg.norm(again[:, :2] - moved, axis=1).mean() < 3


def test_a_video_is_streamed_and_what_is_wrong_with_it_is_kept(tmp_path):
    clip = write_video(tmp_path / "clip.mkv", grey(20))
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with stream.Stream() as decoder:
        for path, count, reason in (
            (clip, 20, ""),
            (tmp_path / "no.mp4", 0, "cannot be opened as a video"),
            (tmp_path / "gone.mp4", 0, "no such file"),
            (clip, 20, ""),
        ):
            ending = stream.Ending()
            found = list(decoder.pictures(path, ending))
            assert len(found) == count
            assert reason in ending.reason
            assert bool(reason) == bool(ending.reason)
    times, pictures = zip(*found, strict=True)
    assert times == pytest.approx(np.arange(20) / 25)
    assert [round(float(picture.mean()) / 6) for picture in pictures] == list(range(20))


def test_a_long_video_is_cut_off_with_a_note(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MOST_SECONDS", 0.42)
    with stream.Stream() as decoder:
        ending = stream.Ending()
        clip = write_video(tmp_path / "clip.mkv", grey(20))
        assert len(list(decoder.pictures(clip, ending))) == 11
        assert "were used" in ending.reason
        assert len(list(decoder.pictures(clip, stream.Ending()))) == 11  # a new child


def test_a_child_that_dies_is_a_reason(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 240, 320, 3), np.uint8)
    clip = write_video(tmp_path / "clip.mkv", list(noise))  # more than a pipe holds
    with stream.Stream() as decoder:
        ending = stream.Ending()
        pictures = decoder.pictures(clip, ending)
        next(pictures)
        decoder._child.kill()
        list(pictures)
        assert ending.reason.startswith("the decoder died on it")
        assert len(list(decoder.pictures(clip, stream.Ending()))) == 20


@real_clips
def test_real_clips_of_three_seconds_are_too_short(face_mesh):
    from deepfake.preprocessing.detector import Detector as Mtcnn

    clips = sorted(real_root().rglob("*.mp4"))[::10]
    assert clips
    detector = Mtcnn(following.THRESHOLDS)
    with stream.Stream() as decoder:
        for clip in clips:
            ending = stream.Ending()
            found = following.Follower(detector, face_mesh).follow(decoder.pictures(clip, ending))
            row, starts, _ = record.of_video("v", found, ending)
            assert starts == []
            assert row["reason"].startswith("too short: one face was followed for 3.0 s")
            assert found.share == 1
