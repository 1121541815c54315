"""From a video's faces and a bundle to a verdict: fake, no trace found, or undecided and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.core import filenames
from deepfake.evaluation import calibration, decision, metrics, operating_points
from deepfake.features.matrix import InMemoryMatrix
from deepfake.inference import known_scores, reasons, training_domain
from deepfake.inference.reasons import Reason
from deepfake.models import registry as models
from deepfake.models.registry import Fitted
from deepfake.preprocessing import sampling
from deepfake.preprocessing.face_record import MOST_FACES, TOO_MANY

COLUMNS = (
    "video", "verdict", "probability", "score", "frames", "faces", "face", "seen", "codes",
    "reason", "note", "features", "model", "trained_on", "protocol", "leaky",
    "auc_of_people_unseen", "auc_from", "prior", "page",
)  # fmt: skip
TRACK_COLUMNS = ("video", "face", "verdict", "probability", "score", "frames", "reason")
SCORE_COLUMNS = (
    "video", "frame", "face", "score", "x", "y", "width", "height", "confidence", "sharpness",
    "fps", "reason",
)  # fmt: skip
LEAST = 3  # smallest number of frames of a judged face, if that many frames have a face
NOT_JUDGED = "not judged"  # verdict of a face in fewer frames
AT_ONCE = 256  # faces scored at a time: a model may need 12 bytes for each of their bytes


def frame_scores(records: Sequence[dict], inputs: np.ndarray, fitted: Fitted) -> list[dict]:
    """One dict a record: its score, or why it has none.

    Args:
        records: rows of `face_record.COLUMNS`, as strings.
        inputs: features of the kept faces, uint8 (n, ...). fitted: the model.
    """
    scores = np.empty(len(inputs))
    for first in range(0, len(inputs), AT_ONCE):
        some = inputs[first : first + AT_ONCE]
        scores[first : first + len(some)] = models.decide(fitted, InMemoryMatrix(some))
    rows = []
    for record in records:
        row = {name: record.get(name, "") for name in SCORE_COLUMNS} | {"video": record["video_id"]}
        if record["status"] == "kept":
            row["score"] = float(scores[int(record["crop_row"])])
        rows.append(row)
    return rows


def verdict(rows: Sequence[dict], bundle: dict, prior: float) -> tuple[dict, list[dict]]:
    """The verdict on one video, and on each of its faces.

    The answer of `operating_points.verdict` for the joint score of all judged faces, or undecided
    with a reason. The reported face has the highest score. If that face is outside the training's
    range, the verdict fake needs the other faces.

    Args:
        rows: its frames and faces, from `frame_scores`.
        bundle: the record of bundle.json.
        prior: assumed share of fakes among the submitted videos. It moves the
            probability that is shown, and no verdict.

    Returns:
        A dict of COLUMNS, and one of TRACK_COLUMNS for each face that has a score, in order; each
        also with `reasons`, a list of `reasons.Reason`.
    """
    found = {"video": rows[0]["video"], "frames": 0, "faces": 0, "seen": "", "note": ""}
    found["prior"] = prior
    found |= _model(bundle)
    scored: dict[int, list[dict]] = {}
    for row in rows:
        if row["score"] != "":
            scored.setdefault(int(row["face"]), []).append(row)
    if not scored:
        frames = len({row["frame"] for row in rows} - {""})
        return found | _undecided(reasons.without_face((r["reason"] for r in rows), frames)), []
    least = min(LEAST, len({row["frame"] for faces in scored.values() for row in faces}))
    count = sum(len(faces) >= least for faces in scored.values())
    how = bundle, prior
    each = [_face(scored[face], least, count, how) for face in sorted(scored)]
    judged = [one for one in each if one["verdict"] != NOT_JUDGED]
    found |= {"faces": count, "note": _note(rows, each)}
    if not judged:
        reason = Reason("not_followed", f"no face could be followed through {least} frames")
        return found | _undecided(reason), each
    trained_on = bundle.get("domain", {})
    doubts = {
        one["face"]: training_domain.differences(scored[one["face"]], trained_on) for one in judged
    }
    whole = _together(judged, doubts, count, how)
    alike = [one for one in judged if not doubts[one["face"]]]
    if doubts[whole["face"]] and alike:
        others = _together(alike, doubts, count, how)
        whole = others if others["verdict"] == "fake" else whole
    return found | whole, each


def _undecided(reason: Reason) -> dict:
    """A verdict without a score."""
    return {
        "verdict": "undecided",
        "codes": reason.code,
        "reason": reason.text,
        "reasons": [reason],
    }


def _together(
    faces: Sequence[dict], doubts: dict[int, dict[str, str]], count: int, how: tuple
) -> dict:
    """The verdict on some of the `count` judged faces together; see `decision.combined_score`."""
    highest = max(faces, key=lambda one: one["score"])
    scores = [one["score"] for one in faces]
    score = decision.combined_score(how[0]["calibration"], scores, count)
    return highest | _verdict_of(score, doubts[highest["face"]], *how)


def _face(rows: Sequence[dict], least: int, count: int, how: tuple) -> dict:
    """The verdict on one face by the rows that have its scores; see `verdict`.

    Its prior odds are one part in `count` of the odds: any judged face may be the fake one.
    The odds of the video are the sum of theirs.
    """
    bundle = how[0]
    judged = len(rows) >= least
    score = metrics.trimmed_mean([row["score"] for row in rows], bundle["calibration"]["trim"])
    part = decision.combined_score(bundle["calibration"], [score], count if judged else count + 1)
    doubts = training_domain.differences(rows, bundle.get("domain", {})) if judged else {}
    found = {"video": rows[0]["video"], "face": int(rows[0]["face"]), "frames": len(rows)}
    found |= _verdict_of(part, doubts, *how) | {"score": score}
    if judged:
        return found
    looks = found["verdict"]
    found |= _undecided(Reason("not_followed", f"a face is judged from {least} frames on"))
    return found | {"verdict": NOT_JUDGED, "looks": looks}


def _verdict_of(score: float, doubts: dict[str, str], bundle: dict, prior: float) -> dict:
    """Verdict, probability and reasons of a score, of a video or of a face's part in it."""
    chance = float(calibration.probability(bundle["calibration"], score, prior))
    verdict = operating_points.verdict(score, bundle["verdict"])
    found = _doubts(bundle)
    if verdict == "undecided":
        found.append(reasons.undecided(bundle["verdict"]))
    found += [Reason("outside_training", text, about) for about, text in doubts.items()]
    return {
        "verdict": "undecided" if found else verdict,
        "probability": round(chance, 4),
        "score": score,
        "codes": reasons.codes(found),
        "reason": reasons.together(found),
        "reasons": found,
    }


