"""Tests of finding faces and cutting them out, and of the scripts from videos to the matrix."""

import io
import logging
import resource
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from deepfake.core import archive, job, tables
from deepfake.dataset import sheet
from deepfake.features.matrix import Matrix
from deepfake.preprocessing import (
    bounding_boxes,
    face_record,
    faces,
    image_hash,
    image_quality,
    tracking,
)
from deepfake.preprocessing.detector import Detector, DetectorError, Face
from deepfake.workflow import config
from tests.unit import clips

SETTINGS = {
    "choose": "most_confident", "min_confidence": 0.9, "size": 64, "margin": 0.0,
    "resize": "bicubic", "jpeg_quality": None,
}  # fmt: skip
THRESHOLDS = (0.6, 0.7, 0.8)


@pytest.fixture(scope="session")
def detector() -> Detector:
    """Loaded once: that takes seconds."""
    return Detector(THRESHOLDS)


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """RGB, (512, 512, 3), with one face."""
    return data.astronaut()


def png(rgb: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("box", "share", "expected"),
    [
        ((10, 20, 30, 40), 0.0, (10, 20, 30, 40)),
        ((10, 10, 30, 40), 0.1, (7, 6, 36, 48)),
        ((10, 20, 30, 40), 0.1, (7, 16, 36, 44)),
        ((0, 0, 30, 40), 0.1, (0, 0, 33, 44)),
        ((70, 40, 30, 20), 0.5, (55, 30, 45, 30)),
        ((10, 10, 80, 40), 2.0, (0, 0, 100, 60)),
        ((-5, -5, 20, 20), 0.0, (0, 0, 15, 15)),
        ((90, 50, 30, 30), 0.0, (90, 50, 10, 10)),
        ((200, 200, 10, 10), 0.0, (200, 200, 0, 0)),
    ],
)
def test_a_box_grows_on_each_side_and_stays_in_the_frame(
    box: tuple[int, ...], share: float, expected: tuple[int, ...]
) -> None:
    assert bounding_boxes.enlarge(box, share, (60, 100, 3)) == expected


def test_a_crop_of_its_own_size_is_the_pixels_themselves() -> None:
    frame = noise(60, 100)
    np.testing.assert_array_equal(faces.crop(frame, (10, 20, 32, 32), size=32), frame[20:52, 10:42])


def test_a_margin_shows_more_of_the_frame() -> None:
    frame = noise(80, 100)
    cut = faces.crop(frame, (30, 20, 32, 32), size=48, margin=0.25)
    np.testing.assert_array_equal(cut, frame[12:60, 22:70])


def test_a_margin_at_the_border_shows_what_is_there() -> None:
    frame = noise(60, 100)
    cut = faces.crop(frame, (0, 0, 40, 40), size=50, margin=0.25)
    np.testing.assert_array_equal(cut, frame[:50, :50])


@pytest.mark.parametrize("name", ["box", "bilinear", "bicubic", "lanczos"])
def test_a_crop_is_stretched_by_the_named_filter_of_pillow(name: str) -> None:
    frame = noise(60, 100)
    cut = faces.crop(frame, (5, 6, 40, 50), size=32, resize=name)
    how = getattr(Image.Resampling, name.upper())
    expected = Image.fromarray(frame[6:56, 5:45]).resize((32, 32), how)
    np.testing.assert_array_equal(cut, np.asarray(expected))
    assert (cut.shape, cut.dtype) == ((32, 32, 3), np.uint8)


def test_a_jpeg_round_trip_is_of_the_set_quality() -> None:
    frame = noise(64, 64)
    whole = (0, 0, 64, 64)
    plain = faces.crop(frame, whole, size=64)
    losses = []
    for quality in (95, 75, 20):
        cut = faces.crop(frame, whole, size=64, jpeg_quality=quality)
        stored = io.BytesIO()
        Image.fromarray(frame).save(stored, "JPEG", quality=quality)
        np.testing.assert_array_equal(cut, np.asarray(Image.open(stored)))
        losses.append(np.abs(cut.astype(float) - plain).mean())
    assert 0 < losses[0] < losses[1] < losses[2]


