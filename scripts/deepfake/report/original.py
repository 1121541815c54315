"""What the original experiment published: its scores, times and memory, each with its source.

The project is twyunting/Deepfake_Video_Classifier (2021). Every figure is from the job report that
its LSF cluster wrote, kept in its repository under the path named with it.

`report.original` repeats its six runs; how that differs from what it did is told here, by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
        """Share of the test frames that were told right."""
        (right_fake, _), (_, right_real) = self.confusion
        return (right_fake + right_real) / sum(map(sum, self.confusion))


_RBF = {"kernel": "rbf", "gamma": "scale", "scaling": "standard"}
_LIBLINEAR = {"C": 1.0, "scaling": "none", "intercept": "penalised"}
_TREES = {
    "n_estimators": 100, "max_features": "sqrt", "max_depth": None, "min_samples_split": 2,
    "min_samples_leaf": 1, "criterion": "gini", "class_weight": None,
}  # fmt: skip
RUNS = (
    Run(
        *("svm-1", "svm", "RBF, C = 1, standardised"),
        *(((1142, 273), (138, 1244)), 43_616, 43_579, 63_202),
        source="ML_results/svm/C_is_1/16486.out",
        candidate=_RBF | {"C": 1.0},
    ),
    Run(
        *("svm-0.01", "svm", "RBF, C = 0.01, standardised"),
        *(((283, 1132), (66, 1316)), 58_829, 58_768, 62_074),
        source="ML_results/svm/C_is_0.01/16417.out",
        candidate=_RBF | {"C": 0.01},
    ),
    Run(
        *("logistic", "logistic", "L2, C = 1, as they are"),
        *(((961, 454), (522, 860)), 95_303, 82_117, 82_687),
        source="ML_results/logistic_regression/16548.out",
        candidate=_LIBLINEAR,
    ),
    Run(
        *("forest-100", "forest", "100 trees"),
        *(((1145, 270), (132, 1250)), 579, 576, 17_317),
        source="ML_results/random_forest/80train_20test/16419.out",
        candidate=_TREES,
    ),
    Run(
        *("forest-100-25", "forest", "100 trees, test share 0.25"),
        *(((1445, 311), (208, 1532)), 574, 570, 16_499),
        source="ML_results/random_forest/75train_25test/16420.out",
        candidate=_TREES,
        test_size=0.25,
    ),
    Run(
        *(SEARCHED, "forest", "searched, 2000 trees"),
        *(((1158, 257), (113, 1269)), 45_012, 45_045, 16_800),
        source="ML_results/best_rf_model/16917.out",
    ),
)
BEST = {run.model: run for run in sorted(RUNS, key=lambda run: run.accuracy)}
REPEATED = {run.name: run for run in RUNS if run.candidate}
# Accuracy that it published on one row in seven of each class, 207 fake and 193 real in the test.
ONE_IN_SEVEN = {"forest": 0.615, "svm": 0.6475}

# Its settings, by our keys. The forest's search is as its logs tell; its text tells SEARCH_IN_TEXT.
SETTINGS = {
    "seed": 42,
    "frames.every": 30,
    "frames.per_video": 7,
    "frames.format": "jpeg",
    "frames.jpeg_quality": 95,
    "faces.size": 320,
    "faces.margin": 0.0,
    "faces.detect_at": None,
    "faces.choose": "most_confident",
    "faces.min_confidence": 0.9,
    "faces.thresholds": [0.6, 0.7, 0.7],
    "faces.resize": "bicubic",
    "faces.jpeg_quality": 75,
    "split.test_size": 0.2,
    "split.folds.k": 3,
    "split.folds.shuffle": False,
    "split.rows.every": 1,
    "sweep.forest.n_estimators": [500, 1000, 2000],
    "search.score": "accuracy",
    "evaluation.threshold": "model",
}
SEARCH_IN_TEXT = {"split.folds.k": 5, "sweep.forest.n_estimators": [100, 500, 1000, 2000]}

# What no setting makes equal, by name: the one list of it.
DIFFERENCES = {
    "listing": "Rows are ordered by video and frame, not by a directory listing that nobody kept. "
    "The split has as many fakes and reals on each side, but other rows.",
    "codecs": "Video and JPEG decoders are other builds: pixels differ by a few levels.",
    "detector": "mtcnn 1.0.0 finds the faces, not 0.1.1. O-Net's threshold, whose default differs, "
    "is set to the old one; the last digits of its numbers differ too.",
    "large frames": "Frames above 1920 x 1080 pixels are shrunk before they are searched.",
    "lost frames": "A frame without a face and a broken video stay in the tables, with the reason.",
    "memory": "Pixels stay bytes; the original held the whole matrix as 64-bit numbers.",
    "svm": "It is solved from a matrix of inner products, to the same optimum.",
    "logistic": "It is solved from inner products to its optimum; liblinear stopped after 100 "
    "iterations, perhaps before it.",
    "forest": "Another engine with the same rule draws other random numbers: other trees, as with "
    "another seed.",
    "choice": "The searched forest is chosen on the folds; the original looked at the test too.",
    "job": "Inner products are made once and used by the runs of SVM and logistic regression; "
    "their time is told beside the runs.",
}


def deviations(config: Mapping) -> Iterator[str]:
    """Keys of a configuration, as plain builtins, that are not the original's: with both values."""
    for path, theirs in SETTINGS.items():
        here: object = config
        for name in path.split("."):
            here = here.get(name) if isinstance(here, Mapping) else None
        if here != theirs:
            told = ", and in its text" if (path, here) in [*SEARCH_IN_TEXT.items()] else ""
            yield f"{path}: {here} here{told}, {theirs} there"
