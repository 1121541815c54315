"""What a job asks of the cluster: threads, memory and time, from the known size of the data.

Formulas by rule or model, with constants from runs at three sizes: benchmarks/used.tsv. A test
holds them to it, and names those that are estimates still. A later attempt asks for more. The
Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from deepfake.frames import DECODER_BYTES, most_bytes
from deepfake.sweep import WIDEST

LEAST_MB = 500  # Snakemake itself needs 250 MB inside a job
LEAST_MINUTES = 10
MEMORY_GROWTH = 1.5  # a failed attempt asks for so many times more
TIME_GROWTH = 2.0

NETWORK = 2e6  # bytes a second
FLOPS = 40e9  # float32 multiply-adds a second and thread, two thirds of what the slowest had
MB = 2**20


@dataclass(frozen=True)
class Size:
    """How large a job's data is.

    Attributes:
        videos: in the batch. frames: sampled a video, out of so many `decoded` ones.
        patience: seconds after which a video's decoding is given up.
        rows: of the matrix, at most. features: of a row.
        training, tested: rows that models learn from, and are tested on, at most.
        candidates: scored by the job. trees: grown by the job.
        epochs: of a network's training. batch: faces of a step. side: of a face, in pixels.
        perturbations: under which each clip of the test is seen.
        download: bytes that the job brings over the network.
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
    epochs: int = 0
    batch: int = 0
    side: int = 0
    perturbations: int = 0
    download: float = 0.0

    @property
    def square(self) -> float:
        """Bytes of one float64 matrix of training x training rows."""
        return 8.0 * self.training**2

    @property
    def narrow(self) -> int:
        """Features of a set that `sweep.NARROW` models take."""
        return min(self.features, WIDEST)

    @property
    def table(self) -> float:
        """Bytes of a float64 matrix of the training rows of such a set."""
        return 8.0 * self.training * self.narrow

    @property
    def in_play(self) -> int:
        """Features that an elastic net holds, at most: see `elasticnet.most_columns`."""
        return min(self.features, max(5000, self.training))

    @property
    def matrix(self) -> float:
        """Bytes of a feature set's matrix."""
        return float(self.rows) * self.features

    @property
    def taught(self) -> float:
        """Bytes of the matrix' training rows."""
        return float(self.training) * self.features

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


