"""What a job requests of the cluster: threads, memory and time, from the known size of the data.

Formulas by rule, and by model from its record, with constants from runs at three sizes:
benchmarks/used.tsv. A test holds them to it, and names those that are estimates still. What tables
take a row is from benchmarks/large.py. A later attempt requests more. The Snakefile calls this, so
nothing heavy is imported.
"""

from __future__ import annotations

import math

from deepfake.models.catalogue import SPECS
from deepfake.models.job_size import FLOPS, MB, Size
from deepfake.models.model_spec import Formulas
from deepfake.person.length import MOST_SECONDS
from deepfake.preprocessing.frames import DECODER_BYTES
from deepfake.preprocessing.sampling import most_bytes

LEAST_MB = 500
SNAKEMAKE_MB = 150  # of the Snakemake inside a job, which the formulas below include
LEAST_MINUTES = 10
MEMORY_GROWTH = 1.5  # a failed attempt requests so many times more
TIME_GROWTH = 2.0

NETWORK = 2e6  # bytes a second


def threads(rule: str, size: Size) -> int:
    """Threads of a job: as many as it has use for, so small data take one."""
    return FORMULAS[rule].threads(size)


def mem_mb(rule: str, size: Size, attempt: int = 1) -> int:
    """Memory of a job in MB (2**20 bytes): its script's, and that of the Snakemake around it."""
    wanted = max(LEAST_MB, (FORMULAS[rule].memory(size) + _by_rows(size)) / MB)
    return math.ceil(wanted * MEMORY_GROWTH ** (attempt - 1))


def snakemake_mb(size: Size) -> float:
    """MB of the Snakemake inside a job: benchmarks/starts.tsv."""
    return SNAKEMAKE_MB + _by_rows(size) / MB


def _by_rows(size: Size) -> float:
    """Bytes by which the Snakemake inside a job grows with the sheet.

    It holds the names of all batches' files where its job reads them, and the sheet's rows where
    the main process could not leave them by batch (`job_sheet`).
    """
    return 1300.0 * size.whole + 10_000.0 * size.batches


def minutes(rule: str, size: Size, attempt: int = 1) -> int:
    """Run time of a job in minutes."""
    seconds = FORMULAS[rule].seconds(size, threads(rule, size))
    return math.ceil(max(LEAST_MINUTES, seconds / 60) * TIME_GROWTH ** (attempt - 1))


def _alike(size: Size) -> float:
    """Seconds in which an audit compares the frames of all videos: 300,000 rows took 48."""
    return 5e-4 * size.rows + 1e-9 * size.rows**2


