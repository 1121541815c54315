"""Data of a run's page: videos, faces, dropped frames, and the leak audits of the splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.preprocessing import dropped_frames
from deepfake.preprocessing.face_record import ANOTHER
from deepfake.report import texts
from deepfake.splits import leak_audit, protocols

LABELS = ("real", "fake")


def cut(rows: Sequence, limit: int) -> dict:
    """A list for a page: its first rows, and a remark if there are more."""
    return cut_of(rows[:limit], len(rows), limit)


def cut_of(rows: Sequence, count: int, limit: int) -> dict:
    """The first rows of a list of so many, as `cut` gives them."""
    remark = texts.FIRST_ROWS.format(limit=limit, count=count) if count > limit else ""
    return {"rows": rows, "remark": remark}


def facts(videos: Sequence[Row], records: Sequence[Row], limit: int) -> dict:
    """Counts for the page.

    Args:
        videos: of the sheet. records: of every frame, kept or dropped.
        limit: rows of a list that may grow long.
    """
    records = tables.of(records)
    counts = dropped_frames.count(records)
    with_face = set(records.column("video_id")[records.column("status") == "kept"])
    without = np.array([name not in with_face for name in records.column("video_id")], bool)
    reasons = sorted({reason for count in counts.values() for reason in count["dropped"]})
    label_of = {video["video_id"]: video["label"] for video in videos}
    why: dict[str, set[str]] = {}
    for record in records.at(without):
        if record["reason"] != ANOTHER:
            why.setdefault(record["video_id"], set()).add(record["reason"])
    faceless = [
        {"video_id": name, "label": label_of[name], "reason": ", ".join(sorted(found))}
        for name, found in sorted(why.items())
    ]
    return {
        "classes": [
            counts[label]
            | {
                "label": label,
                "videos": sum(video["label"] == label for video in videos),
                "faceless": sum(video["label"] == label for video in faceless),
                "dropped_frames": counts[label]["frames"] - counts[label]["kept"],
            }
            for label in LABELS
        ],
        "reasons": [
            {"reason": reason}
            | {label: counts[label]["dropped"].get(reason, 0) for label in LABELS}
            for reason in reasons
        ],
        "sources": cut(_sources(videos, records), limit),
        "faceless": cut(faceless, limit),
        "skew": dropped_frames.skew(counts),
    }


def _sources(videos: Sequence[Row], records: Table) -> list[dict]:
    """Videos and faces by dataset and method."""
    faces = Counter(records.column("video_id")[records.column("status") == "kept"])
    found: dict[tuple, dict] = {}
    for video in videos:
        place = video["dataset"], video["label"], video["method"], video["compression"]
        counts = found.setdefault(place, {"videos": 0, "faces": 0})
        counts["videos"] += 1
        counts["faces"] += faces[video["video_id"]]
    names = ("dataset", "label", "method", "compression")
    return [dict(zip(names, place, strict=True)) | found[place] for place in sorted(found)]


def audit(found: dict) -> dict:
    """An audit with its sentences: what the protocol is, and what each pair of sides shares."""
    sentences = []
    for where, sides in texts.SIDES.items():
        shared = {name: number for name, number in found[where].items() if number}
        share = shared.pop("rows_with_sibling", 0)
        if not shared:
            sentences.append(texts.NOTHING_SHARED.format(sides=sides))
            continue
        things = ", ".join(
            f"{number:,} {texts.SHARED_THINGS.get(name, name)}" for name, number in shared.items()
        )
        siblings = texts.SIBLINGS.format(percent=100 * share) if share else ""
        sentences.append(texts.SHARED.format(sides=sides, things=things, siblings=siblings))
    if found["unlinked_fakes"]:
        sentences.append(texts.UNKNOWN_PEOPLE.format(videos=found["unlinked_fakes"]))
    sentences.append(found["identity"])
    sentences += [texts.UNUSED.format(**left) for left in found["unused"]]
    about = protocols.describe(found["protocol"], found["cross"])
    return found | {"about": about, "sentences": sentences, "leaks": leak_audit.lines(found)}
