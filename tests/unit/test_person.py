"""A person's model: signals, windows, what is learned of them, and the bundle."""

import itertools
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from deepfake.core import job, tables
from deepfake.person import (
    answers,
    bundle,
    enrolment,
    mesh_file,
    model,
    person_file,
    record,
    signals,
    windows,
)
from tests.unit.clips import SCRIPTS

ENROLMENT = runpy.run_path(str(SCRIPTS / "enrolment.py"))
KINDS = ("correlations", "starts", "followed")
CANDIDATES = len(model.GAMMAS) * len(model.NUS)


def a_face(rng) -> np.ndarray:
    """Points that stand for a face seen from the front, float (468, 3): y down, z away."""
    points = rng.normal(0, 30, (468, 3))
    for number, place in {
        33: (-45, 0, 5), 133: (-17, 0, 0), 362: (17, 0, 0), 263: (45, 0, 5),
        **dict.fromkeys(signals.UPPER, (0, -60, 0)), **dict.fromkeys(signals.LOWER, (0, 10, 0)),
    }.items():  # fmt: skip
        points[number] = place
    return points


def turned(points, x=0.0, y=0.0, z=0.0):
    """Points after rotations about the axes of the picture, in this order, in radians."""
    for axis, angle in enumerate((x, y, z)):
        one, other = [side for side in range(3) if side != axis]
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        points = points @ turn.T
    return points


def test_there_are_twenty_signals_and_190_pairs():
    assert len(set(signals.NAMES)) == 20
    assert len(signals.PAIRS) == 190
    used = [points for sides in signals.MEASURES.values() for side in sides for points in side[:2]]
    assert all(0 <= number < 468 for points in used for number in points)


def test_movements_do_not_depend_on_where_the_head_is_or_how_it_is_turned():
    face = a_face(np.random.default_rng(0))
    moved = 1.7 * turned(face, 0.2, 0.3, -0.4) + [200, 100, 5]
    plain, other = signals.of_points(np.stack([face, moved]))
    np.testing.assert_allclose(plain[:18], other[:18], atol=1e-9)
    np.testing.assert_allclose(plain[18:], 0, atol=1e-9)