SMALL_SURE = Face((0, 0, 10, 10), 0.99)
LARGE_UNSURE = Face((50, 0, 20, 20), 0.95)
LARGE_UNSURE_LEFT = Face((20, 0, 20, 20), 0.95)
LARGE_SURER = Face((80, 0, 40, 10), 0.97)


@pytest.mark.parametrize(
    ("how", "found", "chosen"),
    [
        ("most_confident", [SMALL_SURE, LARGE_UNSURE], SMALL_SURE),
        ("most_confident", [LARGE_UNSURE, SMALL_SURE], SMALL_SURE),
        ("most_confident", [LARGE_UNSURE, LARGE_UNSURE_LEFT], LARGE_UNSURE_LEFT),
        ("most_confident", [LARGE_UNSURE_LEFT, LARGE_UNSURE], LARGE_UNSURE_LEFT),
        ("largest", [SMALL_SURE, LARGE_UNSURE], LARGE_UNSURE),
        ("largest", [SMALL_SURE, LARGE_UNSURE, LARGE_SURER], LARGE_SURER),
        ("largest", [LARGE_UNSURE, LARGE_UNSURE_LEFT], LARGE_UNSURE_LEFT),
        ("largest", [LARGE_UNSURE_LEFT, LARGE_UNSURE], LARGE_UNSURE_LEFT),
        ("most_confident", [], None),
        ("largest", [], None),
    ],
)
def test_the_face_of_a_frame(how: str, found: list, chosen: Face | None) -> None:
    assert faces.choose(found, how) == chosen


def test_faces_of_a_frame_come_with_the_most_confident_first(
    detector: Detector, portrait: np.ndarray
) -> None:
    (found,) = detector.detect([np.tile(portrait[:256, 96:352], (2, 2, 1))])
    assert len(found) == 4
    sure = [face.confidence for face in found]
    assert sure == sorted(sure, reverse=True)


def test_the_detector_keeps_the_order_of_equal_scores(detector: Detector) -> None:
    """Its own sort did not, so the boxes that survived depended on the length of the list."""
    from mtcnn.utils import bboxes  # the detector's module sets TensorFlow up first

    scores = np.tile(np.array([0.9, 0.5], np.float32), 500)
    order = bboxes.sort_by_scores(np.arange(1000), scores, ascending=False)
    np.testing.assert_array_equal(order, [*range(0, 1000, 2), *range(1, 1000, 2)])


def test_the_detector_sees_the_numbers_that_its_networks_were_trained_on(
    detector: Detector,
) -> None:
    from mtcnn.utils import images

    levels = np.arange(256, dtype=np.uint8)
    seen = images.normalize_images(levels).numpy()
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, (levels.astype(np.float64) - 127.5) / 128)


def test_the_first_network_gives_what_its_package_gives(
    detector: Detector, portrait: np.ndarray
) -> None:
    """Its activations are ours, since they took half of the time."""
    from mtcnn.stages import StagePNet
    from mtcnn.utils import images

    pixels = images.normalize_images(portrait[None, :200, 100:401])
    ours = detector._mtcnn.get_stage(stage_id=1).model
    for given, expected in zip(ours(pixels), StagePNet().model(pixels), strict=True):
        assert given.numpy().tobytes() == expected.numpy().tobytes()


def test_the_detectors_process_does_not_fetch_the_memory_of_each_array_anew(
    detector: Detector,
) -> None:
    def fetched() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.ones(64 << 20, np.uint8)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    fetched()
    assert fetched() < 32  # pages; huge ones would be 32, the usual ones 16,384


def test_a_face_above_the_bound_is_found_as_without_it(
    detector: Detector, portrait: np.ndarray
) -> None:
    small = cv2.resize(portrait[:256, 96:352], (80, 80), interpolation=cv2.INTER_AREA)
    frame = np.zeros((256, 512, 3), np.uint8)
    frame[:, :256], frame[64:144, 320:400] = portrait[:256, 96:352], small
    large, its_copy = sorted(detector.detect([frame])[0], key=lambda face: face.box)
    assert its_copy.box[3] < 0.4 * large.box[3]
    assert detector.detect([frame], least=0.9 * large.box[3]) == [[large]]
    assert detector.detect([frame], least=10_000) == [[]]


