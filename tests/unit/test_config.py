"""Tests of the keys: defaults, refusals and their messages."""

import itertools
import re
from pathlib import Path

import pytest
import yaml

from deepfake.core import schema
from deepfake.workflow import config

SHIPPED = sorted(Path(__file__).parents[2].glob("config/*.yaml"))
KEYS = list(config.keys())
PATHS = [path for path, *_ in KEYS]
SECTIONS = ["frames", "faces", "split", "split.folds", "split.rows", "split.cross", "sweep"]
SECTIONS += ["sweep.svm", "sweep.logistic", "sweep.forest", "sweep.mesonet", "search"]
SECTIONS += ["sweep.ridge", "sweep.elasticnet", "sweep.lda", "sweep.qda", "sweep.knn"]
SECTIONS += ["sweep.mahalanobis", "evaluation"]


def nested(depth: int, kind: type) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": value} if kind is dict else [value]
    return value


def with_key(path: str, value: object) -> dict:
    """A configuration that is right but for one key."""
    values: dict = {"sweep": {"svm": {}}}
    here = values
    *sections, last = path.split(".")
    for section in sections:
        here = here.setdefault(section, {})
    here[last] = value
    return values


def load(text: str) -> config.Config:
    return config.load(yaml.safe_load(text), "my.yaml")


def problems(values: object) -> list[str]:
    with pytest.raises(config.ConfigError) as caught:
        config.load(values, "my.yaml")
    return str(caught.value).split("\n")


def test_every_default_is_filled_in() -> None:
    filled = load("sweep: {svm: {}}")
    assert (filled.run, filled.seed, filled.frames.every, filled.frames.format) == (
        "demo", 42, 30, "png",
    )  # fmt: skip
    assert (filled.faces.size, filled.split.protocols, filled.split.folds.k) == (
        320,
        ["grouped"],
        5,
    )
    assert filled.sweep.svm.model_dump() == {
        "kernel": ["rbf"], "C": [1.0], "gamma": ["scale"], "scaling": ["standard"],
        "landmarks": ["none"],
    }  # fmt: skip