OF_RULES = {
    "frames": Formulas(
        memory=lambda s: 300 * MB + DECODER_BYTES + most_bytes(s.frames),
        # a video may hang until it is given up; the next attempt has time for more
        seconds=lambda s, t: 60 + s.videos * (10 + s.frames + s.decoded / 150) + s.patience,
    ),
    # a video's frames, and the detector on them at `faces.LARGEST`: 220 MB each
    "faces": Formulas(
        memory=lambda s: 700 * MB + most_bytes(s.frames) + s.frames * 240 * MB + s.matrix,
        # a frame of 4K takes 1.2 s, of 1080p 0.85 s, at `detect_at: 640` 0.1 to 0.5 s
        seconds=lambda s, t: 120 + s.videos * (5 + 3 * s.frames),
    ),
    "features": Formulas(
        # a face of 4K takes 400 MB
        memory=lambda s: 1000 * MB + s.matrix,
        # 5 to 10 ms a face of 300 pixels
        seconds=lambda s, t: 60 + 0.1 * s.rows,
    ),
    "rows": Formulas(
        memory=lambda s: 300 * MB + 400 * s.rows,
        seconds=lambda s, t: 60 + s.rows / 1000,
    ),
    "matrix": Formulas(
        memory=lambda s: 510 * MB + 300 * s.rows,
        seconds=lambda s, t: 120 + s.matrix / 10e6,
    ),
    "compile": Formulas(
        memory=lambda s: 450 * MB,
        seconds=lambda s, t: 120,
    ),
    "split": Formulas(
        memory=lambda s: 300 * MB + 450 * s.rows,
        seconds=lambda s, t: 60 + s.rows / 300 + _alike(s),
    ),
    "gram": Formulas(
        memory=lambda s: 1.5 * s.square + 385 * MB,
        seconds=lambda s, t: 60 + s.training * s.training_matrix / (FLOPS * t) + s.matrix / 100e6,
        threads=lambda s: min(8, 1 + s.rows // 2000),
    ),
    "choose": Formulas(
        memory=lambda s: 300 * MB + (250 + 8 * s.candidates) * s.rows,
        seconds=lambda s, t: 60 + s.rows / 1000,
    ),
    "selection": Formulas(
        memory=lambda s: 500 * MB + (400 + 16 * s.candidates) * s.rows,
        # 2,000 draws; a candidate of 11,000 rows took 2 s, and is scored by frame and by video
        seconds=lambda s, t: 120 + s.candidates * s.rows * 6e-4,
    ),
    "variant_choice": Formulas(
        memory=lambda s: 500 * MB + (6000 + 16 * s.candidates) * s.rows * s.variants,
        seconds=lambda s, t: 120 + s.candidates * s.rows * s.variants * 6e-4,
    ),
    "variants": Formulas(
        memory=lambda s: 300 * MB + 9000 * s.rows * s.variants,
        seconds=lambda s, t: 60 + s.rows * s.variants / 1000,
    ),
    "evaluate": Formulas(
        memory=lambda s: 250 * MB + 1.05 * s.looked_at,
        seconds=lambda s, t: 120 + s.matrix / 50e6 + s.trees * s.tested * 1e-5,
    ),
    "summary": Formulas(
        memory=lambda s: 300 * MB + 400 * s.rows,
        seconds=lambda s, t: 60 + s.rows / 1000,
    ),
    "previews": Formulas(
        memory=lambda s: 700 * MB + s.frames * 4 * MB,
        seconds=lambda s, t: 60 + s.videos * (1 + s.frames / 10),
    ),
    "report": Formulas(
        memory=lambda s: 350 * MB + 450 * s.rows,
        seconds=lambda s, t: 120 + s.rows / 1000,
    ),
    # and a model, however large; `classify.AT_ONCE` faces are scored at once
    "classify_batch": Formulas(
        memory=lambda s: 1500 * MB + 2 * s.matrix + 12 * min(s.rows, 256) * s.features,
        seconds=lambda s, t: 600 + 2 * s.videos + s.rows * s.features * 10_000 / FLOPS,
    ),
    "verdicts": Formulas(
        memory=lambda s: 450 * MB,
        seconds=lambda s, t: 60,
    ),
    "plain_split": Formulas(
        memory=lambda s: 300 * MB + 150 * s.rows,
        seconds=lambda s, t: 60 + s.rows / 300,
    ),
    "leakage_splits": Formulas(
        memory=lambda s: 300 * MB + 450 * s.rows,
        # six audits
        seconds=lambda s, t: 60 + s.rows / 50 + 6 * _alike(s),
    ),
    "leakage_page": Formulas(
        memory=lambda s: 450 * MB,
        seconds=lambda s, t: 60,
    ),
    # every model's test, once a value that is left out
    "transfer_page": Formulas(
        memory=lambda s: 500 * MB + 6000 * s.tested,
        seconds=lambda s, t: 60 + s.tested / 200,
    ),
    # a video's frames, then either the detector on them or the encoder, at 4K
    "perturbed_faces": Formulas(
        memory=lambda s: 700 * MB + most_bytes(s.frames) + max(s.frames * 240 * MB, 1750 * MB),
        # a second a video was measured, at 1080p nine; most of a batch are not in the test
        seconds=lambda s, t: (
            300 + s.videos * s.perturbations * (1 + s.frames + s.decoded / 60) + s.patience
        ),
    ),
    # as perturbed_faces, without a detector, of every video that has a face
    "copies": Formulas(
        memory=lambda s: 1000 * MB + most_bytes(s.frames) + 1250 * MB,
        seconds=lambda s, t: (
            300 + s.videos * s.copies * (1 + s.frames / 5 + s.decoded / 60) + s.patience
        ),
    ),
    "copy_features": Formulas(
        memory=lambda s: 1000 * MB + s.matrix * s.copies,
        seconds=lambda s, t: 60 + 0.1 * s.rows * s.copies,
    ),
    "perturbed_features": Formulas(
        memory=lambda s: 1000 * MB + s.matrix * s.perturbations,
        seconds=lambda s, t: 60 + 0.1 * s.rows * s.perturbations,
    ),
    # faces that are scored at once, and the rows; a model requests what its evaluation does
    "robustness_scores": Formulas(
        memory=lambda s: (
            500 * MB
            + 3 * min(s.tested * s.perturbations, 1024) * s.features
            + 3000 * s.tested * s.perturbations
        ),
        seconds=lambda s, t: (
            300
            + s.perturbations * s.tested * (s.features / 50e6 + s.trees * 1e-5 + 2e-6 * s.side**2)
        ),
    ),
    "rows robustness_scores": Formulas(
        memory=lambda s: 450 * MB,
        # of a model that holds training rows: each with each
        seconds=lambda s, t: 300 + s.perturbations * s.tested * s.compared * s.features / FLOPS,
    ),
    "robustness_page": Formulas(
        memory=lambda s: 700 * MB,
        seconds=lambda s, t: 60,
    ),
    # rows are 2,000 at most: their products, and what a model makes of them
    "label_flips": Formulas(
        memory=lambda s: 600 * MB + 80.0 * min(s.rows, 2000) ** 2,
        seconds=lambda s, t: 120 + 200 * (0.2 + 30 * min(s.rows, 2000) ** 3 / FLOPS),
    ),
    "null_table": Formulas(
        memory=lambda s: 500 * MB,
        seconds=lambda s, t: 60,
    ),
    # the decoder, and the detector on pictures of 640 pixels; of the longest part that is read
    "windows": Formulas(
        memory=lambda s: 1500 * MB + DECODER_BYTES,
        # a minute of 480p took 51 s, of 1080p 80 s: benchmarks/person.py
        seconds=lambda s, t: 120 + s.videos * 1.7 * MOST_SECONDS,
    ),
    # each video is left out, and then each of the others, to choose
    "enrolment": Formulas(
        memory=lambda s: 600 * MB,
        seconds=lambda s, t: 120 + 0.6 * s.videos**2,
    ),
    "person_scores": Formulas(
        memory=lambda s: 450 * MB,
        seconds=lambda s, t: 60,
    ),
    "download_part": Formulas(
        memory=lambda s: 450 * MB,
        seconds=lambda s, t: 600 + s.download / NETWORK,
    ),
}


def name_of(model: str, job: str = "search") -> str:
    """The name of the formulas of a model's job; of its search where it has none of its own."""
    own = job != "search" and job in SPECS[model].formulas
    return f"{model} {job}" if own else model


FORMULAS = OF_RULES | {
    name_of(model, job): formulas
    for model, spec in SPECS.items()
    for job, formulas in spec.formulas.items()
}