def test_a_crowd_that_someone_enters_is_found_around_as_in_full(
    detector: Detector, portrait: np.ndarray
) -> None:
    """All people move; the third comes in at frame 20, and leaves at the frame's border."""
    person = portrait[:200, 120:320]
    other = cv2.resize(person, (150, 150), interpolation=cv2.INTER_AREA)
    frames = {}
    for number in range(6):
        frame = np.full((220, 700, 3), 90, np.uint8)
        frame[10:210, 5 * number : 5 * number + 200] = person
        frame[5 * number : 5 * number + 150, 230:380] = other[:, ::-1]
        if number >= 2:
            left = 380 + 30 * number
            frame[20:220, left : left + 200] = person[:, ::-1][:, : 700 - left]
        frames[10 * number] = png(frame)
    full, near = (cut(detector, frames, choose="all", search=how) for how in ("full", "around"))
    assert {row["frame"] for row, _, _ in near if row["face"] == 2} >= {20, 30, 40}
    for (row, face, around), (its, its_face, its_around) in zip(full, near, strict=True):
        assert row.pop("confidence") == pytest.approx(its.pop("confidence"), abs=2e-4)
        assert row == its
        assert (face.tobytes(), around) == (its_face.tobytes(), its_around)


def test_frames_without_a_face_do_no_harm_to_a_search_around(
    detector: Detector, portrait: np.ndarray
) -> None:
    blank = np.full_like(portrait, 127)
    frames = {number: png(portrait if number in (2, 3) else blank) for number in range(6)}
    found = cut(detector, frames, search="around")
    assert [row["status"] == "kept" for row, _, _ in found] == [n in (2, 3) for n in range(6)]


def test_a_blurred_face_is_less_sharp() -> None:
    face = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    blurred = np.repeat(np.repeat(face[::8, ::8], 8, 0), 8, 1)
    assert image_quality.sharpness(face) > image_quality.sharpness(blurred) > 0
    assert image_quality.sharpness(np.full((64, 64, 3), 9, np.uint8)) == 0


def test_a_portraits_face_is_found_where_it_is(detector: Detector, portrait: np.ndarray) -> None:
    ((face,),) = detector.detect([portrait])
    x, y, width, height = face.box
    assert x < 205 < 245 < x + width  # both eyes
    assert y < 100 < 150 < y + height  # eyes and chin
    assert 0.99 < face.confidence <= 1
    assert round(face.confidence, 4) == face.confidence
    assert len(face.points) == 5
    assert all(x <= px <= x + width and y <= py <= y + height for px, py in face.points)
    assert face.points[0][0] < face.points[2][0] < face.points[1][0]  # eye, nose, eye


def cut(detector: Detector, frames: dict[int, bytes], reason: str = "", **other) -> list:
    return list(faces.cut_video("clip", frames, reason, detector, **(SETTINGS | other)))


def test_every_frame_gets_a_row_and_a_lost_one_its_reason(
    detector: Detector, portrait: np.ndarray
) -> None:
    frames = {60: portrait, 0: portrait[:, ::-1], 30: np.zeros_like(portrait)}
    found = cut(detector, {index: png(frame) for index, frame in frames.items()})
    rows = [row for row, _, _ in found]
    assert [(row["frame"], row["status"], row.get("reason", "")) for row in rows] == [
        (0, "kept", ""), (30, "dropped", "no face found"), (60, "kept", ""),
    ]  # fmt: skip
    assert [row["found"] for row in rows] == [1, 0, 1]
    assert all(set(row) <= set(face_record.COLUMNS) for row in rows)
    assert (found[1][1], found[1][2]) == (None, None)