def test_defaults_pass_their_own_checks() -> None:
    sweep = {name: {} for name in config.Sweep.model_fields}
    filled = config.load({"sweep": sweep}, "my.yaml").model_dump(mode="json")
    assert config.load(filled, "again").model_dump(mode="json") == filled


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("run", "a/b", "run: 'a/b' "),
        ("run", ".hidden", "run must not start with a dot"),
        ("run", "..", "run must not start with a dot"),
        ("run", "a\n", "run: 'a\\n' "),
        ("run", "x" * 101, "run: 'xxx"),
        ("sheet", "a{b}.tsv", "sheet has a brace"),
        ("sheet", "a\nb", "sheet has a control character"),
        ("sheet", "", "sheet: '' "),
        ("sheet", None, "sheet: None "),
        ("seed", -1, "seed: -1 "),
        ("seed", 1.5, "seed: 1.5 "),
        ("max_jobs", 0, "max_jobs: 0 "),
        ("frames.every", 0, "frames.every: 0 "),
        ("frames.per_video", 10_001, "frames.per_video: 10001 "),
        ("frames.per_video", 0, "frames.per_video: 0 "),
        ("frames.format", "gif", "frames.format: 'gif' "),
        ("frames.jpeg_quality", 101, "frames.jpeg_quality: 101 "),
        ("faces.size", 15, "faces.size: 15 "),
        ("faces.margin", -0.1, "faces.margin: -0.1 "),
        ("faces.choose", "first", "faces.choose: 'first' "),
        ("faces.min_confidence", 1.1, "faces.min_confidence: 1.1 "),
        ("faces.thresholds", [0.6, 0.7], "faces.thresholds[2]: missing"),
        ("evaluation.false_alarms", 0.1, "it is verdict.max_false_alarms now"),
        ("evaluation.threshold", "false_alarms", "it is verdict.max_false_alarms now"),
        ("verdict.max_missed", 0, "verdict.max_missed: 0 should be greater than 0"),
        ("faces.thresholds", [0.6, "x", 0.8], "faces.thresholds[1]: 'x' "),
        ("faces.thresholds", [0.6, 0.7, 1.0], "faces: thresholds must lie between 0 and 1"),
        ("faces.detect_at", 63, "faces: detect_at must lie between 64 and 10000"),
        ("faces.detect_at", "small", "faces.detect_at: 'small' "),
        ("faces.jpeg_quality", 0, "faces: jpeg_quality must lie between 1 and 100"),
        ("split.protocols", ["grouped", "leaky"], "split.protocols[1]: 'leaky' "),
        ("split.protocols", ["frame", "frame"], "split: a protocol appears twice"),
        ("split.test_size", 1, "split.test_size: 1 "),
        ("split.folds.k", 1, "split.folds.k: 1 "),
        ("split.folds.shuffle", "perhaps", "split.folds.shuffle: 'perhaps' "),
        ("split.rows.every", 0, "split.rows.every: 0 "),
        ("sweep.svm.kernel", ["rbf", "cubic"], "sweep.svm.kernel[1]: 'cubic' "),
        ("sweep.svm.C", [1, -1], "sweep.svm.C[1]: -1 "),
        ("sweep.svm.C", 0, "sweep.svm.C[0]: 0 "),
        ("sweep.svm.C", ["1e-3", "a lot"], "sweep.svm.C[1]: 'a lot' "),
        ("sweep.svm.gamma", ["scale", 0], "sweep.svm.gamma[1]: 0 "),
        ("sweep.logistic.intercept", "none", "sweep.logistic.intercept[0]: 'none' "),
        ("sweep.forest.n_estimators", [10, 0], "sweep.forest.n_estimators[1]: 0 "),
        ("sweep.forest.n_estimators", [10.5], "sweep.forest.n_estimators[0]: 10.5 "),
        ("sweep.mesonet.side", [64, 100], "sweep.mesonet.side[1]: 100 "),
        ("sweep.mesonet.epochs", [5, 0], "sweep.mesonet.epochs[1]: 0 "),
        ("sweep.forest.max_features", "half", "sweep.forest.max_features[0]: 'half' "),
        ("sweep.forest.max_features", 1.5, "sweep.forest.max_features[0]: 1.5 "),
        ("sweep.ridge.alpha", 0, "sweep.ridge.alpha[0]: 0 "),
        ("sweep.elasticnet.l1_ratio", 0, "sweep.elasticnet.l1_ratio[0]: 0 "),
        ("sweep.elasticnet.l1_ratio", [0.5, 1.1], "sweep.elasticnet.l1_ratio[1]: 1.1 "),
        ("sweep.lda.shrinkage", "much", "sweep.lda.shrinkage[0]: 'much' "),
        ("sweep.lda.shrinkage", 1.5, "sweep.lda.shrinkage[0]: 1.5 "),
        ("sweep.qda.reg_param", 0, "sweep.qda.reg_param[0]: 0 "),
        ("sweep.mahalanobis.shrinkage", 0, "sweep.mahalanobis.shrinkage[0]: "),
        ("sweep.knn.n_neighbors", 1.5, "sweep.knn.n_neighbors[0]: 1.5 "),
        ("search.score", "f1", "search.score: 'f1' "),
        ("evaluation.level", 0.5, "evaluation.level: 0.5 "),
        ("evaluation.resamples", 10, "evaluation.resamples: 10 "),
    ],
)
def test_a_wrong_value_is_one_line_with_its_place(path: str, value: object, place: str) -> None:
    (line,) = problems(with_key(path, value))
    assert line.startswith("my.yaml: ")
    assert place in line


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("runn", "run"),
        ("frames.per_vido", "per_video"),
        ("faces.jpeg_qualty", "jpeg_quality"),
        ("split.folds.shufle", "shuffle"),
        ("sweep.svn", "svm"),
        ("sweep.svm.gama", "gamma"),
        ("sweep.forest.n_estimator", "n_estimators"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_known(path: str, nearest: str) -> None:
    assert problems(with_key(path, 1)) == [f"my.yaml: {path}: unknown key; did you mean {nearest}?"]


def test_an_unknown_key_like_no_other_is_answered_with_all_known() -> None:
    (line,) = problems(with_key("split.folds.zzzzzz", 1))
    assert line == "my.yaml: split.folds.zzzzzz: unknown key; known are k, shuffle"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("sweep.svm.C", [0.001]),
        ("sweep.svm.gamma", [0.001]),
        ("sweep.logistic.C", [0.001]),
        ("sweep.mesonet.learning_rate", [0.001]),
        ("sweep.forest.max_features", [0.001]),
        ("sweep.lda.shrinkage", [0.001]),
        ("sweep.qda.reg_param", [0.001]),
        ("faces.margin", 0.001),
        ("split.test_size", 0.001),
    ],
)
def test_a_number_that_yaml_reads_as_a_word_is_a_number(path: str, expected: object) -> None:
    value = yaml.safe_load("1e-3")
    assert value == "1e-3"
    found: object = config.load(with_key(path, value), "my.yaml")
    for part in path.split("."):
        found = getattr(found, part)
    assert found == expected


