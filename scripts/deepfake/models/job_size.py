"""How large a job's data is: what the formulas of memory, time and threads go by.

The Snakefile imports this, so nothing heavy is imported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FLOPS = 40e9  # float32 multiply-adds a second and thread, two thirds of what the slowest had
PASSED = 600e6  # bytes of training rows that a pass reads a second, a fifth of what was measured
MB = 2**20
WIDEST = 5000  # columns of a feature set that a model takes which holds all of them in memory


@dataclass(frozen=True)
class Size:
    """How large a job's data is.

    Attributes:
        videos: in the batch. frames: sampled a video, out of so many `decoded` ones.
        patience: seconds after which a video's decoding is given up.
        rows: of the matrix, at most. features: of a row.
        training, tested: rows that models learn from, and are tested on, at most.
        candidates: scored by the job. trees: grown by the job. drawn_for_a_tree: rows, 0 for all.
        epochs: of a network's training. batch: faces of a step. side: of a face, in pixels.
        perturbations: under which each clip of the test is scored.
        landmarks: that rows are compared with, at most. compared: training rows with which a
            kernel machine compares new ones, at most.
        copies: of each face that the training holds too.
        download: bytes that the job brings over the network.
        whole: videos of the sheet, all batches together. batches: of the sheet.
        variants: rows of all variants, as multiples of those of the base; 0 without variants.
    """

    videos: int = 0
    frames: int = 1
    decoded: int = 0
    patience: int = 0
    rows: int = 0
    features: int = 0
    training: int = 0
    tested: int = 0
    candidates: int = 1
    trees: int = 0
    drawn_for_a_tree: int = 0
    epochs: int = 0
    batch: int = 0
    side: int = 0
    perturbations: int = 0
    landmarks: int = 0
    compared: int = 0
    copies: int = 0
    download: float = 0.0
    whole: int = 0
    batches: int = 0
    variants: float = 0.0

    @property
    def square(self) -> float:
        """Bytes of one float64 matrix of training x training rows."""
        return 8.0 * self.training**2

    @property
    def narrow(self) -> int:
        """Features of a set, where a model takes no more than WIDEST."""
        return min(self.features, WIDEST)

    @property
    def table(self) -> float:
        """Bytes of a float64 matrix of the training rows of such a set."""
        return 8.0 * self.training * self.narrow

    @property
    def in_columns(self) -> float:
        """Bytes of a job that solves a linear model in the columns of such a set."""
        return 300 * MB + self.table / 8 + 250.0 * self.training + 56.0 * self.narrow**2

    @property
    def a_pass(self) -> float:
        """Seconds of a pass over the training rows of such a set."""
        return self.table / 8 / PASSED

    @property
    def products(self) -> float:
        """Seconds in which a thread makes the products of its columns, in float64."""
        return self.training * float(self.narrow) ** 2 / (FLOPS / 4)

    @property
    def decomposition(self) -> float:
        """Seconds in which a thread decomposes the covariance of such a set."""
        return 20.0 * self.narrow**2 * (self.narrow + self.training) / FLOPS

    @property
    def in_play(self) -> int:
        """Features that an elastic net holds, at most: see `elasticnet.most_columns`."""
        return min(self.features, max(5000, self.training))

    @property
    def matrix(self) -> float:
        """Bytes of a feature set's matrix."""
        return float(self.rows) * self.features

    @property
    def training_matrix(self) -> float:
        """Bytes of the matrix' training rows."""
        return float(self.training) * self.features

    @property
    def drawn(self) -> int:
        """Rows of the training that are drawn for a tree."""
        return self.drawn_for_a_tree or self.training

    @property
    def looked_at(self) -> float:
        """Bytes of the features of tested rows that a forest looks at: a node each, or all."""
        return float(self.tested) * min(self.features, self.trees * self.training / 16)

    @property
    def line(self) -> float:
        """Bytes of one line of pixels of all faces."""
        return self.rows * math.sqrt(3.0 * self.features)

    @property
    def shown(self) -> float:
        """Pixels that a network is shown in training."""
        return float(self.epochs) * self.training * self.side**2
