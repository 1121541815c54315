"""The tables of a small run that never ran, written by the library's own functions."""

import itertools
import json
from pathlib import Path

import numpy as np
import yaml

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.evaluation import answers, scoring, search_table, shortcuts, summary
from deepfake.features import registry as sets
from deepfake.features.row_order import ROW_COLUMNS
from deepfake.preprocessing import face_record
from deepfake.report import charts
from deepfake.splits import assignment
from deepfake.splits import leak_audit as audits
from deepfake.workflow import config, published_results
from tests.unit import synthetic

SETTINGS = {"run": "made-up", "split": {"test_size": 0.5, "folds": {"k": 2}}}
HOW = {"level": 0.95}


def write(
    folder: Path,
    *,
    groups: int = 16,
    protocols: tuple = ("grouped",),
    models: dict | None = None,
    features: tuple = ("pixels",),
    lost: dict | None = None,
    name: str = "clip",
    test_label: str = "",
    candidates: int = 3,
    known_people: bool = True,
    published: str = "",
) -> dict:
    """Write the files that a page is made from.

    Args:
        groups: of one real and one fake video, two frames each.
        models: by name, (mean score on the folds, how well it tells the test rows apart).
        features: sets that each model is tested on.
        lost: by label, how many frames more gave no face.
        published: the experiment whose runs were repeated.
        name: of the videos. test_label: the only class of the test, or "" for both.

    Returns:
        Lists of paths by name, as `deepfake.report.run.facts` takes them.
    """
    models = models or {"svm": (0.6, 1.0)}
    videos = [_video(name, group, label, known_people) for group in range(groups)
              for label in ("fake", "real")]  # fmt: skip
    videos.sort(key=lambda video: video["video_id"])
    files = {key: [str(folder / f"{key}.tsv")] for key in ("sheet", "rows", "records")}
    files |= {
        key: [] for key in ("audits", "metrics", "best", "search", "videos", "frames", "curves")
    }
    sheet.write(videos, files["sheet"][0])
    rows = [
        {"row": 2 * place + frame, "frame": str(frame), "face": "0"} | video
        for place, video in enumerate(videos)
        for frame in range(2)
    ]
    records = [
        row | {"status": "kept", "reason": "", "crop_row": row["row"]}
        | {"sharpness": 50.0 - 3 * (row["label"] == "fake") + row["row"] % 11, "noise": 0.5}
        for row in rows
    ]  # fmt: skip
    for label, count in (lost or {}).items():
        video = next(video for video in videos if video["label"] == label)
        records += [video | {"frame": str(9 + n), "status": "dropped", "reason": "no face found"}
                    for n in range(count)]  # fmt: skip
    tables.write(rows, files["rows"][0], ROW_COLUMNS)
    tables.write(records, files["records"][0], ("label", "group_id", *face_record.COLUMNS))
    known = {}
    for protocol in protocols:
        split = assignment.make(rows, protocol, test_size=0.5, k=2, shuffle=True, every=1, seed=0)
        cells = [{name: str(value) for name, value in row.items()} for row in rows]
        known[protocol] = shortcuts.of_videos(cells, tables.read(files["records"][0]), split)
        audit = {"protocol": protocol, "cross": None} | audits.audit(rows, split, protocol)
        _json(files["audits"], folder / f"{protocol}.audit.json", audit)
        test = [row for row, cut in zip(rows, split, strict=True)
                if cut["part"] == "test" and row["label"] != {"real": "fake", "fake": "real"}.get(
                    test_label)]  # fmt: skip
        for seen, (model, (mean, skill)) in itertools.product(features, models.items()):
            _result(files, folder, seen, model, mean, skill, test, audit, candidates)
    files["published"] = []
    for run in published_results.repeated([published] if published else []).values():
        judged = json.loads(Path(files["metrics"][0]).read_text())
        record = {name: judged[name] for name in ("leaky", "frames", "videos")}
        record |= {"name": run.name, "model": run.model}
        _json(files["published"], folder / f"{run.name}.json", record)
    found = [json.loads(Path(path).read_text(encoding="utf-8")) for path in files["metrics"]]
    scored = [tables.read(path) for path in files["videos"]]
    pairs = summary.pairs(found, scored, **HOW)
    files["shortcuts"] = [str(folder / "shortcuts.tsv")]
    untrained = shortcuts.table(found, scored, known, **HOW)
    tables.write(untrained, files["shortcuts"][0], shortcuts.COLUMNS)
    files["pairs"] = [str(folder / "comparisons.tsv")]
    tables.write(pairs, files["pairs"][0], summary.PAIR_COLUMNS)
    return files