NUMBERS = [
    path
    for path, default, *_ in KEYS
    if re.match(r"\[?[0-9]", default)
    or path in ("faces.detect_at", "faces.jpeg_quality", "sweep.svm.gamma", "sweep.lda.shrinkage")
]


@pytest.mark.parametrize("path", [*NUMBERS, "sweep.forest.max_features"])
@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_no_number(path: str, value: bool) -> None:
    for wrong in (value, [value, value, value]):
        assert all(line.startswith(f"my.yaml: {path}") for line in problems(with_key(path, wrong)))


def test_the_numbers_above_are_most_keys() -> None:
    assert len(NUMBERS) > 20


def crossed(**cross: object) -> dict:
    return {"sweep": {"svm": {}}, "split": {"protocols": ["cross"], "cross": cross}}


def test_the_protocol_cross_needs_both_its_sides() -> None:
    for lacking in ({}, {"train": ["a"]}, {"test": "a"}, {"train": [], "test": ["a"]}):
        (line,) = problems(crossed(**lacking))
        assert line.startswith("my.yaml: split: the protocol cross needs cross.train and")
    (line,) = problems(crossed(train=["a", "b"], test=["b", "c"]))
    assert line == "my.yaml: split.cross: b is on both sides"
    filled = config.load(crossed(by="compression", train="c23", test=["c40"]), "my.yaml")
    assert filled.split.cross.train == ["c23"]


def test_several_problems_are_told_at_once() -> None:
    lines = problems(
        {
            "zzz": 1,
            "frames": {"every": 0, "formt": "png"},
            "sweep": {"svm": {"C": [1, -1, "x"], "kernel": ["cubic"]}},
        }
    )
    assert sorted(line.split(": ")[1] for line in lines) == [
        "frames.every", "frames.formt", "sweep.svm.C[1]", "sweep.svm.C[2]",
        "sweep.svm.kernel[0]", "zzz",
    ]  # fmt: skip


@pytest.mark.parametrize("sweep", [{}, {"svm": None}, {"svm": None, "forest": None}])
def test_a_sweep_without_a_model_is_refused(sweep: dict) -> None:
    (line,) = problems({"sweep": sweep})
    assert line.startswith("my.yaml: sweep: names no model")


def test_a_missing_sweep_is_refused() -> None:
    (line,) = problems({})
    assert line.startswith("my.yaml: sweep: missing")


def test_an_empty_grid_is_refused() -> None:
    (line,) = problems(with_key("sweep.svm.C", []))
    assert line.startswith("my.yaml: sweep.svm.C: ")


def test_a_model_set_to_null_is_off() -> None:
    assert load("sweep: {svm: null, forest: {}}").sweep.names() == ["forest"]


def test_a_single_value_is_a_grid_of_one() -> None:
    assert load("sweep: {svm: {C: 3, kernel: linear}}").sweep.svm.C == [3.0]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_configurations_load(path: Path) -> None:
    loaded = config.load(yaml.safe_load(path.read_text(encoding="utf-8")), path.name)
    assert loaded.sweep.names()


def test_there_are_shipped_configurations() -> None:
    expected = {"config.yaml", "faceforensics.yaml", "original.yaml"}
    assert expected <= {path.name for path in SHIPPED}


