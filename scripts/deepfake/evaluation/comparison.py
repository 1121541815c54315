"""Several runs beside each other: paired differences of their scores on the test videos of both.

A run's folder is all that is read, so runs of other machines count. The first run is what the
others are compared with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.dataset import grouping
from deepfake.evaluation import metrics, model_selection, summary

COLUMNS = ("protocol", "one_run", "one_features", "one", "other_run", "other_features", "other",
           "what", "score", "one_value", "other_value", "difference", "low", "high", "videos",
           "fake", "real", "groups", "one_only", "other_only", "baseline", "leaky")  # fmt: skip
VARIANT_COLUMNS = ("variant", "folder", "chosen", "difference", "difference_low", "difference_high",
                   "shared_videos", *summary.COLUMNS)  # fmt: skip
SCORES = ("roc_auc", "balanced_accuracy")
SAME, BEST = "same model", "best on the folds"
Key = tuple[str, str, str]  # protocol, feature set, model


class ComparisonError(Exception):
    """A folder is no finished run, or the tests of two runs cannot be compared."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: as the user named it. config: its settings, the keys that decide results.
        records: of each evaluation; videos: the scored test videos of each, by id.
        training: ids of the training videos, by protocol; cut: of those with frames on both sides,
            as a leaky split has them.
    """

    folder: str
    config: dict
    records: dict[Key, dict]
    videos: dict[Key, dict[str, Row]]
    training: dict[str, set[str]]
    cut: dict[str, set[str]]

    def tests(self, protocol: str) -> dict[str, Row]:
        """The test videos of a protocol, by id; every model scores the same."""
        return next(rows for key, rows in self.videos.items() if key[0] == protocol)

    def best(self, protocol: str) -> Key:
        """The model of a protocol that is best on the folds."""
        some = [record for key, record in self.records.items() if key[0] == protocol]
        found = model_selection.best(some)
        return protocol, found["features"]["name"], found["model"]


def read(folder: str, ranks: Mapping[str, int]) -> Run:
    """A run from its folder.

    Args:
        ranks: of models: see `model_selection.ranked`.

    Raises:
        ComparisonError: the folder lacks a file of a finished run.
    """
    path = Path(folder)
    try:
        listed = tables.read(path / "summary.tsv")
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        keys = dict.fromkeys((row["protocol"], row["features"], row["model"]) for row in listed)
        records, videos = {}, {}
        for protocol, features, model in keys:
            place = path / features / protocol / "evaluation" / model
            key = protocol, features, model
            record = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
            (records[key],) = model_selection.ranked([record], ranks)
            videos[key] = {row["video_id"]: row for row in tables.read(place / "videos.tsv")}
        training, cut = {}, {}
        for protocol in dict.fromkeys(protocol for protocol, _, _ in keys):
            split = tables.read(path / "splits" / f"{protocol}.tsv", ("video_id", "part"))
            parts, names = split.column("part"), split.column("video_id")
            training[protocol] = set(names[parts == "train"])
            cut[protocol] = training[protocol] & set(names[parts == "test"])
    except FileNotFoundError as error:
        raise ComparisonError(
            f"{folder}: {Path(error.filename).relative_to(path)} is missing: name the folder of a "
            "finished run, like results/demo; one of an older version has to be run again"
        ) from None
    return Run(folder, config, records, videos, training, cut)


def table(runs: Sequence[Run], *, level: float) -> list[dict]:
    """A row for each score, model and run beside the first one, of the videos in both tests.

    Models that both runs have are compared, and those of each run that are best on the folds.

    Args:
        level: of the intervals.

    Raises:
        ComparisonError: two tests differ in a way that makes a comparison wrong, or no split is in
            both.
    """
    first, rows = runs[0], []
    for other in runs[1:]:
        both = [name for name in first.training if name in other.training]
        if not both:
            raise ComparisonError(
                f"{first.folder} and {other.folder} have no split in common: "
                f"{', '.join(first.training)} and {', '.join(other.training)} (split.protocols)"
            )
        for protocol in both:
            _check(first, other, protocol)
            same = [key for key in first.records if key[0] == protocol and key in other.records]
            pairs = [(SAME, key, key) for key in same]
            pairs.append((BEST, first.best(protocol), other.best(protocol)))
            for what, one, another in pairs:
                rows += _rows(first, one, other, another, what, level)
    return rows


def of_variants(
    runs: Sequence[Run], folders: Sequence[str], rows: Sequence[dict], choices: Sequence[dict]
) -> list[dict]:
    """A row for each variant of a run and each of its models, by video; see VARIANT_COLUMNS.

    Args:
        runs: the variants, the base first. folders: of each.
        rows: of `table`: the ROC AUC of the same model less the base's comes from there.
        choices: of each protocol, from `selection_bias.corrected`.
    """
    less = {
        (row["other_run"], row["protocol"], row["other_features"], row["other"]): row
        for row in rows
        if (row["what"], row["score"]) == (SAME, "roc_auc")
    }
    best = {
        (one["all"]["variant"], one["protocol"], one["all"]["features"], one["all"]["model"])
        for one in choices
    }
    return [
        {
            "variant": run.folder,
            "folder": folder,
            "chosen": "yes" if (run.folder, *key) in best else "no",
            **_less_the_base(less.get((run.folder, *key))),
            **summary.row(record, "videos"),
        }
        for run, folder in zip(runs, folders, strict=True)
        for key, record in run.records.items()
    ]


def _less_the_base(row: dict | None) -> dict:
    names = {"difference": "difference", "difference_low": "low", "difference_high": "high"}
    names |= {"shared_videos": "videos"}
    return {name: row[column] if row else None for name, column in names.items()}


def _check(one: Run, other: Run, protocol: str) -> None:
    """Whether no video of a test is in the other run's training, and labels are equal."""
    where = f"{one.folder} and {other.folder} cannot be compared on the split {protocol}: "
    for tested, trained in ((one, other), (other, one)):
        known = tested.tests(protocol).keys() & trained.training[protocol]
        # of these the other run may have the frames of one side only
        known = sorted(known - one.cut[protocol] - other.cut[protocol])
        if known:
            raise ComparisonError(
                f"{where}{len(known)} test videos of {tested.folder} are in the training of "
                f"{trained.folder} ({known[0]}, ...); run both with one sheet and the same "
                "settings of split"
            )
    shared = one.tests(protocol).keys() & other.tests(protocol).keys()
    if not shared:
        raise ComparisonError(f"{where}no video is in both tests; run both with one sheet")
    labels = [
        name
        for name in sorted(shared)
        if one.tests(protocol)[name]["label"] != other.tests(protocol)[name]["label"]
    ]
    if labels:
        raise ComparisonError(
            f"{where}{len(labels)} videos have another label ({labels[0]}, ...); take one sheet"
        )


