"""What training and test share, and what the folds share: names, equal and near-equal frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepfake import likeness, splits

# What two sides must not share, and the columns that name it.
NAMED = {
    "videos": ("video_id",),
    "clips": ("clip_id",),
    "people": ("target_id", "source_id"),
    "groups": ("group_id",),
}
KINDS = (*NAMED, "donors", "twins", "copies")  # donor: a source whose own clip is on another side
LISTED = 20  # of each kind are named, the rest is counted

Row = Mapping[str, str]
Places = set[object]  # "train" and "test", or folds


def audit(rows: Sequence[dict], split: Sequence[dict], protocol: str) -> dict:
    """What training and test share, and what the folds share.

    Args:
        rows: of the matrix. split: what `splits.make` gave for them.
        protocol: its name; `identity` goes by people, so groups are not looked at.

    Returns:
        parts: rows, videos and groups in training and test; unused: rows and videos by reason.
        test, folds: by kind, how many things two sides share (of folds: a fold and the others,
        at most), and the share of held-out rows with a frame of the same video on another side.
        Twins are pairs of videos with equal faces; copies those with near-equal frames that no
        name in the sheet links.
        named: by the same two and by kind, the first of these things; pairs as "one = other".
        leaky, leaky_folds: whether anything is shared.
        unlinked_fakes: fake videos of unknown people, where no audit of names can see a leak.
    """
    used = [(row, cut) for row, cut in zip(rows, split, strict=True) if cut["part"] != "unused"]
    mine = [row for row, _ in used]
    pairs = {"twins": likeness.twins(mine), "copies": likeness.copies(mine)}
    pairs["copies"] = {p: bits for p, bits in pairs["copies"].items() if p not in pairs["twins"]}
    parts = {name: [row for row, cut in used if cut["part"] == name] for name in ("train", "test")}
    training = [(row, cut["fold"]) for row, cut in used if cut["part"] == "train"]
    folds = sorted({int(fold) for _, fold in training})
    names = {kind: NAMED[kind] for kind in NAMED if (protocol, kind) != ("identity", "groups")}
    test, named = _shared([(row, cut["part"]) for row, cut in used], ["test"], names, pairs)
    between, within = _shared([(row, int(fold)) for row, fold in training], folds, names, pairs)
    return {
        "parts": {name: _count(part) for name, part in parts.items()},
        "unused": splits.unused(split),
        "test": test,
        "folds": between,
        "named": {"test": named, "folds": within},
        "leaky": any(test[kind] for kind in KINDS),
        "leaky_folds": any(between[kind] for kind in KINDS),
        "unlinked_fakes": _unlinked(rows),
    }


def lines(found: dict) -> list[str]:
    """What an audit found, a plain line for each kind of thing that two sides share."""
    told = []
    for where, sides in (("test", "training and test"), ("folds", "folds")):
        for kind, things in found["named"][where].items():
            count = found[where][kind]
            told.append(f"{sides} share {count} {kind}: {', '.join(things)}")
    return told


def _shared(
    placed: Sequence[tuple[Row, object]],
    held: Sequence[object],
    names: Mapping[str, Sequence[str]],
    pairs: Mapping[str, Mapping[tuple[str, str], int]],
) -> tuple[dict, dict]:
    """Counts by kind, at most over the places held, and the names of what is shared.

    Args:
        placed: each row and its place. held: places, each compared with all the others.
        names: columns by kind. pairs: of videos that look the same, by kind.
    """
    found: dict[str, dict[str, tuple[Places, Places]]] = {}
    for kind, columns in names.items():
        places = _places(placed, columns)
        found[kind] = {name: (where, where) for name, where in places.items()}
    videos = _places(placed, ("video_id",))
    sources, bodies = _places(placed, ("source_id",)), _places(placed, ("clip_id", "target_id"))
    found["donors"] = {n: (sources[n], bodies[n]) for n in sources.keys() & bodies.keys()}
    for kind, alike in pairs.items():
        found[kind] = {
            f"{one} = {other}{f' ({bits} bits differ)' if kind == 'copies' else ''}": (
                videos[one], videos[other],
            )
            for (one, other), bits in alike.items()
            if one in videos and other in videos
        }  # fmt: skip
    counts: dict = {
        kind: max(sum(_across(*where, p) for where in found.get(kind, {}).values()) for p in held)
        for kind in KINDS
    }
    siblings = dict.fromkeys(held, 0)
    sizes = dict.fromkeys(held, 0)
    for row, place in placed:
        if place in sizes:
            sizes[place] += 1
            siblings[place] += len(videos[row["video_id"]]) > 1
    shares = [siblings[place] / max(1, sizes[place]) for place in held]
    named = {
        kind: sorted(n for n, where in things.items() if any(_across(*where, p) for p in held))
        for kind, things in found.items()
    }
    told = {kind: names[:LISTED] for kind, names in named.items() if names}
    return counts | {"rows_with_sibling": round(max(shares), 6)}, told


def _places(placed: Sequence[tuple[Row, object]], columns: Sequence[str]) -> dict[str, Places]:
    """Where each name in these columns stands; unknown ones are left out."""
    found: dict[str, Places] = {}
    for row, place in placed:
        for column in columns:
            if name := row.get(column):
                found.setdefault(name, set()).add(place)
    return found


def _across(one: Places, other: Places, place: object) -> bool:
    """Whether a thing stands in a place as the one and elsewhere as the other."""
    return bool((place in one and other - {place}) or (place in other and one - {place}))


def _unlinked(rows: Sequence[Row]) -> int:
    """Fake videos of which nobody said whose body and face they show: they may leak unseen."""
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
