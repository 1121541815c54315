"""What a job asks of the cluster: threads, memory and time, from the known size of the data.

One formula a rule, with the constants measured on 2 cores of an AMD EPYC (see benchmarks/). A
later attempt asks for more. The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from deepfake.frames import DECODER_BYTES, most_bytes

LEAST_MB = 500  # Snakemake itself needs 250 MB inside a job
LEAST_MINUTES = 10
MEMORY_GROWTH = 1.5  # a failed attempt asks for so many times more
TIME_GROWTH = 2.0

NETWORK = 2e6  # bytes a second
FLOPS = 20e9  # float32 multiply-adds a second and thread, a third of what was measured
MB = 2**20


@dataclass(frozen=True)
class Size:
    """How large a job's data is.

    Attributes:
        videos: in the batch. frames: sampled a video, out of so many `decoded` ones.
        patience: seconds after which a video's decoding is given up.
        rows: of the matrix, at most. features: of a row.
        candidates: scored by the job. trees: grown by the job.
        download: bytes that the job brings over the network.
    """

    videos: int = 0
    frames: int = 1
    decoded: int = 0
    patience: int = 0
    rows: int = 0
    features: int = 0
    candidates: int = 1
    trees: int = 0
    download: float = 0.0

    @property
    def square(self) -> float:
        """Bytes of one float64 matrix of rows x rows."""
        return 8.0 * self.rows**2

    @property
    def matrix(self) -> float:
        """Bytes of the pixel matrix."""
        return float(self.rows) * self.features


def threads(rule: str, size: Size) -> int:
    """Threads of a job: as many as it has use for, so small data take one."""
    if rule == "gram":
        return min(8, 1 + size.rows // 2000)
    if rule == "forest":
        return min(16, 1 + size.rows * size.trees // 5_000_000)
    if rule in ("svm", "svm fit", "logistic", "original_run"):
        return min(4, 1 + size.rows // 4000)
    return 1


def mem_mb(rule: str, size: Size, attempt: int = 1) -> int:
    """Memory of a job in MB (2**20 bytes)."""
    return math.ceil(max(LEAST_MB, _MEMORY[rule](size) / MB) * MEMORY_GROWTH ** (attempt - 1))


def minutes(rule: str, size: Size, attempt: int = 1) -> int:
    """Run time of a job in minutes."""
    seconds = _SECONDS[rule](size, threads(rule, size))
    return math.ceil(max(LEAST_MINUTES, seconds / 60) * TIME_GROWTH ** (attempt - 1))


_MEMORY = {
    "frames": lambda s: 300 * MB + DECODER_BYTES + most_bytes(s.frames),
    # a video's frames, and the detector on them at `faces.LARGEST`: 160 MB each
    "faces": lambda s: (
        1200 * MB + most_bytes(s.frames) + s.frames * (180 * MB + s.videos * s.features)
    ),
    "matrix": lambda s: 1000 * MB + 3000 * s.rows,
    "compile": lambda s: 1000 * MB,
    "split": lambda s: 500 * MB + 6000 * s.rows,
    "gram": lambda s: 2.5 * s.square + 1000 * MB,
    "svm": lambda s: 4 * s.square + 1000 * MB,
    "svm fit": lambda s: 4 * s.square + 1000 * MB + 1.1 * s.matrix,  # its support vectors
    "svm evaluate": lambda s: 1000 * MB + 1.2 * s.matrix,
    "logistic": lambda s: 6 * s.square + 1000 * MB,
    "forest": lambda s: 1.1 * s.matrix + 1000 * MB + s.trees * s.rows * 30,  # it is mapped
    "forest merge": lambda s: 1000 * MB + s.trees * s.rows * 30,
    "choose": lambda s: 500 * MB + (2500 + 8 * s.candidates) * s.rows,
    "evaluate": lambda s: 1000 * MB + 0.3 * s.matrix,  # the features that a forest uses
    "summary": lambda s: 500 * MB,
    "previews": lambda s: 700 * MB + s.frames * 4 * MB,
    "report": lambda s: 600 * MB + 7500 * s.rows,
    "classify_batch": lambda s: 1500 * MB + 12 * s.matrix,  # and a model, however large
    "verdicts": lambda s: 500 * MB,
    "original_run": lambda s: 6 * s.square + 1.2 * s.matrix + 1000 * MB + s.trees * s.rows * 30,
    "leakage_splits": lambda s: 500 * MB + 9000 * s.rows,
    "leakage_page": lambda s: 700 * MB,
    "download_part": lambda s: 500 * MB,
}

_SECONDS = {
    # a few videos may hang until they are given up
    "frames": lambda s, t: 60 + s.videos * (10 + s.frames + s.decoded / 150) + 3 * s.patience,
    # a frame of 4K takes 1.2 s, of 1080p 0.85 s, at `detect_at: 640` 0.1 to 0.5 s
    "faces": lambda s, t: 120 + s.videos * (5 + 3 * s.frames),
    "matrix": lambda s, t: 120 + s.matrix / 10e6,
    "compile": lambda s, t: 120,
    "split": lambda s, t: 60 + s.rows / 300,  # 700,000 hashes were compared in 580 s
    "gram": lambda s, t: 120 + s.rows**2 * s.features / (FLOPS * t) + s.matrix / 20e6,
    "svm": lambda s, t: 180 + s.candidates * s.rows**2 * 5e-7,
    "svm fit": lambda s, t: 180 + s.rows**2 * 5e-7 + s.matrix / 20e6,
    "svm evaluate": lambda s, t: 300 + 0.25 * s.rows**2 * s.features / FLOPS,
    "logistic": lambda s, t: 180 + s.candidates * 20 * s.rows**3 / (FLOPS * t),
    # five times the 0.3 s a tree that 11,187 rows took: growth is rows x log(rows)
    "forest": lambda s, t: (
        300 + s.matrix / 20e6 + s.trees * 1e-5 * s.rows * math.log2(s.rows + 2) / t
    ),
    "forest merge": lambda s, t: 180 + s.trees * s.rows / 2e6,
    "choose": lambda s, t: 60 + s.rows / 1000,
    "evaluate": lambda s, t: 300 + s.matrix / 20e6 + s.trees * s.rows * 1e-5,
    "summary": lambda s, t: 60,
    "previews": lambda s, t: 60 + s.videos * (1 + s.frames / 10),
    "classify_batch": lambda s, t: 600 + 2 * s.videos + s.rows * s.features * 10_000 / FLOPS,
    "report": lambda s, t: 120 + s.rows / 1000,
    "verdicts": lambda s, t: 60,
    # the slowest of the models, and its test
    "original_run": lambda s, t: (
        900
        + 20 * s.rows**3 / (FLOPS * t)
        + 0.25 * s.rows**2 * s.features / FLOPS
        + s.trees * 1e-5 * s.rows * math.log2(s.rows + 2) / t
    ),
    "leakage_splits": lambda s, t: 60 + s.rows / 50,  # six audits
    "leakage_page": lambda s, t: 60,
    "download_part": lambda s, t: 600 + s.download / NETWORK,
}
