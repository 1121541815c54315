"""Tests of the words for what differs between a job's settings now and then."""

import pytest

from deepfake.workflow import config, config_diff


@pytest.mark.parametrize(
    ("path", "keys", "key"),
    [
        (("frames", "every"), {}, "frames.every"),
        (("seed",), {}, "seed"),
        (("split", "every"), {"split.every": "split.rows.every"}, "split.rows.every"),
        (("preprocessing", "faces", "size"), {"preprocessing": ""}, "faces.size"),
        (("candidates", "C"), {"candidates": "sweep.svm"}, "sweep.svm.C"),
        (("scalings",), {"scalings": "sweep.logistic.scaling"}, "sweep.logistic.scaling"),
        (("a", "b", "C"), {"a": "sweep.svm", "a.b": "sweep.logistic"}, "sweep.logistic.C"),
        (("candidates", "C"), {}, None),  # which model's is not said
        (("C",), {}, None),
        (("videos",), {}, None),
    ],
)
def test_a_setting_is_named_by_the_key_that_it_comes_from(path, keys, key):
    assert config_diff.key(path, keys) == key


def test_every_key_is_found_in_its_own_section():
    for path, *_ in config.keys():
        assert config_diff.key(tuple(path.split(".")), {}) == path


def test_what_is_the_same_is_not_told():
    same = {"frames": {"every": 1}, "code": {"deepfake/models/gram.py": "0a", "numpy": "1.26"}}
    assert config_diff.differences(same, dict(same)) == []


def test_a_change_of_type_is_a_change():
    """Of max_features, 1 is one feature and 1.0 is all of them."""
    keys = {"keys": {"candidate": "sweep.forest"}}
    old, new = ({"candidate": {"max_features": value}} for value in (1, 1.0))
    lines = config_diff.differences(old | keys, new | keys)
    assert lines == ["key sweep.forest.max_features: 1 -> 1.0"]


def test_candidates_are_told_as_the_values_of_their_grid():
    old = {"candidates": {0: {"kernel": "linear", "C": 1}, 1: {"kernel": "rbf", "C": 1}}}
    new = {"candidates": {**old["candidates"], 2: {"kernel": "rbf", "C": 10}}}
    new["keys"] = {"candidates": "sweep.svm"}  # an older job has none, which is no change
    assert config_diff.differences(old, new) == ["key sweep.svm.C: [1] -> [1, 10]"]


def test_modules_and_packages_are_told_by_name_and_once():
    old = {"code": {"deepfake/a.py": "0", "deepfake/b.py": "0", "mtcnn": "1.0.0"}}
    new = {"code": {"deepfake/a.py": "1", "deepfake/c.py": "0", "mtcnn": "1.0.1"}}
    assert config_diff.differences(
        old | {"versions": {"mtcnn": "1.0.0"}}, new | {"versions": {"mtcnn": "1.0.1"}}
    ) == [
        "module deepfake/a.py changed",
        "module deepfake/c.py is imported now",
        "package mtcnn: 1.0.0 -> 1.0.1",
        "module deepfake/b.py is not imported any more",
    ]


def test_a_setting_that_was_not_there_is_told_as_none():
    told = config_diff.differences({}, {"faces": {"size": 32}, "other": "x" * 100})
    assert told == ["key faces.size: (none) -> 32", f"setting other: (none) -> {'x' * 57}..."]


def test_rows_are_counted():
    old = {"videos": [{"video_id": "a"}, {"video_id": "b"}]}
    new = {"videos": [{"video_id": "b"}, {"video_id": "c"}, {"video_id": "d"}]}
    assert config_diff.differences(old, new) == ["videos: 2 added, 1 gone, of 3"]
