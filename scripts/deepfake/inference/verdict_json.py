"""One verdict as JSON, for programs. docs/verdict.schema.json describes it, and a test holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from deepfake.inference.reasons import Reason

FORMAT = 1


def of(found: Mapping, each: Sequence[Mapping], file: Mapping | None, bundle: dict) -> dict:
    """What is known of one video.

    Args:
        found, each: from `classify.verdict`, with what `classify.sampled` says.
        file: facts of its container, None where it could not be opened.
        bundle: the record of bundle.json; with `sha256`, that of the file.
    """
    training = bundle["training"]
    return _head(found, found["reasons"]) | {
        "probability": _number(found.get("probability")),
        "prior": found["prior"],
        "score": _number(found.get("score")),
        "note": found["note"],
        "faces": [
            {
                "face": one["face"],
                "frames": one["frames"],
                "probability": one["probability"],
                "score": one["score"],
            }
            | _verdict(one["verdict"], one["reasons"])
            for one in each
        ],
        "sampled": {"frames": found["sampled"], "of": found["seen"]},
        "file": dict(file) if file else None,
        "model": {
            "model": bundle["model"],
            "features": bundle["features"]["name"],
            "bundle_sha256": bundle["sha256"],
            "preprocessing_sha256": bundle["fingerprint"],
            "datasets": training["datasets"],
            "protocol": training["protocol"],
            "leaky": training["leaky"],
            "operating_points": bundle["verdict"],
        },
    }


def unread(video: str, reason: Reason) -> dict:
    """What is known of a path that is no video."""
    empty = dict.fromkeys(("probability", "prior", "score", "sampled", "file", "model"))
    head = _head({"video": video, "verdict": "undecided"}, [reason])
    return head | {"note": "", "faces": []} | empty


def text(verdict: dict) -> str:
    """A verdict as a line of JSON. Bytes of a path that are no text are kept as surrogates."""
    return json.dumps(verdict, allow_nan=False) + "\n"


def _head(found: Mapping, reasons: Sequence[Reason]) -> dict:
    return {"format": FORMAT, "video": found["video"]} | _verdict(found["verdict"], reasons)


def _verdict(verdict: str, reasons: Sequence[Reason]) -> dict:
    listed = [{"code": one.code, "about": one.about, "text": one.text} for one in reasons]
    return {"verdict": verdict.replace(" ", "_"), "reasons": listed}


def _number(value: object) -> float | None:
    return None if value in ("", None) else float(str(value))