STRANGE = [
    None, "x", "", -1, -1.5, 10**400, -(10**400), 1 << 40_000, 1e400, -1e400, float("nan"),
    [], {}, [[1]], {"a": 1}, {1: 2}, {None: 1}, {(1, 2): 3}, {"a\nb": 1}, b"x", {1, 2},
    "9" * 5000, "a\nb", "nan", "inf", "-inf", nested(3000, dict), nested(3000, list), object(),
]  # fmt: skip


@pytest.mark.parametrize("path", ["", *SECTIONS, *PATHS])
def test_whatever_stands_there_only_a_config_error_is_raised(path: str) -> None:
    """Messages stay one short line each; what is accepted can be computed with."""
    for value in STRANGE:
        values = with_key(path, value) if path else value
        try:
            accepted = config.load(values, "my.yaml")
        except config.ConfigError as error:
            lines = str(error).split("\n")
            assert all(re.match(r"my\.yaml: .", line) and len(line) < 300 for line in lines)
        else:
            for number in _numbers(accepted.model_dump()):
                assert -(10**10) < number < 10**10


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict | list | tuple):
        inner = value.values() if isinstance(value, dict) else value
        return [number for item in inner for number in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


@pytest.mark.parametrize("path", SECTIONS)
@pytest.mark.parametrize("value", [[], [1], "x", 3])
def test_a_section_must_be_a_mapping(path: str, value: object) -> None:
    lines = problems(with_key(path, value))
    assert f"my.yaml: {path}: should be a mapping of keys" in lines


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in itertools.pairwise("abcdefghijklmnopqrst")
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("seed: 1\nrun: x\nseed: 2\n", "line 3: the key 'seed' appears twice"),
        ("sweep:\n  svm: {C: 1, C: 2}\n", "line 2: the key 'C' appears twice"),
        ("seed: !!python/object/apply:os.mkdir [PLACE]\n", "line 1: could not determine"),
        ("seed: !!python/name:os.system\n", "line 1: could not determine"),
        ("seed: !!python/object/new:os.system [x]\n", "line 1: could not determine"),
        ("a: [1,\n", "line 2: "),
        ("\ta: 1\n", "line 1: found character"),
        ("a: \0\n", "unacceptable character"),
        ("a: *nowhere\n", "line 1: found undefined alias"),
        ("? [a]\n: 1\n", "line 1: found unhashable key"),
        ("a: 1\n---\nb: 2\n", "line 2: but found another document"),
        (f"seed: {'9' * 5000}\n", "Exceeds the limit"),
        (f"seed: {'[' * 3000}{']' * 3000}\n", "recursion"),
        (b"a: \xe9\n", "can't decode byte"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_no_plain_yaml_is_refused_in_one_line(
    tmp_path: Path, text: str | bytes, reason: str
) -> None:
    file, place = tmp_path / "my.yaml", tmp_path / "made"
    content = text if isinstance(text, bytes) else text.replace("PLACE", str(place)).encode()
    file.write_bytes(content)
    with pytest.raises(config.ConfigError) as refused:
        schema.read_yaml(file)
    line = str(refused.value)
    assert line.startswith(f"{file}: ")
    assert reason in line
    assert len(line) < len(str(file)) + 300
    assert "\n" not in line
    assert not place.exists()


@pytest.mark.parametrize(
    "text", [LAUGHS, f"{LAUGHS}sweep: {{svm: {{C: *t}}}}\n", "sweep: {svm: {C: &c [*c]}}\n"],
    ids=["at the top", "in a grid", "in itself"],
)  # fmt: skip
def test_yaml_that_unfolds_without_end_is_refused_as_it_is(tmp_path: Path, text: str) -> None:
    """Twenty lists, each of ten times the former: 10^19 words if they were written out."""
    (tmp_path / "my.yaml").write_text(text)
    assert all(len(line) < 300 for line in problems(schema.read_yaml(tmp_path / "my.yaml")))


def test_a_key_that_is_merged_from_another_section_may_be_given_again(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n")
    assert schema.read_yaml(tmp_path / "my.yaml")["b"] == {"x": 3, "y": 2}


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match=r"none\.yaml: No such file"):
        schema.read_yaml(tmp_path / "none.yaml")


def test_the_table_of_keys_names_every_key_once() -> None:
    assert len(set(PATHS)) == len(PATHS)
    assert {"run", "frames.every", "split.folds.k", "sweep.forest.max_features"} <= set(PATHS)
