"""Tests of the jobs of a run and their sizes, before anything runs."""

import re
from pathlib import Path

from deepfake.workflow import config, extra_jobs, resources, variants
from deepfake.workflow.plan import LONG_CLIP, Plan

RULES = Path(__file__).resolve().parents[2] / "rules"
OTHER_PLANS = ("classify", "windows", "person", "enroll")


def plan(videos: int, per_job: int, calibration: dict | None = None, **settings) -> Plan:
    rows = [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": "real", "batch": f"b{n // per_job}"}
        for n in range(videos)
    ]
    made = config.load({"sweep": {"forest": {}}} | settings, "x")
    base = variants.branches(made)[""]
    return Plan(made, rows, calibration=calibration, branch=base)


def test_clips_that_are_decoded_whole_are_planned_as_long_ones():
    batch = {"batch": "b0"}
    start, whole, sparse = (
        plan(100, 50, frames={"every": every, "span": span})
        for every, span in ((30, "start"), (30, "whole"), (10_000, "whole"))
    )
    assert start.size(batch).decoded == 210
    assert whole.size(batch).decoded == LONG_CLIP
    assert sparse.size(batch).decoded == 70_000
    assert whole.minutes("frames", batch) > start.minutes("frames", batch)
    assert whole.mem_mb("faces", batch) == start.mem_mb("faces", batch)


def test_every_face_that_is_kept_needs_its_memory():
    rows = [{"video_id": "v", "path": "v.mp4", "label": "", "batch": "b"}]
    one, eight = (Plan(config.load({"sweep": {"forest": {}}}, "x"), rows, faces=n) for n in (1, 8))
    for rule in ("faces", "classify_batch"):
        more = eight.mem_mb(rule, {"batch": "b"}) - one.mem_mb(rule, {"batch": "b"})
        assert more >= 7 * 7 * 320 * 320 * 3 // 2**20


def test_a_network_is_trained_on_pixels_alone():
    grids = {"mesonet": {}, "logistic": {}, "average": {}}
    made = plan(10, 5, sweep=grids, features=["pixels", "residuals"])
    assert made.models("pixels") == ["logistic", "mesonet", "average"]
    assert made.models("residuals") == ["logistic"]  # nothing else to average it with


def test_every_rule_that_is_submitted_is_planned_with_a_formula():
    """Those of downloads and of videos that are asked about have other plans."""
    written = {
        name
        for path in RULES.glob("*.smk")
        if path.stem not in (*OTHER_PLANS, "download", "stages")
        for name in re.findall(r"^(?:use rule \w+ as|rule) (\w+)", path.read_text(), flags=re.M)
    } - {"leakage", "robustness", "transfer", "null"}  # done where Snakemake runs
    values = {
        "features": ["pixels", "lbp"],
        "sweep": {"forest": {}, "logistic": {}, "svm": {}, "mesonet": {}, "average": {}},
        "search": {"trees_per_job": 50},
        "split": {"protocols": ["grouped", "frame"]},
    }
    found = {}
    for more in (
        {"report": {"published": "original"}, "variants": {"wide": {"faces": {"margin": 0.3}}}},
        {"training": {"copies": {"crf": [40]}}},
    ):
        others = {"calibrate-on.b0": [{"video_id": "w", "path": "w.mp4", "label": "real"}]}
        made, chosen = plan(10, 5, others, **values | more), config.load(values | more, "x")
        for rule, wildcards in [*made.jobs(), *extra_jobs.jobs(chosen, made)]:
            found.setdefault(rule, []).append(wildcards)
            for name in made.formulas(rule, wildcards):
                assert resources.mem_mb(name, made.size(wildcards)) >= resources.LEAST_MB
    assert written - found.keys() == set()
    assert found.keys() - written == set()
    assert {one["protocol"] for one in found["robustness_scores"]} == {"grouped", "plain-grouped"}
    assert len(found["perturbed_features"]) == 2 * 2


def test_every_rule_of_videos_that_are_named_has_a_formula():
    written = {
        name
        for stem in OTHER_PLANS
        for name in re.findall(r"^rule (\w+)", (RULES / f"{stem}.smk").read_text(), flags=re.M)
    } - {"classify", "enroll"}  # done where Snakemake runs
    assert {"classify_batch", "windows", "person_scores", "enrolment"} <= written
    assert written <= resources.OF_RULES.keys()


def test_what_a_persons_model_requests_is_told_before_it_starts():
    made = plan(10, 5)
    hours = 2 * made.minutes("windows", {"batch": "b0"}) / 60
    line = extra_jobs.to_enroll(made, 10)
    assert line.startswith(f"10 videos to learn from in 2 batches; at most {hours:.3g} core hours")
    assert extra_jobs.to_classify(made, 10, person=True) != extra_jobs.to_classify(made, 10)


def test_a_model_that_holds_rows_asks_for_the_time_of_all_perturbations():
    values = {"sweep": {"svm": {}, "logistic": {}}}
    made = plan(2000, 50, **values)
    place = {"protocol": "grouped", "features": "pixels"}
    svm, logistic = (
        made.minutes("robustness_scores", place | {"model": model}) for model in ("svm", "logistic")
    )
    assert svm > 4 * made.minutes("evaluate", place | {"model": "svm"})
    assert logistic < svm / 2


def test_many_rows_of_few_columns_need_no_gram_matrix():
    """Only in feature sets and of models that can do without, and with requests of their own."""
    sweep = {"svm": {"kernel": ["linear"]}, "logistic": {}, "ridge": {}, "forest": {}}
    settings = {"sweep": sweep, "features": ["lbp", "pixels"]}
    few, many = plan(1000, 50, **settings), plan(20_000, 500, **settings)
    assert few.training_rows() < 50_000 < many.training_rows()
    for model in ("svm", "logistic", "ridge"):
        assert few.grams(model, "lbp", fold="0") == ["standard.0"]
        assert many.grams(model, "lbp", fold="0") == []
        assert many.grams(model, "pixels", fold="0") == ["standard.0"]
        search = {"features": "lbp", "protocol": "grouped", "model": model, "chunk": "c000"}
        assert (
            many.formulas("search", search) == many.formulas("fit", search) == [f"{model} columns"]
        )
        assert few.formulas("search", search) == [model]
        assert many.mem_mb("search", search) < 1000
    svm = {"features": "lbp", "protocol": "grouped", "model": "svm"}
    assert many.formulas("evaluate", svm) == ["evaluate"]  # weights, no rows
    assert few.formulas("evaluate", svm) == ["svm evaluate"]
    assert "rows robustness_scores" not in many.formulas("robustness_scores", svm)
    assert many.formulas("search", svm | {"model": "forest", "chunk": "c000"}) == ["forest"]
    places = [job["features"] for rule, job in many.jobs() if rule == "gram"]
    assert set(places) == {"pixels"}


def test_a_grid_with_a_kernel_needs_its_gram_matrix_whatever_the_columns():
    made = plan(20_000, 500, sweep={"svm": {"kernel": ["linear", "rbf"]}}, features=["lbp"])
    assert made.grams("svm", "lbp") == ["standard.all"]


def test_trees_on_fewer_rows_ask_for_less():
    """The largest draw of the candidates counts, since which of them is fitted is not known yet."""
    place = {"features": "lbp", "protocol": "grouped", "model": "forest"}

    def size(*max_samples: float | None):
        grid = {"n_estimators": [50_000], "max_samples": list(max_samples)}
        made = plan(2000, 100, features=["lbp"], sweep={"forest": grid})
        return made.mem_mb("fit", place), made.size(place).drawn

    (most, every), (least, few) = size(None, 0.1), size(0.1)
    assert few == round(0.1 * every)
    assert least < most / 2
    assert size(50)[1] == 50