def threads(rule: str, size: Size) -> int:
    """Threads of a job: as many as it has use for, so small data take one."""
    if rule == "gram":
        return min(8, 1 + size.rows // 2000)
    if rule == "forest":
        return min(16, 1 + size.rows * size.trees // 5_000_000)
    if rule == "mesonet":  # a fifth of a step is done by one thread
        return min(4, 1 + int(size.shown // 1e9))
    if rule in ("svm", "svm fit", "logistic", "ridge", "lda", "qda"):
        return min(4, 1 + size.rows // 4000)
    return 1


def mem_mb(rule: str, size: Size, attempt: int = 1) -> int:
    """Memory of a job in MB (2**20 bytes)."""
    return math.ceil(max(LEAST_MB, _MEMORY[rule](size) / MB) * MEMORY_GROWTH ** (attempt - 1))


def minutes(rule: str, size: Size, attempt: int = 1) -> int:
    """Run time of a job in minutes."""
    seconds = _SECONDS[rule](size, threads(rule, size))
    return math.ceil(max(LEAST_MINUTES, seconds / 60) * TIME_GROWTH ** (attempt - 1))


def _decomposition(size: Size) -> float:
    """Seconds in which the covariance of a feature set is taken apart."""
    return 20.0 * size.narrow**2 * (size.narrow + size.training) / FLOPS


def _descent(size: Size) -> float:
    """Seconds in which the weights of an elastic net are found, with all in play that may be."""
    return size.training * min(2e-5 * size.training, 1.8e-9 * size.in_play**2)


_MEMORY = {
    "frames": lambda s: 300 * MB + DECODER_BYTES + most_bytes(s.frames),
    # a video's frames, and the detector on them at `faces.LARGEST`: 160 MB each
    "faces": lambda s: 1200 * MB + most_bytes(s.frames) + s.frames * 180 * MB + s.matrix,
    "features": lambda s: 1000 * MB + s.matrix,  # a face of 4K takes 400 MB
    "rows": lambda s: 300 * MB + 6000 * s.rows,
    "matrix": lambda s: 450 * MB + 3000 * s.rows,
    "compile": lambda s: 500 * MB,
    "split": lambda s: 300 * MB + 6000 * s.rows,
    "gram": lambda s: 1.8 * s.square + 250 * MB,
    "svm": lambda s: 3.8 * s.square + 300 * MB,
    "svm fit": lambda s: 2.8 * s.square + 1.2 * s.taught + 300 * MB,  # all rows may support it
    # the support vectors, and the test's products with them before and after the kernel
    "svm evaluate": lambda s: 1.2 * s.taught + 16.0 * s.tested * s.training + 400 * MB,
    "logistic": lambda s: 4.8 * s.square + 300 * MB,
    "ridge": lambda s: 4.8 * s.square + 300 * MB,
    # the features in play, their products, and a block of the matrix
    "elasticnet": lambda s: (
        500 * MB + (24.0 * s.training + 16.0 * s.in_play) * s.in_play + 100 * s.features
    ),
    "lda": lambda s: 300 * MB + 4 * s.table + 24.0 * s.narrow**2,
    # and ten matrices as the singular values of a class need them
    "qda": lambda s: 300 * MB + 3 * s.table + 84.0 * min(s.training, s.narrow) ** 2,
    # its directions are as many as the rows of each class, or its features
    "qda evaluate": lambda s: (
        250 * MB + 8.0 * min(s.training, 2 * s.narrow) * s.narrow + 40.0 * s.tested * s.narrow
    ),
    # the distances of a fold's rows, or of the test's, and bytes of the training rows
    "knn": lambda s: 250 * MB + 0.3 * s.square + 0.25 * s.table,
    "knn evaluate": lambda s: 300 * MB + 9.0 * s.tested * s.training + 0.25 * s.table,
    "average": lambda s: 250 * MB + s.trees * s.training * 26,
    "forest": lambda s: 1.1 * s.matrix + 350 * MB + s.trees * s.training * 26,  # it is mapped
    "forest merge": lambda s: 350 * MB + s.trees * s.training * 26,
    # TensorFlow, the layers' values for a step, and lines of all faces while they are shrunk
    "mesonet": lambda s: 1150 * MB + 500 * s.batch * s.side**2 + 4 * s.line + 80 * s.rows * s.side,
    "mesonet evaluate": lambda s: 250 * MB + 500 * s.side**2 + 4 * s.line + 80 * s.rows * s.side,
    "choose": lambda s: 300 * MB + (2500 + 8 * s.candidates) * s.rows,
    "evaluate": lambda s: 250 * MB + 1.05 * s.looked_at,
    "summary": lambda s: 500 * MB,
    "previews": lambda s: 700 * MB + s.frames * 4 * MB,
    "report": lambda s: 350 * MB + 7500 * s.rows,
    # and a model, however large; `classify.AT_ONCE` faces are scored at once
    "classify_batch": lambda s: 1500 * MB + 2 * s.matrix + 12 * min(s.rows, 256) * s.features,
    "verdicts": lambda s: 500 * MB,
    "leakage_splits": lambda s: 300 * MB + 9000 * s.rows,
    "leakage_page": lambda s: 500 * MB,
    # a video's frames, then either the detector on them or the encoder, at 4K
    "perturbed_faces": lambda s: (
        1200 * MB + most_bytes(s.frames) + max(s.frames * 180 * MB, 1250 * MB)
    ),
    "perturbed_features": lambda s: 1000 * MB + s.matrix * s.perturbations,
    # faces that are scored at once, and the rows; a model asks for what its evaluation does
    "robustness_scores": lambda s: (
        500 * MB
        + 3 * min(s.tested * s.perturbations, 1024) * s.features
        + 3000 * s.tested * s.perturbations
    ),
    "rows robustness_scores": lambda s: 500 * MB,
    "robustness_page": lambda s: 700 * MB,
    "download_part": lambda s: 500 * MB,
}

_SECONDS = {
    # a few videos may hang until they are given up
    "frames": lambda s, t: 60 + s.videos * (10 + s.frames + s.decoded / 150) + 3 * s.patience,
    # a frame of 4K takes 1.2 s, of 1080p 0.85 s, at `detect_at: 640` 0.1 to 0.5 s
    "faces": lambda s, t: 120 + s.videos * (5 + 3 * s.frames),
    "features": lambda s, t: 60 + 0.1 * s.rows,  # 5 to 10 ms a face of 300 pixels
    "rows": lambda s, t: 60 + s.rows / 1000,
    "matrix": lambda s, t: 120 + s.matrix / 10e6,
    "compile": lambda s, t: 120,
    "split": lambda s, t: 60 + s.rows / 300,  # 700,000 hashes were compared in 580 s
    "gram": lambda s, t: 60 + s.training * s.taught / (FLOPS * t) + s.matrix / 100e6,
    "svm": lambda s, t: 120 + s.candidates * s.training**2 * 5e-7,
    "svm fit": lambda s, t: 120 + s.training**2 * 5e-7 + s.matrix / 50e6,
    "svm evaluate": lambda s, t: 120 + s.tested * s.taught / FLOPS,
    "logistic": lambda s, t: 120 + s.candidates * 15 * s.training**3 / (FLOPS * t),
    "ridge": lambda s, t: 120 + 15 * s.training**3 / (FLOPS * t) + s.matrix / 50e6,
    # a dozen passes over the matrix, and as much again where many features are in play
    "elasticnet": lambda s, t: 120 + s.candidates * (s.matrix / 5e6 + _descent(s)),
    "lda": lambda s, t: 120 + s.candidates * _decomposition(s) / t,
    "qda": lambda s, t: 120 + 2 * _decomposition(s) / t,
    "qda evaluate": lambda s, t: 120 + 4.0 * s.tested * s.narrow**2 / FLOPS,
    "knn": lambda s, t: 120 + s.training**2 * 1e-6 + s.training * s.table / FLOPS,
    "knn evaluate": lambda s, t: 120 + s.training**2 * 1e-6 + s.training * s.table / FLOPS,
    "average": lambda s, t: 120 + s.trees * s.training / 2e6,
    # twice the 0.3 s a tree that 11,187 rows took the slowest: growth is rows x log(rows)
    "forest": lambda s, t: (
        60 + s.matrix / 50e6 + s.trees * 4e-6 * s.training * math.log2(s.training + 2) / t
    ),
    "forest merge": lambda s, t: 120 + s.trees * s.training / 2e6,
    # three times the 6e-7 s a pixel that a thread took
    "mesonet": lambda s, t: 120 + s.matrix / 10e6 + 2e-6 * s.shown / t,
    "mesonet evaluate": lambda s, t: 120 + s.matrix / 10e6 + 2e-6 * s.tested * s.side**2,
    "choose": lambda s, t: 60 + s.rows / 1000,
    "evaluate": lambda s, t: 120 + s.matrix / 50e6 + s.trees * s.tested * 1e-5,
    "summary": lambda s, t: 60,
    "previews": lambda s, t: 60 + s.videos * (1 + s.frames / 10),
    "classify_batch": lambda s, t: 600 + 2 * s.videos + s.rows * s.features * 10_000 / FLOPS,
    "report": lambda s, t: 120 + s.rows / 1000,
    "verdicts": lambda s, t: 60,
    "leakage_splits": lambda s, t: 60 + s.rows / 50,  # six audits
    "leakage_page": lambda s, t: 60,
    # a second a video was seen, at 1080p nine; most of a batch are not in the test
    "perturbed_faces": lambda s, t: (
        300 + s.videos * s.perturbations * (1 + s.frames + s.decoded / 60) + 3 * s.patience
    ),
    "perturbed_features": lambda s, t: 60 + 0.1 * s.rows * s.perturbations,
    "robustness_scores": lambda s, t: (
        300 + s.perturbations * s.tested * (s.features / 50e6 + s.trees * 1e-5 + 2e-6 * s.side**2)
    ),
    # of a model that holds training rows: each with each
    "rows robustness_scores": lambda s, t: 300 + s.perturbations * s.tested * s.taught / FLOPS,
    "robustness_page": lambda s, t: 60,
    "download_part": lambda s, t: 600 + s.download / NETWORK,
}