def test_a_kept_row_tells_where_its_face_was_cut(detector: Detector, portrait: np.ndarray) -> None:
    ((row, face, around),) = cut(detector, {0: png(portrait)}, margin=0.2)
    box = (row["x"], row["y"], row["width"], row["height"])
    np.testing.assert_array_equal(face, faces.crop(portrait, box, size=64, margin=0.2))
    x, y, width, height = bounding_boxes.enlarge(box, 0.2, portrait.shape)  # 1.4 times the box
    native = cv2.cvtColor(clips.picture(around), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(native, portrait[y : y + height, x : x + width])
    assert len(row["points"].split()) == 5
    assert row["digest"] == image_hash.digest(face)
    assert row["phash"] == image_hash.perceptual(portrait)  # of the whole frame


def test_a_frame_is_hashed_once_and_only_where_the_hash_is_used(
    detector: Detector, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed, real = [], image_hash.perceptual
    monkeypatch.setattr(image_hash, "perceptual", lambda frame: hashed.append(1) or real(frame))
    two = {index: png(np.hstack([portrait, portrait])) for index in (0, 30)}
    rows = [row for row, _, _ in cut(detector, two, choose="all") if row["status"] == "kept"]
    assert len(rows) == 4
    assert len(hashed) == 2
    assert len({row["phash"] for row in rows}) == 1
    hashed.clear()
    assert all("phash" not in row for row, _, _ in cut(detector, two, choose="all", hashes=False))
    assert hashed == []


class Spy:
    """Notes what a detector is given."""

    def __init__(self, detector: Detector) -> None:
        self.detector, self.sizes = detector, []

    def detect(self, frames: list[np.ndarray]) -> list[list[Face]]:
        self.sizes += [frame.shape[:2] for frame in frames]
        return self.detector.detect(frames)


def test_a_large_frame_is_searched_small_and_its_face_is_cut_at_full_size(
    detector: Detector, portrait: np.ndarray
) -> None:
    """As phones film, in 4K; at full size the detector would take gigabytes."""
    spy, times = Spy(detector), 5
    large = cv2.resize(portrait, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    ((row, face, _),) = cut(spy, {0: png(large)})
    assert spy.sizes == [(1440, 1440)]
    ((small, _, _),) = cut(detector, {0: png(portrait)})
    for name in ("x", "y", "width", "height"):
        assert row[name] == pytest.approx(times * small[name], abs=0.1 * times * small["width"])
    for told, known in zip(row["points"].split(), small["points"].split(), strict=True):
        for one, other in zip(told.split(","), known.split(","), strict=True):
            assert int(one) == pytest.approx(times * int(other), abs=0.1 * row["width"])
    box = (row["x"], row["y"], row["width"], row["height"])
    np.testing.assert_array_equal(face, faces.crop(large, box, size=64))


def boxes(found: list) -> list[tuple[int, ...]]:
    return [tuple(row[name] for name in ("x", "y", "width", "height")) for row, _, _ in found]


def test_a_frame_is_searched_at_the_size_that_is_asked_for_and_cut_at_its_own(
    detector: Detector, portrait: np.ndarray
) -> None:
    spy, wide = Spy(detector), np.pad(portrait, ((0, 0), (0, 512), (0, 0)))
    found = cut(spy, {0: png(wide), 30: png(wide[:, ::-1])}, detect_at=256)
    assert spy.sizes == [(128, 256)] * 2
    ((x, y, width, height),) = boxes(cut(detector, {0: png(wide)}))
    for box, left in zip(boxes(found), (x, 1024 - x - width), strict=True):
        assert box == pytest.approx((left, y, width, height), abs=0.2 * width)
    images = (wide, wide[:, ::-1])
    for (_, face, around), box, image in zip(found, boxes(found), images, strict=True):
        np.testing.assert_array_equal(face, faces.crop(image, box, size=64))
        assert clips.picture(around).shape[1] == bounding_boxes.enlarge(box, 0.2, image.shape)[2]


@pytest.mark.parametrize("longest", [None, 512, 10_000])
def test_a_frame_no_larger_than_asked_for_is_not_touched(
    detector: Detector, portrait: np.ndarray, longest: int | None
) -> None:
    assert faces.shrink(portrait, longest)[0] is portrait
    ((row, face, around),) = cut(detector, {0: png(portrait)}, detect_at=longest)
    ((known, its_face, its_around),) = cut(detector, {0: png(portrait)})
    assert (row, face.tobytes(), around) == (known, its_face.tobytes(), its_around)


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((720, 1280), 640, (360, 640)),
        ((1280, 720), 640, (640, 360)),
        ((100, 101), 100, (99, 100)),
        ((4000, 10), 100, (100, 1)),
        ((2160, 3840), 3840, (1080, 1920)),  # the detector's bound holds whatever is asked for
        ((2160, 3840), 960, (540, 960)),
    ],
)
def test_the_longer_side_of_a_frame_is_brought_to_what_is_asked_for(
    size: tuple[int, int], longest: int, expected: tuple[int, int]
) -> None:
    small, times = faces.shrink(np.zeros((*size, 3), np.uint8), longest)
    assert small.shape[:2] == expected
    assert times == pytest.approx(max(size) / max(expected))


@pytest.mark.parametrize("size", [(4320, 7680), (500, 60_000), (60_000, 500), (1081, 1920)])
def test_no_frame_is_too_large_for_the_detector(size: tuple[int, int]) -> None:
    small, times = faces.shrink(np.zeros((*size, 3), np.uint8))
    assert small.shape[0] * small.shape[1] <= 1.01 * faces.LARGEST
    assert times > 1


def test_a_frame_of_common_size_is_given_to_the_detector_as_it_is() -> None:
    frame = np.zeros((1920, 1080, 3), np.uint8)
    assert faces.shrink(frame)[0] is frame


def test_a_face_at_the_border_of_a_shrunk_frame_stays_in_the_frame() -> None:
    face = faces.grow(Face((990, 20, 13, 10), 0.9), 3.7, (120, 3701, 3))
    x, y, width, height = face.box
    assert (x + width, y + height) == (3701, 111)


def test_an_unsure_face_is_dropped_but_its_place_is_told(
    detector: Detector, portrait: np.ndarray
) -> None:
    ((row, face, around),) = cut(detector, {0: png(portrait)}, min_confidence=1.0)
    assert (row["status"], row["reason"]) == ("dropped", "confidence below 1")
    assert row["width"] > 50
    assert (face, around) == (None, None)


class Told:
    """Finds the faces that it was told to find."""

    def __init__(self, *found: list[Face]) -> None:
        self.found = found

    def detect(self, frames: list[np.ndarray]) -> list[list[Face]]:
        return [list(faces) for faces in self.found[: len(frames)]]


ANA = Face((10, 10, 30, 30), 0.95)
BEN = Face((110, 20, 26, 26), 0.99)
# Ana is in four frames, Ben in three; in the third Ana is unsure, in the fourth he is away.
TWO = Told([BEN, ANA], [BEN, ANA], [BEN, Face(ANA.box, 0.85)], [ANA], [ANA])


def cut_two(how: str) -> dict[str, list]:
    frames = {30 * number: png(noise(60, 160)) for number in range(5)}
    return {
        f"{row['frame']} {row['face']}": [row["status"], row.get("reason", "")]
        for row, _, _ in cut(TWO, frames, choose=how)
    }


def test_the_longest_track_is_learned_from_and_every_other_face_keeps_its_row() -> None:
    other = ["dropped", face_record.ANOTHER]
    assert cut_two("longest_track") == {
        "0 0": ["kept", ""], "0 1": other, "30 0": ["kept", ""], "30 1": other,
        "60 0": ["dropped", "confidence below 0.9"], "60 1": other,
        "90 0": ["kept", ""], "120 0": ["kept", ""],
    }  # fmt: skip


@pytest.mark.parametrize("how", ["most_confident", "largest"])
def test_a_frame_by_itself_gives_the_face_that_it_always_gave(how: str) -> None:
    chosen = {"most_confident": "11100", "largest": "00000"}[how]
    found = cut_two(how)
    for number, track in enumerate(chosen):
        status, reason = found[f"{30 * number} {track}"]
        unsure = number == 2 and track == "0"
        assert (status, reason) == (("dropped", "confidence below 0.9") if unsure else ("kept", ""))
    assert sum(reason == face_record.ANOTHER for _, reason in found.values()) == 3


def test_all_faces_are_kept_where_all_are_asked_for() -> None:
    found = cut_two("all")
    assert [place for place, (status, _) in found.items() if status == "dropped"] == ["60 0"]
    assert found["60 0"] == ["dropped", "confidence below 0.9"]


def test_of_a_crowd_the_first_tracks_are_kept() -> None:
    crowd = [Face((20 * number, 5, 12, 12), 0.95) for number in range(face_record.MOST_FACES + 2)]
    found = cut(Told(crowd, crowd), {0: png(noise(60, 220)), 9: png(noise(60, 220))}, choose="all")
    rows = [row for row, _, _ in found]
    assert [row["face"] for row in rows] == [*range(face_record.MOST_FACES + 2)] * 2
    assert {row["reason"] for row in rows if row["status"] == "dropped"} == {face_record.TOO_MANY}
    assert sum(row["status"] == "kept" for row in rows) == 2 * face_record.MOST_FACES


def test_two_people_in_a_real_frame_are_told_apart_and_cut_where_they_are(
    detector: Detector, portrait: np.ndarray
) -> None:
    small = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    pair = np.hstack([portrait[:256, 96:352], small])
    frames = {number: png(np.roll(pair, 3 * number, axis=1)) for number in range(3)}
    found = cut(detector, frames, choose="all")
    assert [(row["frame"], row["face"]) for row, _, _ in found] == [
        (frame, face) for frame in range(3) for face in range(2)
    ]
    for row, face, around in found:
        assert (row["x"] < 256) == (row["face"] == 0)  # the larger
        assert face.shape == (64, 64, 3)
        assert clips.picture(around).shape[1] >= row["width"]


@pytest.mark.parametrize(
    ("reason", "told"), [("the file is empty", "the file is empty"), ("", "no frame")]
)
def test_a_video_without_frames_is_one_row(detector: Detector, reason: str, told: str) -> None:
    row = {"video_id": "clip", "status": "dropped", "reason": told}
    assert cut(detector, {}, reason) == [(row, None, None)]


def test_a_video_that_ended_early_has_a_row_for_it_behind_its_frames(
    detector: Detector, portrait: np.ndarray
) -> None:
    found = cut(detector, {0: png(portrait)}, "ends after 1 of 9 frames")
    assert [row["status"] for row, _, _ in found] == ["kept", "dropped"]
    assert found[1][0]["reason"] == "ends after 1 of 9 frames"


@pytest.mark.parametrize("shape", [(11, 200), (200, 11), (1, 1), (12, 12), (13, 40)])
def test_frames_too_small_for_a_face_have_none(detector: Detector, shape: tuple[int, int]) -> None:
    ((row, _, _),) = cut(detector, {0: png(noise(*shape))})
    assert (row["status"], row["reason"]) == ("dropped", "no face found")


@pytest.mark.parametrize("level", [0, 127, 128, 255])
def test_a_frame_of_one_colour_does_no_harm_to_the_others(
    detector: Detector, portrait: np.ndarray, level: int
) -> None:
    alone = detector.detect([portrait])
    assert detector.detect([portrait, np.full_like(portrait, level)]) == [*alone, []]


def test_frames_that_the_detector_cannot_digest_cost_their_video_only(
    detector: Detector, portrait: np.ndarray
) -> None:
    with pytest.raises(DetectorError, match="the face detector failed"):
        detector.detect([noise(40, 40)[:, :, :2]])
    assert len(detector.detect([portrait])[0]) == 1


# From here on the real scripts, by hand, on real clips: identical copies would hide what differs.

FRAMES = config.Frames(every=18, per_video=4, timeout=60).model_dump(mode="json")
BATCHES = {"alone": "a", "first": "abcd", "last": "dcba", "rest": "dcb"}  # d is no video
FACES = config.Faces(size=64).model_dump(mode="json")


def words(script: str, inputs: dict, outputs: dict, params: dict) -> list[str]:
    return [str(clips.SCRIPTS / f"{script}.py"), *clips.job_arguments(inputs, outputs, params)]


def run_in_turn(jobs: list[list[str]]) -> None:
    """Jobs one after another in this process, whose signals and log stay its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "_SIGNALS", ())
        patch.setattr(logging, "basicConfig", lambda **_: None)
        for arguments in jobs:
            patch.setattr(sys, "argv", arguments)
            runpy.run_path(arguments[0], run_name="__main__")


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Frames and faces of three real clips, packed in several ways; files by batch and name."""
    base, root = tmp_path_factory.mktemp("batches"), clips.real_root()
    fake = "manipulated_sequences/FaceSwap/c23/videos"
    real = "original_sequences/youtube/c23/videos"
    # c is of another size: a list of mixed sizes would change what is found in the others
    larger = [
        cv2.resize(picture, (480, 400)) for picture in clips.read_video(root / real / "007.mp4")
    ]
    paths = {
        "a": root / real / "000.mp4",
        "b": root / fake / "000_007.mp4",
        "c": clips.write_video(base / "c.avi", larger),
        "d": base / "text.mp4",
    }
    paths["d"].write_text("no video")
    files, taken, cut = {}, [], []
    for name, members in BATCHES.items():
        kinds = {"frames": "frames.tar", "taken": "frames.tsv", "faces": "faces.npy",
                 "crops": "faces.tar", "table": "faces.tsv"}  # fmt: skip
        files[name] = mine = {kind: base / name / file for kind, file in kinds.items()}
        videos = [{"video_id": member, "path": str(paths[member])} for member in members]
        frames = {"frames": mine["frames"], "table": mine["taken"]}
        taken.append(words("frames", {}, frames, {"videos": videos, "frames": FRAMES}))
        outputs = {kind: mine[kind] for kind in ("faces", "crops", "table")}
        cut.append(words("faces", frames, outputs, {"faces": FACES}))
    run_in_turn(taken + cut)
    return files


def records(files: dict[str, Path], video: str) -> list[tuple]:
    """A video's rows, each with its face's and its surroundings' bytes, without their numbers."""
    pixels = np.load(files["faces"], allow_pickle=False)
    around = dict(archive.members(files["crops"]))
    found = []
    for row in tables.read(files["table"]):
        if row["video_id"] == video:
            row = dict(row)
            number = row.pop("crop_row")
            face = pixels[int(number)].tobytes() if number else b""
            name = face_record.crop_name(number) if number else ""
            found.append((row, face, around.get(name, b"")))
    return found


@clips.real_clips
def test_a_videos_records_do_not_depend_on_its_batch(batches: dict[str, dict[str, Path]]) -> None:
    """Alone, first and last in a batch, or beside others: the same rows and the same bytes."""
    alone = records(batches["alone"], "a")
    assert len(alone) == 4
    assert all(row["status"] == "kept" and face and around for row, face, around in alone)
    for other in ("first", "last"):
        assert records(batches[other], "a") == alone
    for video in "bc":
        expected = records(batches["rest"], video)
        assert len(expected) == 4
        for other in ("first", "last"):
            assert records(batches[other], video) == expected
    for other in ("first", "last", "rest"):
        ((row, face, _),) = records(batches[other], "d")
        assert (row["status"], row["reason"], face) == (
            "dropped",
            "cannot be opened as a video",
            b"",
        )


@clips.real_clips
def test_frames_of_a_batch_are_those_of_each_video_alone(
    batches: dict[str, dict[str, Path]],
) -> None:
    alone = [data for _, data in archive.members(batches["alone"]["frames"])]
    first = [data for _, data in archive.members(batches["first"]["frames"])]
    last = [data for _, data in archive.members(batches["last"]["frames"])]
    assert first[:4] == alone == last[-4:]


@clips.real_clips
def test_the_matrix_does_not_depend_on_how_videos_were_packed(
    batches: dict[str, dict[str, Path]], tmp_path: Path
) -> None:
    videos = [
        {"video_id": name, "path": f"{name}.mp4", "label": label, "group_id": "g", "batch": "x"}
        for name, label in (("a", "real"), ("b", "fake"), ("c", "real"), ("d", "fake"))
    ]
    sheet.write(videos, tmp_path / "videos.tsv")
    cuts = {
        "one": ["first"],
        "turned": ["last"],
        "two": ["alone", "rest"],
        "owt": ["rest", "alone"],
    }
    jobs = []
    for name, members in cuts.items():
        inputs = {
            "sheet": tmp_path / "videos.tsv",
            "tables": [batches[member]["table"] for member in members],
            "vectors": [batches[member]["faces"] for member in members],
        }
        for rule, made in (("rows", ("rows", "records")), ("matrix", ("matrix",))):
            outputs = {what: tmp_path / name / what for what in made}
            jobs.append(words(rule, inputs, outputs, {}))
    run_in_turn(jobs)
    for what in ("matrix", "rows"):
        assert len({(tmp_path / name / what).read_bytes() for name in cuts}) == 1
    rows = tables.read(tmp_path / "one" / "rows")
    assert [row["row"] for row in rows] == [str(number) for number in range(12)]
    assert [(row["video_id"], row["label"]) for row in rows[::4]] == [
        ("a", "real"), ("b", "fake"), ("c", "real"),
    ]  # fmt: skip
    pixels = Matrix(tmp_path / "one" / "matrix").take(np.arange(12))
    expected = b"".join(face for video in "abc" for _, face, _ in records(batches["first"], video))
    assert pixels.tobytes() == expected
    told = [list(tables.read(tmp_path / name / "records")) for name in cuts]
    for row in (row for rows in told for row in rows):
        row.pop("crop_row")  # the face's number in its batch
    assert len(told[0]) == 13
    assert all(rows == told[0] for rows in told)


@clips.real_clips
def test_two_real_people_in_one_clip_are_followed_apart(detector: Detector) -> None:
    """Each as where they are alone; the wider frame may move a box a little."""
    folder = clips.real_root() / "original_sequences/youtube/c23/videos"
    left, right = (clips.read_video(folder / name)[::10] for name in ("000.mp4", "007.mp4"))
    width = left[0].shape[1]

    def boxes_of(pictures: list[np.ndarray]) -> dict[int, list[tuple]]:
        frames = {n: cv2.imencode(".png", picture)[1].tobytes() for n, picture in pictures}
        found: dict[int, list[tuple]] = {}
        for row, face, _ in cut(detector, frames, choose="all"):
            assert face is not None
            box = tuple(row[name] for name in ("x", "y", "width", "height"))
            found.setdefault(row["face"], []).append(box)
        return found

    both = boxes_of([(n, np.hstack(pair)) for n, pair in enumerate(zip(left, right, strict=True))])
    assert sorted(both) == [0, 1]
    of_left = min(both, key=lambda track: both[track][0])
    for track, alone, shift in ((of_left, left, 0), (1 - of_left, right, width)):
        (expected,) = boxes_of(list(enumerate(alone))).values()
        assert len(both[track]) == len(expected) == len(alone)
        for (x, *rest), box in zip(both[track], expected, strict=True):
            assert tracking.overlap((x - shift, *rest), box) > 0.8


def test_a_face_whose_points_fit_no_face_is_dropped_with_the_reason():
    good = ((13, 14), (23, 14), (18, 19), (14, 24), (22, 24))
    one = Face((8, 8, 20, 22), 0.99, good)
    other = Face((8, 8, 20, 22), 0.99, ((15, 15),) * 5)
    frames = {0: png(noise(60, 80)), 9: png(noise(60, 80))}
    rows = [row for row, _, _ in cut(Told([one], [other]), frames)]
    assert [row["status"] for row in rows] == ["kept", "dropped"]
    assert rows[1]["reason"] == "the detector's five points fit no face"
    assert rows[1]["points"] == " ".join(["15,15"] * 5)
