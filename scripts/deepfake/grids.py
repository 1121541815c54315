"""The keys under `sweep`: each model's settings to try. Not how they are combined: see `sweep`.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deepfake.schema import Count, NotBool, NumberOrWord, Positive, Section, Words, grid, key


class SvmGrid(Section):
    """Settings of support vector machines to try."""

    kernel: grid(Literal["linear", "rbf", "poly"]) = key(["rbf"], "kernel", "search")
    C: grid(Positive) = key([1.0], "penalty of a margin error", "search")
    gamma: grid(Annotated[Literal["scale", "auto"] | Positive, NumberOrWord]) = key(
        ["scale"], "width of rbf and poly: 1/(p var), 1/p or a number", "search"
    )
    scaling: grid(Literal["standard", "none"]) = key(
        ["standard"], "pixels standardised by the training rows, or as they are", "gram"
    )


class LogisticGrid(Section):
    """Settings of logistic regression to try."""

    C: grid(Positive) = key([1.0], "inverse strength of the L2 penalty", "search")
    scaling: grid(Literal["standard", "none"]) = key(
        ["standard"], "pixels standardised by the training rows, or as they are", "gram"
    )
    intercept: grid(Literal["free", "penalised"]) = key(
        ["free"], "intercept free, or penalised as liblinear does", "search"
    )


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


class MesonetGrid(Section):
    """Settings of the neural network MesoNet to try."""

    epochs: grid(Count) = key(
        [20], "epochs; the most are trained once, and fewer scored on the way", "train"
    )
    batch_size: grid(Count) = key([32], "faces of a step", "train")
    learning_rate: grid(Positive) = key([1e-3], "of Adam", "train")
    augment: grid(bool) = key([True], "faces changed a little in each epoch", "train")
    side: grid(Annotated[int, Field(ge=32, le=512, multiple_of=32), NotBool]) = key(
        [128], "side that faces are shrunk to, in steps of 32 (the paper: 256)", "train"
    )


class RidgeGrid(Section):
    """Settings of ridge regression on the labels to try."""

    alpha: grid(Positive) = key([1.0], "strength of the L2 penalty", "search")
    scaling: grid(Literal["standard", "none"]) = key(
        ["standard"], "features standardised by the training rows, or as they are", "gram"
    )


class ElasticNetGrid(Section):
    """Settings of logistic regression with an elastic net to try."""

    C: grid(Positive) = key([0.1], "inverse strength of the penalty", "search")
    l1_ratio: grid(Annotated[float, Field(gt=0, le=1), NotBool]) = key(
        [0.5], "share of the penalty that is L1, which leaves most features out", "search"
    )


class LdaGrid(Section):
    """Settings of linear discriminant analysis to try."""

    shrinkage: grid(
        Annotated[Literal["auto"] | Annotated[float, Field(ge=0, le=1), NotBool], NumberOrWord]
    ) = key(["auto"], "of the covariance: auto is Ledoit and Wolf's, or a share", "search")


class QdaGrid(Section):
    """Settings of quadratic discriminant analysis to try."""

    reg_param: grid(Annotated[float, Field(ge=1e-6, le=1), NotBool]) = key(
        [0.1], "share of each class' covariance that is the identity", "search"
    )


class KnnGrid(Section):
    """Settings of nearest neighbours to try."""

    n_neighbors: grid(Count) = key([15], "neighbours that are asked", "search")


class Average(Section):
    """The models whose probabilities are averaged."""

    members: Words = key(
        [], "models whose calibrated probabilities are averaged; none: all of the sweep", "average"
    )


class Sweep(Section):
    """The models to search, each with its grid."""

    svm: SvmGrid | None = None
    logistic: LogisticGrid | None = None
    forest: ForestGrid | None = None
    mesonet: MesonetGrid | None = None
    ridge: RidgeGrid | None = None
    elasticnet: ElasticNetGrid | None = None
    lda: LdaGrid | None = None
    qda: QdaGrid | None = None
    knn: KnnGrid | None = None
    average: Average | None = None

    @model_validator(mode="after")
    def _check(self) -> Sweep:
        others = [name for name in self.names() if name != "average"]
        if not others:
            known = [name for name in type(self).model_fields if name != "average"]
            raise ValueError(f"names no model; give at least one of {', '.join(known)}")
        if self.average:
            members = self.average.members or others
            if unknown := [name for name in members if name not in others]:
                raise ValueError(
                    f"average.members names {', '.join(unknown)[:60]}; the sweep has "
                    f"{', '.join(others)}"
                )
            if len(set(members)) < 2 or len(set(members)) != len(members):
                raise ValueError("average needs two models or more, each named once")
        return self

    def members(self) -> list[str]:
        """The models that are averaged, in a fixed order."""
        named = self.average.members if self.average else []
        return [name for name in self.names() if name != "average" and name in (named or [name])]

    def names(self) -> list[str]:
        """The models of this sweep, in a fixed order."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]
