"""What a run must know of a model besides its mathematics, as one frozen record a model.

Everything that lists models is derived from these records: see `catalogue`. They import nothing
heavy, because the Snakefile reads them in every job. The mathematics import no record, so a formula
of memory that changes here trains nothing again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from deepfake.core.schema import Section
from deepfake.models.job_size import Size

Candidate = dict[str, Any]
SCALINGS = ("none", "standard")  # the simpler first


def one_thread(size: Size) -> int:
    """Threads of a job that has use for one alone."""
    return 1


def linear_algebra_threads(size: Size) -> int:
    """Threads of a job that mostly waits for products and decompositions of matrices."""
    return min(4, 1 + size.rows // 4000)


def number(value: Any) -> tuple[bool, float, str]:
    """A key that sorts words before numbers, and numbers ascending."""
    return (True, value, "") if isinstance(value, int | float) else (False, 0, str(value))


@dataclass(frozen=True)
class Formulas:
    """What a job requests, by the size of its data.

    Attributes:
        memory: bytes, without the Snakemake inside the job.
        seconds: by size and threads.
        threads: how many the job has use for.
    """

    memory: Callable[[Size], float]
    seconds: Callable[[Size, int], float]
    threads: Callable[[Size], int] = one_thread


@dataclass(frozen=True)
class ModelSpec:
    """A model as the configuration, the plan, the cluster and the report see it.

    Attributes:
        grid: the keys under `sweep.<name>`, each a list of values to try.
        position: in lists of all models, the smallest first: the order of the keys, of the jobs
            and of the colours in charts.
        rank: among all models, the simplest first: of models of equal scores the one of the
            smallest rank is best.
        order: sorts candidates, the simplest first: of equal scores the first is best.
        axis: the setting along which the report draws the score of the search.
        formulas: what its jobs ask for. `search` stands for its searches and for all that has no
            formula of its own; the others are `fit`, `evaluate` (the scoring of new rows),
            `merge` (of what other jobs grew) and `columns` (of searches and fits in the columns).
        in_columns: whether a candidate is solved in the columns where there is no Gram matrix.
        meaningful: a candidate without the settings that have no effect beside its others.
        prefix: the setting whose smaller values are scored on the way to the largest, so that
            candidates that differ in it alone are one job.
        max_columns: the most columns of a feature set that it takes, or None.
        pixels_only: whether it takes pixels alone, because it needs pictures.
        keeps_training_rows: whether a bundle may hold rows of the training, which new rows are
            compared with.
        combines: whether it joins other models of the sweep, and is not searched itself.
        search_rule: the rule that scores its candidates.
        compiled: whether its code is compiled by a job of its own before.
    """

    grid: type[Section]
    position: int
    rank: int
    order: Callable[[Candidate], Any]
    axis: str
    formulas: Mapping[str, Formulas] = field(hash=False)
    in_columns: Callable[[Candidate], bool] = lambda candidate: False
    meaningful: Callable[[Candidate], Candidate] = dict
    prefix: str | None = None
    max_columns: int | None = None
    pixels_only: bool = False
    keeps_training_rows: bool = False
    combines: bool = False
    search_rule: str = "search"
    compiled: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "formulas", MappingProxyType(dict(self.formulas)))

    @property
    def uses_gram(self) -> bool:
        """Whether it learns from a Gram matrix: then its grid says how the features are scaled."""
        return "scaling" in self.grid.model_fields
