"""What the original experiment published: its scores, times and memory, each with its source.

The project is twyunting/Deepfake_Video_Classifier (2021). Every figure is from the job report that
its LSF cluster wrote, kept in its repository under the path named with it.
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS, FEATURES = 13_984, 307_200
PROJECT = "https://github.com/twyunting/Deepfake_Video_Classifier"


@dataclass(frozen=True)
class Run:
    """One published job: a model fitted and tested on the random split by frame.

    Attributes:
        model: svm, logistic or forest. settings: in plain words.
        confusion: test frames, rows actual, columns predicted, fake first.
        cpu_seconds, run_seconds, memory_mb: of the whole job, whole numbers.
        source: path of the job's report in the project's repository.
    """

    model: str
    settings: str
    confusion: tuple[tuple[int, int], tuple[int, int]]
    cpu_seconds: int
    run_seconds: int
    memory_mb: int
    source: str

    @property
    def accuracy(self) -> float:
        """Share of the test frames that were told right."""
        (right_fake, _), (_, right_real) = self.confusion
        return (right_fake + right_real) / sum(map(sum, self.confusion))


RUNS = (
    Run(
        *("svm", "RBF, C = 1, standardised", ((1142, 273), (138, 1244)), 43_616, 43_579, 63_202),
        source="ML_results/svm/C_is_1/16486.out",
    ),
    Run(
        *("svm", "RBF, C = 0.01, standardised", ((283, 1132), (66, 1316)), 58_829, 58_768, 62_074),
        source="ML_results/svm/C_is_0.01/16417.out",
    ),
    Run(
        *("logistic", "L2, C = 1, as they are", ((961, 454), (522, 860)), 95_303, 82_117, 82_687),
        source="ML_results/logistic_regression/16548.out",
    ),
    Run(
        *("forest", "100 trees", ((1145, 270), (132, 1250)), 579, 576, 17_317),
        source="ML_results/random_forest/80train_20test/16419.out",
    ),
    Run(
        *("forest", "100 trees, test share 0.25", ((1445, 311), (208, 1532)), 574, 570, 16_499),
        source="ML_results/random_forest/75train_25test/16420.out",
    ),
    Run(
        *("forest", "searched, 2000 trees", ((1158, 257), (113, 1269)), 45_012, 45_045, 16_800),
        source="ML_results/best_rf_model/16917.out",
    ),
)
BEST = {run.model: run for run in sorted(RUNS, key=lambda run: run.accuracy)}
