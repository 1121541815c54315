"""What training and test share, and what the folds share: names, equal and near-equal frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepfake.core.tables import Row
from deepfake.splits import assignment, duplicates
from deepfake.splits.parts import is_copy, rows_of

# What two sides must not share, and the columns that name it.
NAMED = {
    "videos": ("video_id",),
    "clips": ("clip_id",),
    "people": ("target_id", "source_id"),
    "groups": ("group_id",),
}
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

Places = set[object]  # "train" and "test", or folds


def audit(rows: Sequence[dict], split: Sequence[dict], protocol: str) -> dict:
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
    copied = [cut["part"] for row, cut in zip(rows, split, strict=True) if is_copy(row)]
    end = len(rows) - len(copied)
    rows, split = rows[:end], split[:end]
    used = rows_of(rows, split, "train", "test")
    placed_rows = [row for row, _ in used]
    pairs = {
        "twins": duplicates.exact_duplicates(placed_rows),
        "copies": duplicates.near_duplicates(placed_rows),
    }
    pairs["copies"] = {p: how for p, how in pairs["copies"].items() if p not in pairs["twins"]}
    parts = {name: [row for row, cut in used if cut["part"] == name] for name in ("train", "test")}
    training = [(row, cut["fold"]) for row, cut in used if cut["part"] == "train"]
    folds = sorted({int(fold) for _, fold in training})
    names = {kind: NAMED[kind] for kind in NAMED if (protocol, kind) != ("identity", "groups")}
    test, named = _shared([(row, cut["part"]) for row, cut in used], ["test"], names, pairs)
    between, within = _shared([(row, int(fold)) for row, fold in training], folds, names, pairs)
    return {
        "parts": {name: _count(part) for name, part in parts.items()},
        "training_copies": copied.count("train"),
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
    placed: Sequence[tuple[Row, object]],
    compared: Sequence[object],
    names: Mapping[str, Sequence[str]],
    pairs: Mapping[str, Mapping[tuple[str, str], int | str]],
) -> tuple[dict, dict]:
    """Counts by kind, at most over the places compared, and the names of what is shared.

    Args:
        placed: each row and its place. compared: places, each compared with all the others.
        names: columns by kind. pairs: of duplicate videos, by kind.
    """
    found: dict[str, dict[str, tuple[Places, Places]]] = {}
    for kind, columns in names.items():
        places = _places(placed, columns)
        found[kind] = {name: (where, where) for name, where in places.items()}
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
    siblings = dict.fromkeys(compared, 0)
    sizes = dict.fromkeys(compared, 0)
    for row, place in placed:
        if place in sizes:
            sizes[place] += 1
            siblings[place] += len(videos[row["video_id"]]) > 1
    shares = [siblings[place] / max(1, sizes[place]) for place in compared]
    named = {
        kind: sorted(n for n, where in things.items() if any(_across(*where, p) for p in compared))
        for kind, things in found.items()
    }
    first = {kind: names[:LISTED] for kind, names in named.items() if names}
    return counts | {"rows_with_sibling": round(max(shares), 6)}, first


def _places(placed: Sequence[tuple[Row, object]], columns: Sequence[str]) -> dict[str, Places]:
    """The places of each name in these columns; empty names are left out."""
    found: dict[str, Places] = {}
    for row, place in placed:
        for column in columns:
            if name := row.get(column):
                found.setdefault(name, set()).add(place)
    return found


def _across(one: Places, other: Places, place: object) -> bool:
    """Whether a thing is in a place as the one and elsewhere as the other."""
    return bool((place in one and other - {place}) or (place in other and one - {place}))


def _unlinked(rows: Sequence[Row]) -> int:
    """Fake videos without target and source person: a leak through them is not detected."""
    fakes = [row for row in rows if row["label"] == "fake"]
    return len({r["video_id"] for r in fakes if not (r.get("target_id") or r.get("source_id"))})


def _count(rows: Sequence[Row]) -> dict:
    fakes = sum(row["label"] == "fake" for row in rows)
    return {
        "rows": len(rows),
        "fake": fakes,
        "real": len(rows) - fakes,
        "videos": len({row["video_id"] for row in rows}),
        "groups": len({row["group_id"] for row in rows}),
    }
