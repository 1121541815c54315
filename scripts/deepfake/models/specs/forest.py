"""Random forests as a run sees them; their mathematics: `models.forest`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from deepfake.core.schema import Count, NotBool, NumberOrWord, Section, grid, key
from deepfake.models.job_size import MB
from deepfake.models.model_spec import Formulas, ModelSpec, number

MANY, SHORT = 100_000, 5000  # of `forest.table_of`
CRITERIA = ("gini", "entropy")  # the simpler first


class ForestGrid(Section):
    """Settings of random forests to try."""

    n_estimators: grid(Count) = key(
        [100], "number of trees; the largest is grown once and its prefixes scored", "search"
    )
    max_features: grid(
        Annotated[
            Literal["sqrt", "log2"] | Count | Annotated[float, Field(gt=0, le=1), NotBool],
            NumberOrWord,
        ]
    ) = key(["sqrt"], "features tried at a node: sqrt, log2, a number or a share", "search")
    max_depth: grid(Count | None) = key([None], "most splits above a leaf; null: any", "search")
    min_samples_split: grid(Annotated[int, Field(ge=2, le=10**9), NotBool]) = key(
        [2], "least rows of a node to be split", "search"
    )
    min_samples_leaf: grid(Count) = key([1], "least rows of a leaf", "search")
    criterion: grid(Literal["gini", "entropy"]) = key(["gini"], "impurity of a node", "search")
    class_weight: grid(Literal["balanced"] | None) = key(
        [None], "balanced: both classes weigh alike; null: each row does", "search"
    )
    max_samples: grid(
        Count | Annotated[float, Field(gt=0, le=1), NotBool] | None,
    ) = key(
        [None],
        "rows drawn for a tree: a number, of which there may be fewer, or a share; null: as many "
        "as there are",
        "search",
    )


SPEC = ModelSpec(
    grid=ForestGrid,
    position=30,
    rank=60,
    order=lambda c: (
        c["n_estimators"],
        -c["min_samples_leaf"],
        -c["min_samples_split"],
        c["max_depth"] or math.inf,
        CRITERIA.index(c["criterion"]),
        number(c["max_features"]),
        c["class_weight"] or "",
        number(c["max_samples"] or math.inf),
    ),
    axis="n_estimators",
    prefix="n_estimators",
    compiled=True,
    formulas={
        "search": Formulas(
            memory=lambda s: (
                420 * MB
                + 1.1 * s.matrix  # it is mapped
                + s.trees * s.drawn * 26
                + (s.training_matrix if s.training > MANY and s.features <= SHORT else 0)
            ),
            # twice the 0.3 s a tree that 11,187 rows took the slowest: growth is rows x log(rows)
            seconds=lambda s, t: (
                60 + s.matrix / 50e6 + s.trees * 4e-6 * s.drawn * math.log2(s.drawn + 2) / t
            ),
            threads=lambda s: min(16, 1 + s.rows * s.trees // 5_000_000),
        ),
        # A node of 21 bytes for every four rows drawn (nine were measured), and what is made of it.
        "evaluate": Formulas(
            memory=lambda s: 250 * MB + 1.05 * s.looked_at + 13 * s.trees * s.drawn,
            seconds=lambda s, t: 120 + s.matrix / 50e6 + s.trees * s.tested * 1e-5,
        ),
        "merge": Formulas(
            memory=lambda s: 350 * MB + s.trees * s.drawn * 26,
            seconds=lambda s, t: 120 + s.trees * s.drawn / 2e6,
        ),
    },
)
