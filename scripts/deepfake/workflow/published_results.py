"""Published results that a run can repeat: their scores, times and memory with their sources.

The original experiment is twyunting/Deepfake_Video_Classifier (2021): every figure is from the job
report that its LSF cluster wrote, kept in its repository under the path in `source`. Others are
from papers. The figures, and all that differs from a repetition here, are in
published_results.json; JSON, since every job of the workflow reads it, and YAML takes a hundred
times as long. `report.published` names what is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deepfake.core import schema

ROWS, FEATURES = 13_984, 307_200  # of the original experiment
PROJECT = "https://github.com/twyunting/Deepfake_Video_Classifier"
SEARCHED = "forest-searched"  # the original's run whose settings a search chose


@dataclass(frozen=True)
class Run:
    """One published model: fitted and tested as its experiment does.

    Attributes:
        experiment: whose it is. name: ours for it. model: of our models. settings: in plain words.
        confusion: of the test, rows actual, columns predicted, fake first; None where it is unsure.
        source: path of the job's report in the original's repository, or place in a paper.
        cpu_seconds, run_seconds, memory_mb: of the whole job, whole numbers; 0 where unknown.
        candidate: the settings as a model of ours takes them; empty where they were searched.
        test_size: its own share of the rows in the test; None: the usual one.
        note: why figures are not shown.
    """

    experiment: str
    name: str
    model: str
    settings: str
    confusion: tuple[tuple[int, int], tuple[int, int]] | None
    source: str
    cpu_seconds: int = 0
    run_seconds: int = 0
    memory_mb: int = 0
    candidate: dict = field(default_factory=dict)
    test_size: float | None = None
    note: str = ""

    @property
    def accuracy(self) -> float:
        """Share of the test that was classified correctly."""
        (right_fake, _), (_, right_real) = self.confusion
        return (right_fake + right_real) / sum(map(sum, self.confusion))


@dataclass(frozen=True)
class Experiment:
    """Published runs on one feature set and split.

    Attributes:
        name: in `report.published`. title: of its section. about: what was done, in sentences.
        features, protocol: on which its runs are repeated.
        unit: frames or videos, of which its figures are. leaky: whether its split leaks.
        notes: sentences on its figures.
        runs: in its order.
        settings: values of a configuration's keys, where it says them, by path.
        settings_in_article: values of some in its text, where its code has others.
        differences: that no setting makes equal, by name.
    """

    name: str
    title: str
    about: str
    features: str
    protocol: str
    unit: str
    leaky: bool
    notes: tuple[str, ...]
    runs: tuple[Run, ...]
    settings: dict
    settings_in_article: dict
    differences: dict[str, str]

    def repeated(self) -> dict[str, Run]:
        """Its runs whose settings are known, by name."""
        return {run.name: run for run in self.runs if run.candidate}

    def deviations(self, config: Mapping) -> Iterator[str]:
        """Keys of a configuration, as plain builtins, that are not as there: with both values."""
        for path, there in self.settings.items():
            here: object = config
            for name in path.split("."):
                here = here.get(name) if isinstance(here, Mapping) else None
            if here != there:
                in_text = (path, here) in [*self.settings_in_article.items()]
                also = ", and in its text" if in_text else ""
                yield f"{path}: {here} here{also}, {there} there"


def _run(experiment: str, facts: dict) -> Run:
    confusion = facts["confusion"] and tuple(map(tuple, facts["confusion"]))
    return Run(experiment, **facts | {"confusion": confusion})


def _experiment(name: str, facts: dict) -> Experiment:
    runs = tuple(_run(name, one) for one in facts["runs"])
    return Experiment(name, **facts | {"runs": runs, "notes": tuple(facts["notes"])})


_FILE = schema.read_mapping(Path(__file__).with_suffix(".json"))
EXPERIMENTS = {name: _experiment(name, facts) for name, facts in _FILE.items()}
ORIGINAL = EXPERIMENTS["original"]
RUNS = ORIGINAL.runs
BEST = {run.model: run for run in sorted(RUNS, key=lambda run: run.accuracy)}


def repeated(names: list[str]) -> dict[str, Run]:
    """The runs that a run of ours repeats, by name, of these experiments."""
    return {name: run for one in names for name, run in EXPERIMENTS[one].repeated().items()}
