"""Published results of the original experiment: scores, times and memory with their sources.

The project is twyunting/Deepfake_Video_Classifier (2021). Every figure is from the job report that
its LSF cluster wrote, kept in its repository under the path in `source`. The figures, and all that
differs from a repetition here, are in published_results.json; JSON, since every job of the workflow
reads it, and YAML takes a hundred times as long. `report.original` repeats its six runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deepfake.core import schema

ROWS, FEATURES = 13_984, 307_200
PROJECT = "https://github.com/twyunting/Deepfake_Video_Classifier"
PROTOCOL = "frame"
SEARCHED = "forest-searched"  # the run whose settings a search chose


@dataclass(frozen=True)
class Run:
    """One published job: a model fitted and tested on the random split by frame.

    Attributes:
        name: ours for it. model: svm, logistic or forest. settings: in plain words.
        confusion: test frames, rows actual, columns predicted, fake first.
        cpu_seconds, run_seconds, memory_mb: of the whole job, whole numbers.
        source: path of the job's report in the project's repository.
        candidate: the settings as a model of ours takes them; empty where they were searched.
        test_size: its own share of the rows in the test; None: the usual one.
    """

    name: str
    model: str
    settings: str
    confusion: tuple[tuple[int, int], tuple[int, int]]
    cpu_seconds: int
    run_seconds: int
    memory_mb: int
    source: str
    candidate: dict = field(default_factory=dict)
    test_size: float | None = None

    @property
    def accuracy(self) -> float:
        """Share of the test frames that were classified correctly."""
        (right_fake, _), (_, right_real) = self.confusion
        return (right_fake + right_real) / sum(map(sum, self.confusion))


def _run(facts: dict) -> Run:
    return Run(**facts | {"confusion": tuple(map(tuple, facts["confusion"]))})


_FILE = schema.read_mapping(Path(__file__).with_suffix(".json"))
RUNS = tuple(map(_run, _FILE["runs"]))
BEST = {run.model: run for run in sorted(RUNS, key=lambda run: run.accuracy)}
REPEATED = {run.name: run for run in RUNS if run.candidate}
# Accuracy that it published on one row in seven of each class, 207 fake and 193 real in the test.
ONE_IN_SEVEN = _FILE["one_in_seven"]
SETTINGS = _FILE["settings"]  # by our keys
SEARCH_IN_TEXT = _FILE["settings_in_article"]
DIFFERENCES = _FILE["differences"]  # that no setting makes equal, by name


def deviations(config: Mapping) -> Iterator[str]:
    """Keys of a configuration, as plain builtins, that are not the original's: with both values."""
    for path, original in SETTINGS.items():
        here: object = config
        for name in path.split("."):
            here = here.get(name) if isinstance(here, Mapping) else None
        if here != original:
            in_text = ", and in its text" if (path, here) in [*SEARCH_IN_TEXT.items()] else ""
            yield f"{path}: {here} here{in_text}, {original} there"
