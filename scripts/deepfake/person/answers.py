"""What a person's model says of a video: it fits, it does not, or the video is too short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core import filenames
from deepfake.person import enrolment
from deepfake.person.record import TOO_SHORT

SCORES = ("video", "person", "start", "end", "score")
ANSWERS = ("video", "person", "answer", "score", "windows", "fitting", "reason", "note")
FITS, FITS_NOT = "fits", "does not fit"


def answer(row: Mapping[str, str], scores: Sequence[float], person: str) -> dict:
    """A row of ANSWERS for a video.

    Args:
        row: of `record.FOLLOWED`. scores: of its windows. person: whose model it is.
    """
    found = {"video": row["video_id"], "person": person, "windows": len(scores)}
    found |= {"reason": row["reason"], "note": row["note"]}
    if not len(scores):
        return found | {"answer": TOO_SHORT, "fitting": 0, "score": ""}
    values = np.asarray(scores)
    score = enrolment.by_video(values, [row["video_id"]] * len(values))[row["video_id"]]
    fitting = int((values >= 0).sum())
    return found | {"answer": FITS if score >= 0 else FITS_NOT, "score": score, "fitting": fitting}


def text(found: Mapping[str, str]) -> str:
    """A row of ANSWERS for a terminal, in two lines."""
    result = found["reason"]
    if found["answer"] != TOO_SHORT:
        result = f"{found['answer']}, score {float(found['score']):.2f}; "
        result += f"{found['fitting']} of {found['windows']} windows fit"
    lines = f"movements of {found['person']}: {result}", f"{'':15} {found['video']}"
    return "\n".join(map(filenames.shown, lines)) + "\n"
