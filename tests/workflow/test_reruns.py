"""What reruns, and why: a key, a module, a package, a file, one changed at a time."""

import copy
import os
import re
import shutil
from base64 import urlsafe_b64encode

import pytest

from deepfake.core import codehash, tables
from deepfake.preprocessing.perturbations import registry as perturbations
from deepfake.workflow import config
from tests.workflow import forked
from tests.workflow.running import DEFAULTS, ROOT, Run, copy_repository, scan, touched

STAGES = ["frames", "faces", "features", "rows", "matrix", "split", "gram", "search", "choose"]
STAGES += ["selection", "fit", "average", "evaluate"]
SWEEP = DEFAULTS["sweep"] | {
    "ridge": {}, "elasticnet": {}, "lda": {}, "qda": {}, "knn": {"n_neighbors": [3]},
    "mahalanobis": {}, "multilinear": {"scaling": ["standard"]}, "average": {},
}  # fmt: skip
OURS = {"faces": {"size": 32}, "features": ["lbp"], "sweep": SWEEP}
FITTED = [f"models.{name}" for name in SWEEP if name != "average"]
BY_NAME = {
    "features": ["features.lbp"],
    "search": FITTED,
    "selection": [*FITTED, "models.average"],
    "fit": FITTED,
    "evaluate": [*FITTED, "models.average"],
    "average": FITTED,
}
DEPENDENCIES = {
    rule: codehash.dependencies(rule, *BY_NAME.get(rule, ()))
    for rule in ("compile", *STAGES, "summary", "report")  # a script has its rule's name
}
MODULES = {str(p.relative_to(codehash.SCRIPTS)) for p in ROOT.glob("scripts/deepfake/**/*.py")}
USED = {module for modules, _ in DEPENDENCIES.values() for module in modules}

# Another value for every key; "sheet" is a test of its own.
CHANGED = {
    "seed": 7,
    "max_jobs": 400,
    "frames.every": 5,
    "frames.per_video": 2,
    "frames.span": "whole",
    "frames.format": "jpeg",
    "frames.jpeg_quality": 90,
    "frames.timeout": 500,
    "faces.size": 64,
    "faces.margin": 0.1,
    "faces.detect_at": 160,
    "faces.search": "around",
    "faces.choose": "largest",
    "faces.min_confidence": 0.8,
    "faces.thresholds": [0.5, 0.6, 0.7],
    "faces.resize": "box",
    "faces.jpeg_quality": 75,
    "features": ["noise"],
    "split.protocols": ["frame"],
    "split.test_size": 0.4,
    "split.paired": True,
    "split.folds.k": 3,
    "split.folds.shuffle": False,
    "split.rows.every": 2,
    "sweep.svm.kernel": ["poly"],
    "sweep.svm.C": [2],
    "sweep.svm.gamma": ["auto"],
    "sweep.svm.scaling": ["none"],
    "sweep.svm.landmarks": [9],
    "sweep.logistic.C": [3],
    "sweep.logistic.scaling": ["none"],
    "sweep.logistic.intercept": ["penalised"],
    "sweep.forest.n_estimators": [7],
    "sweep.forest.max_features": ["log2"],
    "sweep.forest.max_depth": [3],
    "sweep.forest.min_samples_split": [4],
    "sweep.forest.min_samples_leaf": [2],
    "sweep.forest.criterion": ["entropy"],
    "sweep.forest.class_weight": ["balanced"],
    "sweep.forest.max_samples": [0.5],
    "search.score": "accuracy",
    "search.candidates_per_job": 1,
    "search.trees_per_job": 8,
    "search.core_hours": 10_000,
    "evaluation.threshold": "model",
    "evaluation.level": 0.9,
    "evaluation.resamples": 300,
    "verdict.max_false_alarms": 0.2,
    "verdict.max_missed": 0.2,
    "verdict.strict": True,
    "report.sample_faces": 2,
    **{
        f"robustness.{name}": [one.limits[1]] if one.limits else not one.default
        for name, one in perturbations.ALL.items()
    },
    "transfer.by": "compression",
    "download.script": "mine.py",
    "download.accept_terms": True,
    "download.folder": "elsewhere",
    "download.datasets": ["FaceSwap"],
    "download.compressions": ["raw"],
    "download.type": "masks",
    "download.server": "CA",
    "download.num_videos": 3,
}
# They change which jobs there are, so nothing else that changes with them would be named.
ALONE = {"features", "split.protocols", "search.candidates_per_job", "search.trees_per_job"}
# All at once, in a test of their own.
OF_NEWER_MODELS = {
    "sweep.ridge.alpha": [2],
    "sweep.ridge.scaling": ["none"],
    "sweep.elasticnet.C": [0.2],
    "sweep.elasticnet.l1_ratio": [0.9],
    "sweep.lda.shrinkage": [0.5],
    "sweep.qda.reg_param": [0.5],
    "sweep.knn.n_neighbors": [5],
    "sweep.mahalanobis.shrinkage": [0.5],
    "sweep.multilinear.components": ["0-1/4"],
    "sweep.multilinear.C": [2],
    "sweep.multilinear.scaling": ["none"],
    "sweep.average.members": ["ridge", "logistic"],
}
# All at once, in a run of their own.
OF_A_NETWORK = {
    "sweep.mesonet.epochs": [1],
    "sweep.mesonet.batch_size": [8],
    "sweep.mesonet.learning_rate": [1e-4],
    "sweep.mesonet.augment": [False],
    "sweep.mesonet.side": [64],
}
# The sides of a protocol that this run does not have: a test of their own.
OF_CROSS = {
    "split.cross.by": "compression",
    "split.cross.train": ["a", "c"],
    "split.cross.test": ["b", "c"],
}
# They need a run with training copies: tests/workflow/test_copies.py
OF_COPIES = {path for path, *_ in config.keys() if path.startswith("training.copies.")}
# It needs a second sheet: tests/workflow/test_calibration_sheet.py
OF_A_SHEET = {"verdict.calibrate_on"}
# It needs linear models alone: tests/workflow/test_columns.py
OF_COLUMNS = {"search.max_gram_rows"}
# Branches of a run: tests/workflow/test_variants.py
OF_VARIANTS = {"variants"}
# It needs the frame split: tests/workflow/test_protocols.py
OF_ORIGINAL = {"report.published"}
KEYS = {path: stage for path, _, _, stage in config.keys() if path not in ("run", "sheet")}


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips) -> Run:
    run = Run(tmp_path_factory.mktemp("reruns"))
    shutil.copytree(demo_clips, run.folder / "clips")
    scan("folders", "demo", run.folder / "clips", run.folder / "videos.tsv", videos_per_job=12)
    run.write_settings(**OURS)
    run.features = run.results / "lbp"
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    assert run.planned() == {}
    return run


