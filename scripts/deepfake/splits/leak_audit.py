"""What training and test share, and what the folds share: names, equal and near-equal frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.dataset import grouping
from deepfake.splits import assignment, duplicates, parts

# What two sides must not share, and the columns that name it.
NAMED = {
    "videos": ("video_id",),
    "clips": ("clip_id",),
    "people": ("target_id", "source_id"),
    "groups": ("group_id",),
}
# Columns of rows that are compared or counted.
AUDITED = ("video_id", "label", "group_id", *grouping.NAMES, "digest", "phash")
# Names in the audit file. donors: source clips of a fake on another side; twins: exact duplicates;
# copies: near-duplicates.
KINDS = (*NAMED, "donors", "twins", "copies")
# The limit of an audit of names.
IDENTITY = (
    "People are compared by their names in the sheet: one person with two names is not detected."
)
NAMES = {
    "donors": "source clips",
    "twins": "exact duplicates",
    "copies": "near-duplicates",
}  # in sentences
LISTED = 20  # of each kind are named, the rest is counted

Places = frozenset  # "train" and "test", or folds


def audit(rows: Sequence[Row], split: Sequence[dict], protocol: str) -> dict:
    """What training and test share, and what the folds share.

    Args:
        rows: of the matrix. split: what `assignment.make` gave for them.
        protocol: its name; `identity` goes by people, so groups are not compared.

    Returns:
        parts: rows, videos and groups in training and test, without training copies, which go
        with their faces and are not compared; training_copies: how many those of the training are.
        unused: rows and videos by reason.
        test, folds: by kind, how many things two sides share (of folds: a fold and the others,
        at most), and the share of held-out rows with a frame of the same video on another side.
        Twins are pairs of videos with equal faces; copies are pairs with near-equal frames that no
        ID of the sheet links, unchanged or mirrored, cropped and so on.
        named: by the same two and by kind, the first of these things; pairs as "one = other".
        leaky, leaky_folds: whether anything is shared.
        identity: how people are compared.
        unlinked_fakes: fake videos of unknown people: leaks through them are not detected.
    """
    rows, split = tables.of(rows), tables.of(split)
    copied = parts.copies(rows)
    training_copies = int((split.column("part")[copied] == "train").sum())
    rows, split = rows.at(~copied), split.at(~copied)
    used = parts.rows_of(rows.only(*AUDITED), split, "train", "test")
    pairs = {
        "twins": duplicates.exact_duplicates(used),
        "copies": duplicates.near_duplicates(used),
    }
    pairs["copies"] = {p: how for p, how in pairs["copies"].items() if p not in pairs["twins"]}
    part = used.column("part")
    training = used.at(part == "train")
    fold = training.column("fold").astype(int)
    names = {kind: NAMED[kind] for kind in NAMED if (protocol, kind) != ("identity", "groups")}
    test, named = _shared(used, part, ["test"], names, pairs)
    between, within = _shared(training, fold, np.unique(fold).tolist(), names, pairs)
    return {
        "parts": {name: _count(used.at(part == name)) for name in ("train", "test")},
        "training_copies": training_copies,
        "unused": assignment.unused(split),
        "test": test,
        "folds": between,
        "named": {"test": named, "folds": within},
        "leaky": any(test[kind] for kind in KINDS),
        "leaky_folds": any(between[kind] for kind in KINDS),
        "identity": IDENTITY,
        "unlinked_fakes": _unlinked(rows),
    }


def lines(found: dict) -> list[str]:
    """The findings of an audit, a line for each kind of thing that two sides share."""
    result = []
    for where, sides in (("test", "training and test"), ("folds", "folds")):
        for kind, things in found["named"][where].items():
            count = found[where][kind]
            result.append(f"{sides} share {count} {NAMES.get(kind, kind)}: {', '.join(things)}")
    return result


def _shared(
    rows: Table,
    places: np.ndarray,
    compared: Sequence[object],
    names: Mapping[str, Sequence[str]],
    pairs: Mapping[str, Mapping[tuple[str, str], int | str]],
) -> tuple[dict, dict]:
    """Counts by kind, at most over the places compared, and the names of what is shared.

    Args:
        places: of each row, (n,). compared: places, each compared with all the others.
        names: columns by kind. pairs: of duplicate videos, by kind.
    """
    placed = rows.with_columns(place=places)
    found: dict[str, dict[str, tuple[Places, Places]]] = {}
    for kind, columns in names.items():
        found[kind] = {name: (where, where) for name, where in _places(placed, columns).items()}
    videos = _places(placed, ("video_id",))
    sources, bodies = _places(placed, ("source_id",)), _places(placed, ("clip_id", "target_id"))
    found["clips"] |= {n: (bodies[n], bodies[n] | videos[n]) for n in bodies.keys() & videos.keys()}
    own = _places(placed, ("video_id", "clip_id", "target_id"))
    found["donors"] = {n: (sources[n], own[n]) for n in sources.keys() & own.keys()}
    for kind, alike in pairs.items():
        found[kind] = {
            f"{one} = {other}{f' ({how})' if kind == 'copies' else ''}": (
                videos[one], videos[other],
            )
            for (one, other), how in alike.items()
            if one in videos and other in videos
        }  # fmt: skip
    counts: dict = {
        kind: max(
            sum(_across(*where, p) for where in found.get(kind, {}).values()) for p in compared
        )
        for kind in KINDS
    }
    kinds, kind_of = placed.distinct("video_id")
    has_sibling = np.array([len(videos[row["video_id"]]) > 1 for row in placed.at(kinds)], bool)
    siblings = [has_sibling[kind_of[places == place]] for place in compared]
    shares = [int(some.sum()) / max(1, len(some)) for some in siblings]
    named = {
        kind: sorted(n for n, where in things.items() if any(_across(*where, p) for p in compared))
        for kind, things in found.items()
    }
    first = {kind: names[:LISTED] for kind, names in named.items() if names}
    return counts | {"rows_with_sibling": round(max(shares), 6)}, first


def _places(placed: Table, columns: Sequence[str]) -> dict[str, Places]:
    """The places of each name in these columns; empty names are left out."""
    found: dict[str, Places] = {}
    known: dict[Places, Places] = {}  # few sets for many names
    for column in columns:
        kinds, _ = placed.distinct(column, "place")
        some = placed.at(kinds)
        for name, place in zip(some.column(column, ""), some.column("place").tolist(), strict=True):
            if name:
                where = found.get(name, Places()) | {place}
                found[name] = known.setdefault(where, where)
    return found


def _across(one: Places, other: Places, place: object) -> bool:
    """Whether a thing is in a place as the one and elsewhere as the other."""
    return bool((place in one and other - {place}) or (place in other and one - {place}))


def _unlinked(rows: Table) -> int:
    """Fake videos without target and source person: a leak through them is not detected."""
    unknown = rows.column("label") == "fake"
    for name in ("target_id", "source_id"):
        unknown &= rows.column(name, "") == ""
    return len(set(rows.column("video_id")[unknown]))


def _count(rows: Table) -> dict:
    fakes = int((rows.column("label") == "fake").sum())
    return {
        "rows": len(rows),
        "fake": fakes,
        "real": len(rows) - fakes,
        "videos": len(set(rows.column("video_id"))),
        "groups": len(set(rows.column("group_id"))),
    }
