"""Why a verdict is undecided: a code for programs, what it is about, and a sentence for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deepfake.evaluation import operating_points
from deepfake.preprocessing.face_record import LOW_CONFIDENCE, NO_FACE, NOT_REGISTERED, TOO_SMALL

CODES = {
    "unreadable": "the file is missing or no video, or no frame of it could be decoded or searched",
    "no_face": "no sampled frame shows a face",
    "face_too_small": "every face is smaller than can be cut out",
    "not_registered": "the detector's five points of every face fit no face",
    "low_confidence": "every face is found with less confidence than faces.min_confidence",
    "not_followed": "no face is in enough frames",
    "no_better_than_chance": "on the folds the model does not tell real from fake",
    "outside_training": "the faces differ from those of the training; `about` names the property",
    "within_no_operating_point": "the score is on neither side of the thresholds",
}
NAMES = operating_points.NAMES


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        code: of CODES. text: a clause for people. about: the property, where there are several.
    """

    code: str
    text: str
    about: str = ""


def together(reasons: Iterable[Reason]) -> str:
    """The texts of several reasons, for a table."""
    return "; ".join(reason.text for reason in reasons)


def codes(reasons: Iterable[Reason]) -> str:
    """The codes of several reasons, for a table, each once."""
    return ", ".join(dict.fromkeys(reason.code for reason in reasons))


def without_face(dropped: Iterable[str], frames: int) -> Reason:
    """Why a video has no face that can be scored.

    Args:
        dropped: the reasons of its records. frames: that were decoded.
    """
    listed = sorted(set(filter(None, dropped)))
    text = f"no usable face: {', '.join(listed)}"
    if not frames:
        return Reason("unreadable", ", ".join(listed))
    if any(reason.startswith(LOW_CONFIDENCE) for reason in listed):
        return Reason("low_confidence", text)
    if TOO_SMALL in listed:
        return Reason("face_too_small", text)
    if NOT_REGISTERED in listed:
        return Reason("not_registered", text)
    return Reason("no_face", text if listed else NO_FACE)


def undecided(points: dict) -> Reason:
    """Why a score on neither side of the operating points decides nothing.

    Args:
        points: from `decision.points`.
    """
    missing = [
        f'no video is called "{NAMES[side]}": {operating_points.lacks(points[side])}'
        for side in operating_points.SIDES
        if points[side]["at"] is None
    ]
    between = "the score lies between the thresholds of fake and of no trace found"
    return Reason("within_no_operating_point", "; ".join(missing) or between)