def test_every_key_has_another_value_here():
    of_others = {
        *OF_CROSS,
        *OF_ORIGINAL,
        *OF_COPIES,
        *OF_A_SHEET,
        *OF_NEWER_MODELS,
    }
    of_others |= {*OF_A_NETWORK, *OF_COLUMNS, *OF_VARIANTS}
    assert {*CHANGED, *of_others} == set(KEYS)


@pytest.fixture(scope="module")
def follows(run):
    """Rules that would run when some do: these, and all that follow, by Snakemake's graph."""
    graph = run.snakemake("--rulegraph", start=forked.run).stdout
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
    edges = [(names[one], names[two]) for one, two in re.findall(r"(\d+) -> (\d+)", graph)]
    assert {rule for edge in edges for rule in edge} == {*DEPENDENCIES, "all"}

    def of(first: set[str]) -> set[str]:
        found = set(first)
        while more := {two for one, two in edges if one in found} - found:
            found |= more
        # the archive of frames is temporary, so they are taken again
        return found - {"all"} | ({"frames"} if "faces" in found else set())

    return of


@pytest.fixture
def changed(run):
    """The run, whose settings are put back afterwards."""
    before = run.settings
    yield run
    run.settings = before
    run.write_settings()


def with_keys(keys: dict, settings: dict = OURS) -> dict:
    """The run's settings with other values of some keys."""
    values = copy.deepcopy({**DEFAULTS, **settings})
    for path, value in keys.items():
        here = values
        *sections, last = path.split(".")
        for section in sections:
            here = here.setdefault(section, {})
        here[last] = value
    return values


def test_changed_keys_of_several_models_are_all_named(changed, follows):
    changed.write_settings(**with_keys(OF_NEWER_MODELS))
    why = changed.why()
    assert set(why) == follows({"gram"})  # of raw pixels, for ridge
    named = {rule: {line.split(":")[0] for line in reasons} for rule, reasons in why.items()}
    assert {f"key {path}" for path in OF_NEWER_MODELS} <= set().union(*named.values())
    assert "key sweep.average.members" in named["average"]
    assert not any(name.startswith("setting ") for names in named.values() for name in names)


def together() -> dict[str, dict[str, object]]:
    """Keys that one dry run is enough for: those of a stage, and those that rerun nothing."""
    found = {path: {path: CHANGED[path]} for path in sorted(ALONE)}
    for path in sorted(CHANGED.keys() - ALONE):
        stage = "nothing" if KEYS[path] in config.ASIDE else KEYS[path]
        found.setdefault(stage, {})[path] = CHANGED[path]
    return found