def _rows(
    one: Run, key: Key, other: Run, other_key: Key, what: str, level: float
) -> Iterator[dict]:
    first, second = one.videos[key], other.videos[other_key]
    shared = sorted(first.keys() & second.keys())
    fake = np.array([first[name]["label"] == "fake" for name in shared])
    groups = _groups(shared, first, second)
    scored = [
        (
            np.array([float(videos[name]["score"]) for name in shared]),
            run.records[place]["videos"]["threshold"],
        )
        for run, place, videos in ((one, key, first), (other, other_key, second))
    ]
    leaky = one.records[key]["leaky"] or other.records[other_key]["leaky"]
    alone = [metrics.summary(fake, *side, groups, level=level) for side in scored]
    differences = metrics.paired(fake, scored[1], scored[0], groups, level=level)
    for score in SCORES:
        yield {
            "protocol": key[0],
            "one_run": one.folder,
            "one_features": key[1],
            "one": key[2],
            "other_run": other.folder,
            "other_features": other_key[1],
            "other": other_key[2],
            "what": what,
            "score": score,
            "one_value": alone[0]["metrics"][score]["value"],
            "other_value": alone[1]["metrics"][score]["value"],
            "difference": differences[score]["value"],
            "low": differences[score]["low"],
            "high": differences[score]["high"],
            "videos": len(shared),
            "fake": int(fake.sum()),
            "real": int((~fake).sum()),
            "groups": len(set(groups)),
            "one_only": len(first) - len(shared),
            "other_only": len(second) - len(shared),
            "baseline": alone[0]["majority_baseline"],
            "leaky": "yes" if leaky else "no",
        }


def _groups(shared: Sequence[str], first: dict[str, Row], second: dict[str, Row]) -> list[str]:
    """The group of each video: what either run links is linked."""
    linked = [(f"0{first[name]['group_id']}", f"1{second[name]['group_id']}") for name in shared]
    return grouping.components(linked)
