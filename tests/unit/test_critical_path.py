"""The chain of jobs that a run cannot be faster than."""

import json
from pathlib import Path

import pytest

from deepfake.workflow import critical_path

RUN = "results/made-up"
OUTPUTS = {
    "faces": [f"{RUN}/faces/{{batch}}.npy", f"{RUN}/faces/{{batch}}.tsv"],
    "rows": [f"{RUN}/rows.tsv"],
    "search": [f"{RUN}/{{protocol}}/{{model}}/{{fold}}.tsv"],
    "summary": [f"{RUN}/summary.tsv"],
}
FACES = [f"{RUN}/faces/b1.npy", f"{RUN}/faces/b2.tsv"]
SEARCHED = [f"{RUN}/grouped/{model}/0.tsv" for model in ("svm", "forest")]


def record(seconds: float, rule: str, inputs: list[str], **wildcards: str) -> str:
    """A line of Snakemake's extended benchmark."""
    read = dict.fromkeys(inputs, 1.0)
    found = {"s": seconds, "rule_name": rule, "wildcards": wildcards, "input_size_mb": read}
    return json.dumps(found) + "\n"


@pytest.fixture
def benchmarks(tmp_path, monkeypatch) -> Path:
    """Those of a run of two batches and two models; names are relative, as in a run."""
    monkeypatch.chdir(tmp_path)
    folder = Path(RUN, "benchmarks")
    search = {"protocol": "grouped", "fold": "0"}
    for name, text in {
        "faces/b1": record(5, "faces", ["clips/one.mp4"], batch="b1"),
        "faces/b2": record(7, "faces", [], batch="b2"),
        "rows": record(1, "rows", FACES),
        "search/grouped.svm.0": record(2, "search", [f"{RUN}/rows.tsv"], model="svm", **search),
        # nothing waits for rows here, so it is on no long chain
        "search/grouped.forest.0": record(10, "search", [], model="forest", **search),
        "summary": record(3, "summary", SEARCHED),
        # what the run does not need, as of a model that is no longer in its sweep
        "search/grouped.knn.0": record(99, "search", [FACES[0]], model="knn", **search),
    }.items():
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def found(benchmarks: Path) -> critical_path.CriticalPath:
    return critical_path.find(benchmarks, OUTPUTS, [f"{RUN}/summary.tsv", "videos.tsv"])


def test_the_chain_of_most_seconds_is_found_however_many_jobs_it_has(benchmarks):
    path = found(benchmarks)
    assert [(step.job, step.seconds) for step in path.steps] == [
        ("faces b2", 7), ("rows", 1), ("search 0 svm grouped", 2), ("summary", 3),
    ]  # fmt: skip
    assert path.seconds == 13
    assert path.seconds_by_name() == {"faces": 7, "rows": 1, "search svm": 2, "summary": 3}
    assert path.lacking == ()


def test_of_a_repeated_job_the_last_record_counts(benchmarks):
    file = benchmarks / "faces" / "b2.jsonl"
    file.write_text(file.read_text() + record(0.5, "faces", [], batch="b2"))
    path = found(benchmarks)
    # b1 takes longer now, but the forest's search alone takes longer than both and the SVM's
    assert [step.job for step in path.steps] == ["search 0 forest grouped", "summary"]
    assert path.seconds == 13


def test_files_whose_jobs_left_no_record_are_told(benchmarks):
    (benchmarks / "rows.jsonl").unlink()
    path = found(benchmarks)
    assert [step.job for step in path.steps] == ["search 0 forest grouped", "summary"]
    assert path.lacking == (f"{RUN}/rows.tsv",)


def test_records_without_names_give_no_chain(benchmarks):
    """Those of another profile, or of rules that were called otherwise."""
    for file in benchmarks.rglob("*.jsonl"):
        file.write_text('{"s": 3}\n{"s": 3, "rule_name": "faces", "wildcards": {"part": "1"}}\n')
    assert found(benchmarks).steps == ()
    assert critical_path.find(benchmarks / "none", OUTPUTS, [f"{RUN}/rows.tsv"]).steps == ()


def test_a_circle_of_records_ends(benchmarks):
    """As a record of older code could make it."""
    (benchmarks / "rows.jsonl").write_text(record(20, "rows", [f"{RUN}/summary.tsv"]))
    assert found(benchmarks).seconds == 25
