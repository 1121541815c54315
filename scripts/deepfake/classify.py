"""The way from a video's faces and a bundle to a verdict: fake, real, or undecided and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake import calibration, domain, models, names
from deepfake.faces import TOO_MANY
from deepfake.matrix import Faces
from deepfake.models import Fitted
from deepfake.tracks import MOST

COLUMNS = (
    "video", "verdict", "probability", "score", "frames", "faces", "face", "reason", "note",
    "features", "model", "trained_on", "protocol", "leaky", "auc_of_people_unseen", "prior",
    "page",
)  # fmt: skip
TRACK_COLUMNS = ("video", "face", "verdict", "probability", "score", "frames", "reason")
SCORE_COLUMNS = (
    "video", "frame", "face", "score", "x", "y", "width", "height", "confidence", "sharpness",
    "fps", "reason",
)  # fmt: skip
LEAST = 3  # frames that a face must be in to be judged, where so many show a face at all
NOT_JUDGED = "not judged"  # of a face that is in fewer
AT_ONCE = 256  # faces that are scored at once: a model may need 12 bytes for each of their bytes


def frame_scores(records: Sequence[dict], seen: np.ndarray, fitted: Fitted) -> list[dict]:
    """One dict a record: its score, or why it has none.

    Args:
        records: rows of `faces.COLUMNS`, as strings.
        seen: what the model sees of the kept faces, uint8 (n, ...). fitted: the model.
    """
    scores = np.empty(len(seen))
    for first in range(0, len(seen), AT_ONCE):
        some = seen[first : first + AT_ONCE]
        scores[first : first + len(some)] = models.decide(fitted, Faces(some))
    rows = []
    for record in records:
        row = {name: record.get(name, "") for name in SCORE_COLUMNS} | {"video": record["video_id"]}
        if record["status"] == "kept":
            row["score"] = float(scores[int(record["crop"].split(".")[0])])
        rows.append(row)
    return rows


def verdict(
    rows: Sequence[dict], bundle: dict, prior: float, undecided: Sequence[float]
) -> tuple[dict, list[dict]]:
    """The verdict on one video, and on each of its faces: the worst of them speaks for it.

    The worst is one that is called fake, if there is one, and of these that of the highest
    probability.

    Args:
        rows: its frames and faces, from `frame_scores`.
        bundle: the record of bundle.json.
        prior: assumed share of fakes among the videos that are asked about.
        undecided: probabilities between these two decide nothing.

    Returns:
        A dict of COLUMNS, and one of TRACK_COLUMNS for each face that has a score, in order.
    """
    found = {"video": rows[0]["video"], "frames": 0, "faces": 0, "note": "", "prior": prior}
    found |= _model(bundle)
    scored: dict[int, list[dict]] = {}
    for row in rows:
        if row["score"] != "":
            scored.setdefault(int(row["face"]), []).append(row)
    if not scored:
        told = sorted({row["reason"] for row in rows if row["reason"]})
        said = {"verdict": "undecided", "reason": f"no usable face: {', '.join(told)}"}
        return found | said, []
    least = min(LEAST, len({row["frame"] for mine in scored.values() for row in mine}))
    each = [_face(scored[face], bundle, prior, undecided, least) for face in sorted(scored)]
    judged = [one for one in each if one["verdict"] != NOT_JUDGED]
    found |= {"faces": len(judged), "note": _note(rows, each)}
    if not judged:
        reason = f"no face could be followed through {least} frames"
        return found | {"verdict": "undecided", "reason": reason}, each
    return found | max(judged, key=_badness), each


def _badness(one: dict) -> tuple[bool, float, float]:
    return one["verdict"] == "fake", one["probability"], one["score"]


def _face(
    rows: Sequence[dict], bundle: dict, prior: float, undecided: Sequence[float], least: int
) -> dict:
    """The verdict on one face by the rows that have its scores; see `verdict`."""
    facts = {"video": rows[0]["video"], "face": int(rows[0]["face"]), "frames": len(rows)}
    if len(rows) < least:
        reason = f"a face is judged from {least} frames on"
        return facts | {"verdict": NOT_JUDGED, "reason": reason}
    mean = float(np.mean([row["score"] for row in rows]))
    chance = float(probability(bundle, np.array([mean]), prior)[0])
    reasons = _doubts(rows, bundle, chance, undecided)
    said = "undecided" if reasons else "fake" if chance > 0.5 else "real"
    return facts | {
        "verdict": said,
        "probability": round(chance, 4),
        "score": mean,
        "reason": "; ".join(reasons),
    }


def _note(rows: Sequence[dict], each: Sequence[dict]) -> str:
    """What several faces mean for a verdict, and which took no part; "" for one face."""
    judged = sum(one["verdict"] != NOT_JUDGED for one in each)
    told = []
    if judged > 1:
        told.append(
            f"the worst of {judged} faces speaks for the video, so a false alarm is likelier than "
            "the model's scores say: they are of one face a video"
        )
    if judged < len(each):
        some = "1 face is" if len(each) - judged == 1 else f"{len(each) - judged} faces are"
        told.append(f"{some} in too few frames to be judged")
    if any(row["reason"] == TOO_MANY for row in rows):
        told.append(f"only the {MOST} faces that are in most frames were looked at")
    return "; ".join(told)


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
    found += domain.differences(rows, bundle.get("domain", {}))
    return found


def text(rows: Sequence[dict], each: Sequence[dict] = ()) -> str:
    """The verdicts for a terminal.

    Args:
        rows: of COLUMNS. each: of TRACK_COLUMNS; told where a video has several.
    """
    faces: dict[str, list[dict]] = {}
    for one in each:
        faces.setdefault(one["video"], []).append(one)
    lines = []
    for row in rows:
        lines.append(f"{row['verdict']:<10} {_chance(row):<13} {row['video']}")
        mine = faces.get(row["video"], [])
        for one in mine if len(mine) > 1 else []:
            said = ", ".join(filter(None, (one["verdict"], _chance(one), one["reason"])))
            lines.append(f"{'':10} face {one['face']}: {said}")
        told = row["reason"] if len(mine) < 2 or not row.get("face") else ""  # said of its face
        lines += [f"{'':10} {line}" for line in (told, row.get("note")) if line]
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


def _chance(row: dict) -> str:
    chance = row.get("probability", "")
    return "" if chance == "" else f"P(fake) {float(chance):.2f}"