def _note(rows: Sequence[dict], each: Sequence[dict]) -> str:
    """Notes on several faces and on those that were not judged; "" for one face."""
    judged = sum(one["verdict"] != NOT_JUDGED for one in each)
    notes = []
    if judged > 1:
        notes.append(f"P(fake) allows for {judged} faces, any of which may be the fake one")
    if judged < len(each):
        some = "1 face is" if len(each) - judged == 1 else f"{len(each) - judged} faces are"
        notes.append(f"{some} in too few frames to be judged")
    notes += [
        f"of these, face {one['face']} looks fake: P(fake) {one['probability']:.2f}"
        for one in each
        if one.get("looks") == "fake"
    ]
    if any(row["reason"] == TOO_MANY for row in rows):
        notes.append(f"only the {MOST_FACES} faces that are in most frames were used")
    return "; ".join(notes)


def sampled(rows: Sequence[dict], preprocessing: dict, decoder: str) -> tuple[int, str, str]:
    """The number of frames that were decoded of a video, their span, and notes on its decoding.

    Args:
        rows: its rows of the table of frames. preprocessing: of the bundle.
        decoder: name and version of the decoder of these frames.
    """
    taken = [row for row in rows if row["frame"] != ""]
    first = rows[0]
    frames_used = sampling.covered(
        [float(row["time"]) for row in taken],
        float(first["fps"] or 0),
        float(first["seconds"] or 0),
    )
    notes = [first["note"], *(row["reason"] for row in rows if taken)]
    other = preprocessing.get("decoder", "OpenCV")  # of bundles that do not name theirs
    if decoder != other:
        notes.append(f"the training's frames were decoded by {other}, these by {decoder}")
    return len(taken), frames_used, "; ".join(filter(None, notes))


def _model(bundle: dict) -> dict:
    training, auc = bundle["training"], known_scores.auc(bundle)
    return {
        "features": bundle["features"]["name"],
        "model": bundle["model"],
        "trained_on": ", ".join(filter(None, training["datasets"])),
        "protocol": training["protocol"],
        "leaky": "yes" if training["leaky"] else "no",
        # a leaky model's folds share people: no score for new people
        "auc_of_people_unseen": auc["value"] if auc else None,
        "auc_from": auc["source"] if auc else "",
    }


def _doubts(bundle: dict) -> list[Reason]:
    """Why no score of a model may be taken for a verdict."""
    auc = bundle["calibration"]["roc_auc"]
    if bundle["calibration"]["slope"] == 0 or auc is None or auc <= 0.5:
        text = "on people not in training, the model is no better than chance"
        return [Reason("no_better_than_chance", text)]
    return []


def text(rows: Sequence[dict], each: Sequence[dict] = ()) -> str:
    """The verdicts for a terminal.

    Args:
        rows: of COLUMNS. each: of TRACK_COLUMNS; printed if a video has several.
    """
    faces: dict[str, list[dict]] = {}
    for one in each:
        faces.setdefault(one["video"], []).append(one)
    lines = []
    for row in rows:
        lines.append(f"{_name(row):<15} {_chance(row):<13} {row['video']}")
        if row.get("seen"):
            lines.append(f"{'':15} frames used: {row['seen']}")
        several = faces.get(row["video"], [])
        for one in several if len(several) > 1 else []:
            said = ", ".join(filter(None, (_name(one), _chance(one), one["reason"])))
            lines.append(f"{'':15} face {one['face']}: {said}")
        lines += [f"{'':15} {line}" for line in (row["reason"], row.get("note")) if line]
    first = rows[0]
    if first.get("model"):
        auc, trained_on = first["auc_of_people_unseen"], first["trained_on"] or "unnamed videos"
        known = "unknown"
        if auc not in ("", None):
            known = f"{float(auc):.2f} (by {first.get('auc_from') or 'an older model'})"
        lines += [
            "",
            f"model: {first['model']} on {first['features']}, trained on {trained_on} "
            f"({first['protocol']} split{', LEAKY' if first['leaky'] == 'yes' else ''}); AUC on "
            f"people of {trained_on} that were not in training: {known}; assumed share of "
            f"fakes: {first['prior']}",
        ]
        if "," not in trained_on:
            lines.append(f"All of its training is {trained_on}: other videos were not tested.")
    lines.append("A verdict is a model's estimate. It is no evidence about a person.")
    lines.append('"No trace found" does not say that a video is real.')
    return "\n".join(map(filenames.shown, lines)) + "\n"


def _name(row: dict) -> str:
    return reasons.NAMES.get(row["verdict"], row["verdict"])


def _chance(row: dict) -> str:
    chance = row.get("probability", "")
    return "" if chance == "" else f"P(fake) {float(chance):.2f}"
