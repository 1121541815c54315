"""The way from a video's faces and a bundle to a verdict: fake, real, or undecided and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake import calibration, domain, models, names
from deepfake.matrix import Faces
from deepfake.models import Fitted

COLUMNS = (
    "video", "verdict", "probability", "score", "frames", "reason", "features", "model",
    "trained_on", "protocol", "leaky", "auc_of_people_unseen", "prior", "page",
)  # fmt: skip
SCORE_COLUMNS = (
    "video", "frame", "score", "x", "y", "width", "height", "confidence", "sharpness", "fps",
    "reason",
)  # fmt: skip


def frame_scores(records: Sequence[dict], seen: np.ndarray, fitted: Fitted) -> list[dict]:
    """One dict a frame: its score, or why it has none.

    Args:
        records: rows of `faces.COLUMNS`, as strings.
        seen: what the model sees of the kept faces, uint8 (n, ...). fitted: the model.
    """
    scores = models.decide(fitted, Faces(seen)) if len(seen) else np.empty(0)
    rows = []
    for record in records:
        row = {name: record.get(name, "") for name in SCORE_COLUMNS} | {"video": record["video_id"]}
        if record["status"] == "kept":
            row["score"] = float(scores[int(record["crop"].split(".")[0])])
        rows.append(row)
    return rows


def verdict(rows: Sequence[dict], bundle: dict, prior: float, undecided: Sequence[float]) -> dict:
    """The verdict on one video.

    Args:
        rows: its frames, from `frame_scores`.
        bundle: the record of bundle.json.
        prior: assumed share of fakes among the videos that are asked about.
        undecided: probabilities between these two decide nothing.
    """
    scores = [row["score"] for row in rows if row["score"] != ""]
    found = {"video": rows[0]["video"], "frames": len(scores), "prior": prior, **_model(bundle)}
    if not scores:
        told = sorted({row["reason"] for row in rows if row["reason"]})
        return found | {"verdict": "undecided", "reason": f"no usable face: {', '.join(told)}"}
    mean = float(np.mean(scores))
    chance = float(probability(bundle, np.array([mean]), prior)[0])
    reasons = _doubts(rows, bundle, chance, undecided)
    said = "undecided" if reasons else "fake" if chance > 0.5 else "real"
    return found | {
        "verdict": said,
        "probability": round(chance, 4),
        "score": mean,
        "reason": "; ".join(reasons),
    }


def _model(bundle: dict) -> dict:
    training = bundle["training"]
    return {
        "features": bundle["features"]["name"],
        "model": bundle["model"],
        "trained_on": ", ".join(filter(None, training["datasets"])),
        "protocol": training["protocol"],
        "leaky": "yes" if training["leaky"] else "no",
        # a leaky model's folds share people: of people unseen it says nothing
        "auc_of_people_unseen": None if training["leaky"] else bundle["calibration"]["roc_auc"],
    }


def probability(bundle: dict, values: np.ndarray, prior: float) -> np.ndarray:
    """P(fake) of scores, moved from the training's share of fakes to the assumed one.

    Args:
        bundle: the record of bundle.json. values: float (n,). prior: assumed share of fakes.
    """
    chance = calibration.probability(bundle["calibration"], values)
    share = bundle["training"]["fake"] / max(1, bundle["training"]["rows"])
    share = min(max(share, 1e-6), 1 - 1e-6)
    odds = chance / (1 - chance) * (prior / (1 - prior)) / (share / (1 - share))
    return odds / (1 + odds)


def _doubts(
    rows: Sequence[dict], bundle: dict, chance: float, undecided: Sequence[float]
) -> list[str]:
    """Why a probability must not be taken for a verdict."""
    found = []
    auc = bundle["calibration"]["roc_auc"]
    if auc is None or auc <= 0.5:
        found.append("the model tells people it has not seen no better than chance")
    low, high = undecided
    if low <= chance <= high:
        found.append(f"probability {chance:.2f} lies between {low:g} and {high:g}")
    seen = [row for row in rows if row["score"] != ""]
    found += domain.differences(seen, bundle.get("domain", {}))
    return found


def text(rows: Sequence[dict]) -> str:
    """The verdicts for a terminal."""
    lines = []
    for row in rows:
        chance = (
            "" if row.get("probability", "") == "" else f"P(fake) {float(row['probability']):.2f}"
        )
        lines.append(f"{row['verdict']:<10} {chance:<13} {row['video']}")
        if row["reason"]:
            lines.append(f"           {row['reason']}")
    first = rows[0]
    if first.get("model"):
        auc = first["auc_of_people_unseen"]
        known = f"{float(auc):.2f}" if auc not in ("", None) else "unknown"
        lines += [
            "",
            f"model: {first['model']} on {first['features']}, trained on "
            f"{first['trained_on'] or 'unnamed videos'} "
            f"({first['protocol']} split{', LEAKY' if first['leaky'] == 'yes' else ''}); AUC on "
            f"people it had not seen: {known}; assumed share of fakes: {first['prior']}",
        ]
    lines.append("A verdict is a model's guess. It is no evidence about a person.")
    return "\n".join(map(names.shown, lines)) + "\n"