def _video(name: str, group: int, label: str, known: bool) -> dict:
    video = f"{name} {group:03}.mp4" if label == "fake" else f"real {group:03}.mp4"
    person = f"p{group:03}" if known else ""
    return {
        "video_id": video,
        "path": f"videos/{video}",
        "label": label,
        "dataset": "made-up",
        "method": "swap" if label == "fake" else "",
        "target_id": person,
        "clip_id": f"c{group:03}",
        "group_id": f"g{group:03}",
        "batch": "b0001",
    }


def _result(files, folder, features, model, mean, skill, test, audit, candidates) -> None:
    place = folder / f"{features}.{audit['protocol']}.{model}"
    noise = np.random.default_rng(len(model)).normal(size=len(test))
    values = noise + np.array([skill * (row["label"] == "fake") for row in test])
    frames = scoring.frame_table(test, values, 0.5)
    calibration = {"slope": 1.0, "intercept": -0.5, "trim": 0.0}
    videos = scoring.video_table(test, values, 0.5, calibration)
    axis = charts.AXES[model]
    found = [
        {"candidate": number, axis: float(10**number) if number < 9 else 7, "fold": fold}
        | dict.fromkeys(search_table.SCORES, mean - number / 1000 + fold / 100)
        for number in range(candidates)
        for fold in range(2)
    ]
    record = {"number": 0, "by": "roc_auc", "candidate": {axis: 1}}
    record |= {"fold_means": dict.fromkeys(search_table.SCORES, mean)}
    judged = {
        "features": {"name": features, "version": 1, "length": sets.length(features, 320)},
        "model": model,
        "protocol": audit["protocol"],
        "leaky": audit["leaky"],
        "copies": 0,
        "unlinked_fakes": audit["unlinked_fakes"],
        "folds": {
            "leaky": audit["leaky"] or audit["leaky_folds"],
            "roc_auc": {"value": mean, "low": None, "high": None},
        },
        "contains_training_images": False,
        "level": HOW["level"],
        "frames": scoring.evaluate(frames, 0.5, **HOW),
        "videos": scoring.evaluate(videos, 0.5, **HOW),
        "threshold": {"aim": "equal_error", "source": "folds"},
        "answers": answers.judge(videos, synthetic.points(0.7, 0.3), **HOW),
        "slices": scoring.slices(videos, 0.5, **HOW),
        "calibration": scoring.probabilities(videos, **HOW),
    }
    for kind, rows, columns in (
        ("frames", frames, scoring.FRAME_COLUMNS),
        ("videos", videos, scoring.VIDEO_COLUMNS),
        ("search", found, ("candidate", axis, "fold", *search_table.SCORES)),
    ):
        files[kind].append(f"{place}.{kind}.tsv")
        tables.write(rows, files[kind][-1], columns)
    for fold in range(2) if model == "mesonet" else ():
        curve = [
            {"protocol": audit["protocol"], "fold": fold, "epoch": epoch, "loss": 1 / epoch}
            | {"candidate": "" if epoch > 1 else 0} | dict.fromkeys(search_table.SCORES, mean)
            for epoch in range(1, 5)
        ]  # fmt: skip
        files["curves"].append(f"{place}.{fold}.curve.tsv")
        tables.write(curve, files["curves"][-1], search_table.CURVE_COLUMNS)
    _json(files["metrics"], Path(f"{place}.metrics.json"), judged)
    _json(files["best"], Path(f"{place}.best.json"), record)


def _json(known: list[str], path: Path, values: dict) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")
    known.append(str(path))


def params(folder: Path, **changed) -> dict:
    """Settings of the job: the configuration, and a folder of benchmarks that may be missing."""
    values = yaml.safe_load(yaml.safe_dump({**SETTINGS, "sweep": {"svm": {}}, **changed}))
    settings = config.deciding(config.load(values, "made-up"))
    return {"config": settings, "benchmarks": str(folder / "benchmarks"),
            "outputs": {}, "ledger": str(folder / "ledger.tsv")}  # fmt: skip
