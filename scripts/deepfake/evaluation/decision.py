"""What is called fake: one statistic of a video, and thresholds for it.

Evaluations and verdicts go by these functions alone. A metric needs one threshold, `thresholds`; a
verdict has two, `points`, and may be undecided. How sure a verdict is, is in `calibration`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core import tables
from deepfake.evaluation import calibration, metrics, operating_points
from deepfake.splits import parts

AIMS = ("equal_error", "model")
PARTS = 5  # of another sheet, in place of folds
LEVEL = 0.95  # of the intervals that a bundle keeps


def thresholds(held_out: Sequence[dict], own: float, aim: str, trim: float) -> dict:
    """From which score frames, and videos, are called fake by the metrics; a bundle keeps it.

    Args:
        held_out: out-of-fold scores of the training's frames; the test takes no part.
        own: the model's own threshold, taken for the aim "model" and where a class is missing.
        aim: of AIMS; equal_error, where both classes err equally often. trim: see
            `calibration.videos`.

    Returns:
        aim, frames and videos (the thresholds).
    """
    if aim == "model":
        return {"aim": aim, "frames": own, "videos": own}
    held_out = tables.of(held_out)
    fake, values = held_out.column("label") == "fake", held_out.floats("score")
    units = {"frames": (fake, values), "videos": calibration.videos(held_out, trim)[:2]}
    found = {unit: metrics.threshold(*scored) for unit, scored in units.items()}
    return {"aim": aim} | {unit: own if at is None else at for unit, at in found.items()}


def points(
    fake: np.ndarray, values: np.ndarray, groups: Sequence, middle: float, verdict: Mapping
) -> dict:
    """The operating points of verdicts, from out-of-fold scores of videos; a bundle keeps them.

    Args:
        fake, values, groups: of `calibration.videos`. middle: the threshold of videos.
        verdict: max_false_alarms, max_missed and strict; see `operating_points.choose`.
    """
    how = {name: verdict[name] for name in ("max_false_alarms", "max_missed", "strict")}
    found = operating_points.choose(fake, values, groups, middle=middle, **how)
    return found | {"strict": verdict["strict"]}


def from_folds(
    held_out: Sequence[dict], own: float, evaluation: Mapping, verdict: Mapping
) -> dict[str, dict]:
    """What a bundle keeps of the out-of-fold scores: the entries that verdicts are computed with.

    Args:
        held_out, own: see `thresholds`. evaluation: its threshold is the aim.
        verdict: see `points`.

    Returns:
        JSON-ready: `calibration`, `thresholds`, `verdict` (the operating points), all of faces and
        training copies; `out_of_fold`, the metrics of the videos, and `out_of_fold_copies`.
    """
    held_out = tables.of(held_out)
    found = _entries(held_out, own, evaluation, verdict, "folds")
    trim, limit = found["calibration"]["trim"], found["thresholds"]["videos"]
    copied = parts.copies(held_out)
    for name, which in (("out_of_fold", ~copied), ("out_of_fold_copies", copied)):
        if some := held_out.at(which):
            fake, values, groups = calibration.videos(some, trim)
            found[name] = metrics.summary(fake, values, limit, groups, level=LEVEL)
    return found


def from_sheet(
    rows: Sequence[dict],
    scores: np.ndarray,
    own: float,
    evaluation: Mapping,
    verdict: Mapping,
) -> dict[str, dict]:
    """The same entries from the scores of another sheet (`verdict.calibrate_on`).

    Args:
        rows: of its faces. scores: of them by the fitted model, float (n,).
        own, evaluation, verdict: see `from_folds`.

    Returns:
        `calibration`, `thresholds`, `verdict`, and `calibrated_on`: datasets, videos, fakes among
        them and groups. The trim is chosen on PARTS parts of whole groups.
    """
    rows = tables.of(rows)
    groups = sorted(set(rows.column("group_id")))
    part = {group: str(number % PARTS) for number, group in enumerate(groups)}
    fold = [part[group] for group in rows.column("group_id")]
    scored = rows.with_columns(fold=fold, score=np.asarray(scores, float))
    found = _entries(scored, own, evaluation, verdict, "sheet")
    counts = {name: found["calibration"][name] for name in ("videos", "fake")}
    datasets = sorted(set(rows.column("dataset")))
    return found | {"calibrated_on": {"datasets": datasets, "groups": len(groups)} | counts}


def _entries(
    scored: Sequence[dict], own: float, evaluation: Mapping, verdict: Mapping, source: str
) -> dict[str, dict]:
    """Calibration, thresholds and operating points of scored rows."""
    calibrated = calibration.fit_on_folds(scored)
    trim = calibrated["trim"]
    limits = thresholds(scored, own, evaluation["threshold"], trim)
    found = points(*calibration.videos(scored, trim), limits["videos"], verdict)
    return {
        "calibration": calibrated,
        "thresholds": limits,
        "verdict": found | {"source": source},
    }


def label(score: float, threshold: float) -> str:
    """The class of a score of a frame or a video, fake or real, by its threshold."""
    return "fake" if score >= threshold else "real"


def combined_score(calibrated: dict, scores: Sequence[float], count: int) -> float:
    """The score of a video with several faces: that of one face with equal evidence.

    The video is fake if one of its faces is; a priori each is equally likely. So by Bayes' rule the
    likelihood ratio of the video is the mean of the faces' ratios, whether they are dependent or
    not, and a real video reaches a ratio of x in at most one of x cases, whatever the number of its
    faces (Vovk and Wang 2021, "E-values: Calibration, combination and applications").

    Args:
        calibrated: of `calibration.fit`; the log of a face's ratio is linear in its score.
        scores: of its faces, each by `metrics.trimmed_mean`; at least one.
        count: of its faces that are judged; those whose score is not given count as real.

    Returns:
        The score itself where there is one face; the mean where the slope is 0.
    """
    values, slope = np.asarray(scores, float), calibrated["slope"]
    if slope == 0:
        return float(values.mean())
    most = values.max()
    ratio = np.exp(slope * (values - most)).sum() / count
    return float(most + np.log(ratio) / slope)