@pytest.mark.parametrize("keys", [*together().values()], ids=[*together()])
def test_a_changed_key_reruns_from_its_stage_and_is_named(changed, follows, keys):
    changed.write_settings(**with_keys(keys))
    why = changed.why()
    (stage,) = {None if KEYS[path] in config.ASIDE else KEYS[path] for path in keys}
    in_parts = {"vote", "grow"}  # jobs that there are only where a forest is grown in parts
    assert set(why) - in_parts == follows({stage} if stage else set())
    named = {rule: {line.split(":")[0] for line in reasons} for rule, reasons in why.items()}
    if stage:
        everywhere = set().union(*named.values())
        assert {name for name in everywhere if name.startswith("key ")} == {
            f"key {path}" for path in keys
        }
        assert not {name for name in everywhere if name.startswith("setting ")}
    if len(keys) > 1 and stage:  # each of them alone would rerun its stage, and what follows
        first = "search" if stage == "gram" else stage  # products of another scaling are new
        assert named[first] >= {f"key {path}" for path in keys}


def test_a_changed_side_of_cross_reruns_that_split_alone(run, tmp_path):
    crossed = Run(tmp_path / "copy")
    shutil.copytree(run.folder, crossed.folder)
    videos = [dict(row) for row in tables.read(crossed.folder / "videos.tsv")]
    for number, video in enumerate(videos):
        video["method"] = "c" if video["label"] == "real" else "ab"[number % 2]
        video["compression"] = video["method"]
    tables.write(videos, crossed.folder / "videos.tsv", tuple(videos[0]))
    split = {"protocols": ["grouped", "cross"], "test_size": 0.34, "folds": {"k": 2}}
    split["cross"] = {"by": "method", "train": ["a"], "test": ["b"]}
    crossed.write_settings(**OURS, split=split)
    done = crossed.snakemake("dataset")
    assert done.returncode == 0, done.stdout
    for path, value in OF_CROSS.items():
        last = path.rsplit(".", 1)[1]
        crossed.write_settings(**OURS, split=split | {"cross": split["cross"] | {last: value}})
        ((told, jobs),) = crossed.why()["split"].items()
        assert told.startswith(f"key {path}: ")
        assert jobs == 1


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the repository, in which a module may be changed."""
    folder = tmp_path_factory.mktemp("copy")
    copy_repository(folder)
    return folder


def test_a_touched_module_reruns_the_rules_whose_scripts_import_it(run, copied, follows):
    """All at once: each is named, rule by rule, and there is no other reason."""
    with touched(copied, *sorted(USED)):
        why = run.why(root=copied)
    for module in USED:
        direct = {rule for rule in DEPENDENCIES if module in DEPENDENCIES[rule][0]}
        assert {rule for rule, said in why.items() if f"module {module} changed" in said} == direct
    assert set(why) == follows({rule for rule, (modules, _) in DEPENDENCIES.items() if modules})
    for reasons in why.values():
        assert all(re.fullmatch(r"module \S+ changed|follows from the above", r) for r in reasons)


def test_modules_that_no_rules_script_imports_rerun_nothing(run, copied):
    assert {"deepfake/workflow/plan.py", "deepfake/workflow/config.py"} <= MODULES - USED
    with touched(copied, *sorted(MODULES - USED)):
        assert run.why(root=copied) == {}


PACKAGES = ["jinja2", "keras", "matplotlib", "mtcnn", "opencv-python-headless", "scikit-learn"]


def test_another_version_of_a_package_reruns_the_rules_that_use_it(run, follows, tmp_path):
    """Of several at once: each is named, rule by rule, and there is no other reason."""
    for package in PACKAGES:
        facts = tmp_path / f"{package.replace('-', '_')}-0.0.1.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.0.1\n")
    why = run.why(PYTHONPATH=str(tmp_path))
    rules = set()
    for package in PACKAGES:
        direct = {rule for rule in DEPENDENCIES if package in DEPENDENCIES[rule][1]}
        if package in DEPENDENCIES["faces"][1]:
            direct.add("fit")  # a bundle says which versions made its faces
        named = {
            rule
            for rule, reasons in why.items()
            if any(re.fullmatch(rf"package {package}: \S+ -> 0\.0\.1", line) for line in reasons)
        }
        assert named == direct
        rules |= direct
    assert set(why) == follows(rules)
    for reasons in why.values():
        assert all(line.startswith(("package ", "follows ", "its output was ")) for line in reasons)


def test_a_changed_video_is_named(run):
    clip = run.folder / "clips" / "real" / "s01.mp4"
    before = clip.read_bytes()
    clip.write_bytes(before + b"\n")
    try:
        why = run.why()
    finally:
        clip.write_bytes(before)
    assert why["frames"] == {f"{clip}: newer than what was made of it": 1}
    assert all(why[rule] == {"follows from the above": 1} for rule in ("faces", "rows", "matrix"))
    assert set(why) == set(DEPENDENCIES) - {"compile"}


def test_an_added_video_is_named_and_counted(changed, follows, tmp_path):
    clips = changed.folder / "clips" / "real"
    clip = shutil.copy(clips / "s01.mp4", tmp_path / "added.mp4")
    table = (changed.folder / "videos.tsv").read_text()
    row = next(line for line in table.splitlines() if "/real/s01.mp4" in line)
    row = row.replace(str(clips), str(tmp_path)).replace("s01.mp4", "added.mp4")
    (changed.folder / "more.tsv").write_text(f"{table}{row}\n")
    changed.write_settings(sheet="more.tsv")
    why = changed.why()
    assert set(why["frames"]) == {"videos: 1 added, 0 gone, of 13", f"{clip}: new input"}
    for rule in ("rows", "fit"):
        assert set(why[rule]) == {"more.tsv: new input", "videos.tsv: no input any more"}
    assert set(why) == follows({"frames"})


def test_a_changed_script_is_named(run, copied, follows):
    script = copied / "scripts" / "choose.py"
    before = script.stat()
    os.utime(script)
    try:
        why = run.why(root=copied)
    finally:
        os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert why["choose"] == {"script scripts/choose.py changed": len(FITTED)}
    assert set(why) == follows({"choose"})


def test_a_lost_result_is_named(run):
    lost = run.features / "grouped" / "models" / "svm" / "bundle.json"
    moved = lost.rename(lost.with_suffix(".moved"))
    (run.results / "summary.txt").rename(run.results / "summary.moved")
    try:
        why = run.why()
    finally:
        moved.rename(lost)
        (run.results / "summary.moved").rename(run.results / "summary.txt")
    assert why["summary"] == {"results/test/summary.txt: gone": 1}


def test_an_interrupted_job_is_told_as_such(run, follows):
    file = "results/test/lbp/grouped/search/svm.tsv"
    mark = run.folder / ".snakemake/incomplete" / urlsafe_b64encode(file.encode()).decode()
    mark.write_text("{}")  # as Snakemake leaves it when it is killed
    try:
        why = run.why()
    finally:
        mark.unlink()
    assert why["choose"] == {"was interrupted": 1}
    assert set(why) == follows({"choose"})


def test_an_added_candidate_is_told_as_its_key_with_both_values(changed):
    sweep = copy.deepcopy(SWEEP)
    sweep["logistic"]["C"] = ["1e-3", 1, 10]
    changed.write_settings(sweep=sweep)
    why = changed.why()
    told = {"key sweep.logistic.C: [0.001, 1.0] -> [0.001, 1.0, 10.0]"}
    assert why["search"].keys() == told
    assert why["choose"].keys() == told
    assert changed.planned() == {"all": 1} | {
        rule: sum(reasons.values()) for rule, reasons in why.items()
    }


def test_nothing_to_do_is_told_in_one_line(run):
    assert run.why() == {}
    assert run.told.startswith("nothing would run: all ")
    assert run.planned() == {}


def test_what_never_ran_is_told_as_such(changed):
    changed.settings = {**changed.settings, "run": "other"}
    changed.write_settings()
    why = changed.why()
    assert set(why) == set(DEPENDENCIES)
    assert {reason for reasons in why.values() for reason in reasons} == {"not there yet"}
    assert re.match(r"would run: (\d+) of \1 jobs\n", changed.told)


def test_what_a_networks_training_depends_on(run, tmp_path, copied):
    network = Run(tmp_path / "network")
    shutil.copytree(run.folder, network.folder)  # its faces are there
    sweep = {"mesonet": {"epochs": [1, 2], "side": 32}}
    settings = OURS | {"features": ["pixels"], "sweep": sweep}
    network.write_settings(**settings)
    assert "faces" not in network.planned()
    done = network.snakemake()
    assert done.returncode == 0, done.stdout
    assert network.planned() == {}
    after = {"train", "choose", "fit", "selection", "evaluate", "summary", "report"}
    network.write_settings(**with_keys(OF_A_NETWORK, settings))
    why = network.why()
    assert set(why) == after
    named = {line.split(":")[0] for line in why["train"]}
    assert named == {f"key {path}" for path in OF_A_NETWORK}
    network.write_settings(**settings)
    with touched(copied, "deepfake/models/learning.py"):
        why = network.why(root=copied)
    assert set(why) == after
    for rule in ("train", "fit"):
        assert why[rule].keys() >= {"module deepfake/models/learning.py changed"}
