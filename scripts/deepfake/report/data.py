"""What a run's page tells of its data: videos, faces, losses, and what the splits share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from deepfake import audit as audits
from deepfake import losses, protocols
from deepfake.faces import ANOTHER
from deepfake.tables import Row

LABELS = ("real", "fake")
THINGS = {
    "donors": "clips whose face a fake of another side wears",
    "twins": "pairs of videos with equal faces",
    "copies": "pairs of unlinked videos with near-equal frames",
}
SIDES = {"test": "training and test", "folds": "one fold and the others"}


def cut(rows: Sequence, limit: int) -> dict:
    """A list for a page: its first rows, and a sentence where that is not all."""
    told = f"The first {limit:,} of {len(rows):,}." if len(rows) > limit else ""
    return {"rows": rows[:limit], "told": told}


def facts(videos: Sequence[Row], records: Sequence[Row], limit: int) -> dict:
    """Counts for the page.

    Args:
        videos: of the sheet. records: of every frame, kept or dropped.
        limit: rows of a list that may grow long.
    """
    lost = losses.count(records)
    seen = {record["video_id"] for record in records if record["status"] == "kept"}
    reasons = sorted({reason for mine in lost.values() for reason in mine["dropped"]})
    label_of = {video["video_id"]: video["label"] for video in videos}
    why: dict[str, set[str]] = {}
    for record in records:
        if record["video_id"] not in seen and record["reason"] != ANOTHER:
            why.setdefault(record["video_id"], set()).add(record["reason"])
    faceless = [
        {"video_id": name, "label": label_of[name], "reason": ", ".join(sorted(found))}
        for name, found in sorted(why.items())
    ]
    return {
        "classes": [
            lost[label]
            | {
                "label": label,
                "videos": sum(video["label"] == label for video in videos),
                "faceless": sum(video["label"] == label for video in faceless),
                "lost": lost[label]["frames"] - lost[label]["kept"],
            }
            for label in LABELS
        ],
        "reasons": [
            {"reason": reason} | {label: lost[label]["dropped"].get(reason, 0) for label in LABELS}
            for reason in reasons
        ],
        "sources": cut(_sources(videos, records), limit),
        "faceless": cut(faceless, limit),
        "skew": losses.skew(lost),
    }


def _sources(videos: Sequence[Row], records: Sequence[Row]) -> list[dict]:
    """Videos and faces by dataset and method."""
    faces = Counter(record["video_id"] for record in records if record["status"] == "kept")
    found: dict[tuple, dict] = {}
    for video in videos:
        place = video["dataset"], video["label"], video["method"], video["compression"]
        mine = found.setdefault(place, {"videos": 0, "faces": 0})
        mine["videos"] += 1
        mine["faces"] += faces[video["video_id"]]
    names = ("dataset", "label", "method", "compression")
    return [dict(zip(names, place, strict=True)) | found[place] for place in sorted(found)]


def audit(found: dict) -> dict:
    """An audit with its sentences: what the protocol is, and what each pair of sides shares."""
    told = []
    for where, sides in SIDES.items():
        shared = {name: number for name, number in found[where].items() if number}
        share = shared.pop("rows_with_sibling", 0)
        if not shared:
            told.append(
                f"Nothing that the sheet names is shared between {sides}, "
                "and no two frames are nearly equal."
            )
            continue
        things = ", ".join(
            f"{number:,} {THINGS.get(name, name)}" for name, number in shared.items()
        )
        seen = "of the rows held out have a frame of the same video on the other side"
        told.append(
            f"Shared between {sides}: {things}{f'; {100 * share:.1f} % {seen}' if share else ''}."
        )
    if found["unlinked_fakes"]:
        told.append(unlinked(found))
    told += [f"Not used: {left['rows']:,} rows of {left['videos']:,} videos: {left['reason']}."
             for left in found["unused"]]  # fmt: skip
    about = protocols.told(found["protocol"], found["cross"])
    return found | {"about": about, "told": told, "leaks": audits.lines(found)}


def unlinked(found: dict) -> str:
    """A sentence on fakes of unknown people."""
    return (
        f"The people of {found['unlinked_fakes']:,} fake videos are unknown: a leak through them "
        "cannot be seen."
    )