def test_pitch_and_roll_are_the_heads_rotations():
    face = a_face(np.random.default_rng(0))
    leaned = turned(face, x=-0.3)
    assert leaned[10, 2] > leaned[197, 2]  # the forehead is farther away
    found = signals.of_points(np.stack([leaned, turned(face, z=0.25), face]))
    pitch, roll = (signals.NAMES.index(name) for name in ("head_pitch", "head_roll"))
    np.testing.assert_allclose(found[:, pitch], [0.3, 0, 0], atol=1e-9)
    np.testing.assert_allclose(found[:, roll], [0, 0.25, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("name", "points", "way", "sign"),
    [
        ("inner_brow_height", (55, 107, 285, 336), (0, -5, 0), 1),
        ("outer_brow_height", (70, 63, 300, 293), (0, -5, 0), 1),
        ("upper_lid_height", (159, 386), (0, -3, 0), 1),
        ("lower_lid_height", (145, 374), (0, -3, 0), 1),
        ("cheek_height", (50, 205, 280, 425), (0, -3, 0), 1),
        ("nostril_height", (64, 98, 294, 327), (0, -3, 0), 1),
        ("upper_lip_height", (0, 37, 267), (0, -3, 0), 1),
        ("mouth_corner_height", (61, 291), (0, -3, 0), 1),
        ("mouth_corner_lift", (61, 291), (0, -3, 0), 1),
        ("mouth_corner_depth", (61, 291), (0, 0, 3), -1),
        ("chin_to_lip", (152, 199), (0, 3, 0), -1),
        ("jaw_drop", (152,), (0, 3, 0), -1),
    ],
)
def test_a_signal_follows_what_it_is_named_for(name, points, way, sign):
    """A height grows upwards, against y; a depth towards the camera, against z."""
    face = a_face(np.random.default_rng(1))
    moved = face.copy()
    moved[list(points)] += way
    before, after = signals.of_points(np.stack([face, moved]))
    place = signals.NAMES.index(name)
    unit = np.linalg.norm(face[133] - face[362])
    assert after[place] - before[place] == pytest.approx(sign * np.abs(way).max() / unit)


@pytest.mark.parametrize(
    ("name", "pairs"),
    [("mouth_width", [(61, 291)]), ("mouth_opening", [(0, 17)]), ("lip_gap", [(13, 14)]),
     ("lip_thickness", [(0, 13), (14, 17)])],
)  # fmt: skip
def test_a_distance_is_in_distances_of_the_inner_eye_corners(name, pairs):
    face = a_face(np.random.default_rng(2))
    unit = np.linalg.norm(face[133] - face[362])
    expected = np.mean([np.linalg.norm(face[one] - face[other]) for one, other in pairs]) / unit
    assert signals.of_points(face[None])[0, signals.NAMES.index(name)] == pytest.approx(expected)


def test_correlations_are_those_of_numpy_and_0_where_a_signal_is_constant():
    times = np.arange(275) / 25
    values = np.random.default_rng(0).normal(size=(275, 5)).cumsum(axis=0)
    values[:, 3] = 0.7
    found = windows.correlations(times, values)
    assert (found.shape, found.dtype) == ((2, 10), np.float32)
    pairs = list(itertools.combinations(range(5), 2))
    for row, first in zip(found, (0, 25), strict=True):
        with np.errstate(invalid="ignore"):
            expected = np.corrcoef(values[first : first + 250].T)
        for value, (one, other) in zip(row, pairs, strict=True):
            if 3 in (one, other):
                assert value == 0
            else:
                assert value == pytest.approx(expected[one, other], abs=1e-5)


def people(videos: int, each: int = 6, seed: int = 0, spread: float = 0.05, apart: float = 0.3):
    """Windows of two people, float32 (n, 190), around means of their own, and their videos."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, apart, (2, 190))
    rows, names = [], []
    for mean in means:
        own = mean + np.repeat(rng.normal(0, spread, (videos, 190)), each, axis=0)
        rows.append((own + rng.normal(0, spread, own.shape)).clip(-1, 1).astype(np.float32))
        names.append(np.repeat([f"v{number}" for number in range(videos)], each))
    return rows, names


def test_the_windows_of_two_people_are_told_apart():
    (own, other), (videos, others) = people(6)
    held_out = model.held_out_scores(own, videos)
    accepted = model.fit(own, videos).scores(other)
    assert (held_out < 0).mean() <= 0.25
    assert (accepted < 0).all()
    known = enrolment.measured(held_out, videos, accepted, others)
    rate = known["false_alarms"]["windows"]
    assert rate["low"] <= rate["value"] == (held_out < 0).mean() <= rate["high"]
    assert known["accepted"]["videos"]["value"] == 0 < known["accepted"]["videos"]["high"]
    assert known["roc_auc"]["value"] > 0.99


def test_without_a_difference_the_others_are_accepted_as_the_person_is():
    (own, other), (videos, others) = people(6, apart=0.0)
    known = enrolment.measured(
        model.held_out_scores(own, videos), videos, model.fit(own, videos).scores(other), others
    )
    assert known["accepted"]["windows"]["value"] > 0.5
    assert 0.2 < known["roc_auc"]["value"] < 0.8


def test_a_model_scores_as_scikit_learn_does():
    from sklearn.svm import OneClassSVM

    (own, other), (videos, _) = people(5)
    fitted = model.fit(own, videos)
    machine = OneClassSVM(gamma=fitted.gamma, nu=fitted.nu).fit(own)
    expected = machine.decision_function(other) / -machine.intercept_[0] - fitted.threshold
    np.testing.assert_allclose(fitted.scores(other), expected, atol=1e-5)


def test_a_held_out_score_does_not_depend_on_other_windows_of_its_video():
    """Neither its model nor the choice of gamma, nu and threshold sees them."""
    (own, _), (videos, _) = people(5)
    changed = own.copy()
    changed[1:6] = -own[1:6]  # the first video's, but for its first window
    before, after = (model.held_out_scores(rows, videos)[0] for rows in (own, changed))
    assert before == after


def test_at_most_a_tenth_of_the_windows_that_chose_the_boundary_are_outside():
    (own, _), (videos, _) = people(6, spread=0.1)
    distances = model._distances(own, own)
    gamma, nu, threshold = model._choose(distances, videos)
    scores = model._left_out(np.exp(-gamma * distances), videos, nu)
    assert threshold <= 0
    assert (scores - threshold < 0).mean() <= model.MOST_FALSE_ALARMS


def test_of_models_that_take_the_videos_left_out_the_tightest_is_chosen():
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, (200, 2)) @ rng.normal(0, 0.1, (2, 190))  # all videos alike
    videos = np.repeat([f"v{number}" for number in range(5)], 40)
    distances = model._distances(rows, rows)
    gamma, nu, threshold = model._choose(distances, videos)
    unit = np.median(distances[np.triu_indices(200, 1)])
    few = [
        (factor, one)
        for factor in model.GAMMAS
        for one in model.NUS
        if (model._left_out(np.exp(-factor / unit * distances), videos, one) < 0).mean() <= 0.1
    ]
    assert 0 < len(few) < CANDIDATES
    assert (gamma * unit, nu) == (pytest.approx(max(few)[0]), max(few)[1])
    assert threshold == 0


def test_too_few_videos_are_refused():
    (own, _), (videos, _) = people(2)
    for work in (model.fit, model.held_out_scores):
        with pytest.raises(model.TooFewVideos, match="2 of the videos have a window"):
            work(own, videos)


def test_of_many_windows_an_even_part_is_learned_from():
    assert model.spread(3).tolist() == [0, 1, 2]
    kept = model.spread(5000)
    assert (len(kept), kept[0], kept[-1]) == (model.MOST_WINDOWS, 0, 4999)
    assert set(np.diff(kept)) == {5, 6}


@pytest.fixture
def saved(tmp_path):
    (own, _), (videos, _) = people(3)
    fitted = model.fit(own, videos)
    files = {name: tmp_path / f"{name}.npy" for name in bundle.ARRAYS}
    known = enrolment.measured(np.zeros(18), videos, np.empty(0), [])
    bundle.save(fitted, "ada", known, files | {"record": tmp_path / person_file.FILE})
    return tmp_path, fitted, own


def test_a_bundle_holds_the_model_and_no_picture(saved):
    folder, fitted, rows = saved
    again, described = bundle.load(folder)
    np.testing.assert_array_equal(again.scores(rows), fitted.scores(rows))
    assert described["person"] == "ada"
    assert described["mesh"] == mesh_file.SHA256
    assert "consent" in described["about"]
    assert described["known"]["accepted"] is None
    names = {path.name for path in folder.iterdir()}
    assert names == {"person.json", "support_vectors.npy", "coefficients.npy"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format is not 1"),
        ({"person": 1}, "format is not 1"),
        ({"mesh": "0" * 64}, "another face mesh"),
        ({"signals": ["one"]}, "other signals"),
        ({"window": {"seconds": 5, "rate": 25}}, "other signals or windows"),
        ({"gamma": -1}, "no such number"),
        ({"nu": "x"}, "no such number"),
        ({"arrays": {}}, "malformed"),
        ({"arrays": {"support_vectors": "0", "coefficients": "0"}}, "was changed or cut short"),
    ],
)
def test_a_changed_bundle_is_refused(saved, change, reason):
    folder, _, _ = saved
    path = folder / person_file.FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(person_file.PersonError, match=reason):
        bundle.load(folder)


@pytest.mark.parametrize(
    "array",
    [np.full((4, 190), np.nan, np.float32), np.zeros((4, 190)), np.zeros((3, 2), np.float32),
     np.zeros(190, np.float32), np.array([{}], object)],
)  # fmt: skip
def test_a_wrong_array_is_refused_whatever_its_hash(saved, array):
    folder, _, _ = saved
    np.save(folder / "support_vectors.npy", array, allow_pickle=array.dtype == object)
    described = json.loads((folder / person_file.FILE).read_text())
    described["arrays"]["support_vectors"] = bundle._sha256(folder / "support_vectors.npy")
    (folder / person_file.FILE).write_text(json.dumps(described))
    with pytest.raises(person_file.PersonError, match=r"support_vectors|malformed"):
        bundle.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", "nothing"])
def test_no_record_is_a_reason(tmp_path, text):
    if text:
        (tmp_path / person_file.FILE).write_text(text)
    with pytest.raises(person_file.PersonError, match=r"person\.json"):
        person_file.read(tmp_path)


def test_the_mesh_is_found_and_checked(monkeypatch, tmp_path):
    assert mesh_file.find().name == "face_landmark.tflite"
    monkeypatch.setattr(mesh_file, "SHA256", "0" * 64)
    with pytest.raises(mesh_file.MeshError, match="is not the known face mesh"):
        mesh_file.find()
    monkeypatch.setattr(mesh_file, "PACKAGE", "deepfake_no_such_package")
    with pytest.raises(mesh_file.MeshError, match=r"not installed.*envs/models\.txt"):
        mesh_file.find()


def enrol(folder: Path, batches: list[list[str]]) -> dict[str, bytes]:
    """What the rule's script makes of made-up windows in these batches, by output."""
    folder.mkdir()
    inputs: dict[str, list[str]] = {}
    sides = zip(("own", "others"), *people(max(2, sum(map(len, batches)))), strict=True)
    for side, rows, of in sides:
        for number, names in enumerate(batches):
            its = np.isin(of, names)
            files = {kind: folder / f"{side}.{number}.{kind}" for kind in KINDS}
            with open(files["correlations"], "wb") as file:
                np.save(file, rows[its])
            starts = [{"video_id": name, "start": place} for place, name in enumerate(of[its])]
            tables.write(starts, files["starts"], record.STARTS)
            tables.write([{"video_id": one} for one in names], files["followed"], record.FOLLOWED)
            for kind, path in files.items():
                inputs.setdefault(f"{side}_{kind}", []).append(str(path))
    names = ("record", *bundle.ARRAYS, "windows", "videos", "page", "text")
    outputs = {name: [str(folder / name)] for name in names}
    work = job.Job(inputs, outputs, {"person": "ada", "unread": []})
    ENROLMENT["main"](work)
    return {Path(place).name: Path(part).read_bytes() for part, place in work.parts.items()}


def test_an_enrolment_does_not_depend_on_how_its_videos_are_batched(tmp_path):
    one = enrol(tmp_path / "one", [["v0", "v1", "v2"]])
    two = enrol(tmp_path / "two", [["v2"], ["v0", "v1"]])
    for name in ("record", "support_vectors", "coefficients", "text"):
        assert one[name] == two[name], name


def test_too_few_videos_name_the_tables_that_say_why(tmp_path):
    with pytest.raises(model.TooFewVideos, match=r"ada: 2 of the videos have.*own\.0\.followed"):
        enrol(tmp_path / "few", [["v0", "v1"]])


def test_what_a_persons_model_says_of_a_video():
    row = {"video_id": "a.mp4", "reason": "", "note": ""}
    fits = answers.answer(row, [0.2, 0.1, -0.3], "ada")
    assert (fits["answer"], fits["score"], fits["fitting"]) == ("fits", 0.1, 2)
    assert "2 of 3 windows fit" in answers.text(fits)
    assert answers.answer(row, [-0.2], "ada")["answer"] == "does not fit"
    short = answers.answer(row | {"reason": "too short: no face was found"}, [], "ada")
    assert (short["answer"], short["score"]) == ("too short", "")
    assert "movements of ada: too short: no face was found" in answers.text(short)
