"""Runs of the workflow on one made-up matrix: what is common is made once, and linked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import full_data
import measure
import yaml

from deepfake.core import schema, tables
from deepfake.dataset import sheet
from deepfake.evaluation import search_table
from deepfake.features.registry import PIXELS
from deepfake.workflow import config, published_results, usage
from deepfake.workflow.plan import Plan

SHARED = "shared"
RBF = {"kernel": "rbf", "gamma": "scale", "scaling": "standard"}
LIBLINEAR = {"C": 1, "scaling": "none", "intercept": "penalised"}
FOLDS = 3  # of the original's search; its text says 5
NOT_OF_A_FOLD = ("rows", "matrix", "split", "compile")  # once a run, however many folds


@dataclass(frozen=True)
class Piece:
    """A run of the workflow: one model fitted and tested, or one fold of a search.

    Attributes:
        name: of the run. described: its settings, for the table.
        sweep: as in a configuration.
        test_size: share of the rows in the test.
        folds: of the search, one of which is run; 0 where a model is fitted and tested.
        fitted: the piece that fits the search's best.
        published: what to compare with.
    """

    name: str
    described: str
    sweep: dict[str, dict]
    test_size: float = 0.2
    folds: int = 0
    fitted: str = ""
    published: published_results.Run | None = None

    @property
    def model(self) -> str:
        return next(iter(self.sweep))


def _forest(*sizes: int) -> dict[str, dict]:
    return {"forest": {"n_estimators": list(sizes)}}


SVM_1, SVM_001, LOGISTIC, FOREST, FOREST_25, SEARCHED = published_results.RUNS
PIECES = (
    Piece("svm-1", "RBF, C = 1", {"svm": RBF | {"C": 1}}, published=SVM_1),
    Piece("svm-0.01", "RBF, C = 0.01", {"svm": RBF | {"C": 0.01}}, published=SVM_001),
    Piece("logistic", "L2, C = 1", {"logistic": LIBLINEAR}, published=LOGISTIC),
    Piece("forest-100", "100 trees", _forest(100), published=FOREST),
    Piece("forest-100-25", "100 trees, test share 0.25", _forest(100), 0.25, published=FOREST_25),
    Piece("forest-2000", "2,000 trees, as the search found", _forest(2000)),
    Piece(
        *("search-forest-3", "3 folds of 500 to 2,000 trees", _forest(500, 1000, 2000)),
        **{"folds": FOLDS, "fitted": "forest-2000", "published": SEARCHED},
    ),
    Piece(
        *("search-forest-5", "5 folds of 100 to 2,000 trees", _forest(100, 500, 1000, 2000)),
        **{"folds": 5, "fitted": "forest-2000"},
    ),
    Piece(
        *("search-svm", "3 folds of C = 0.01, 1", {"svm": RBF | {"C": [0.01, 1]}}),
        **{"folds": FOLDS, "fitted": "svm-1"},
    ),
    Piece(
        *("search-logistic", "3 folds of C = 1", {"logistic": LIBLINEAR}),
        **{"folds": FOLDS, "fitted": "logistic"},
    ),
)


class Runs:
    """Runs of the workflow on one matrix, in a folder of their own."""

    def __init__(self, folder: Path, rows: int, size: int, cores: int, mem_mb: int) -> None:
        self.results, self._folder, self._size = folder / "results", folder, size
        self._limits = ["--cores", str(cores), "--resources", f"mem_mb={mem_mb}"]
        self._sheet = full_data.prepare(folder, rows, size, SHARED)
        self._videos = sheet.read(self._sheet, check_files=False)

    def share(self) -> None:
        """Gather the matrix, split it, and compute the Gram matrices of all training rows."""
        plan = self._plan(SHARED, {"svm": RBF, "logistic": LIBLINEAR}, 0.2, FOLDS)
        grams = [name for model in plan.candidates for name in plan.grams(model, PIXELS)]
        files = ["pixels/matrix.npy", "splits/frame.tsv"]
        self._snakemake(SHARED, files + [f"pixels/frame/gram/{name}.npy" for name in grams])

    def make(self, piece: Piece) -> None:
        """Fit and test a piece's model, or score its candidates on one fold."""
        plan = self._plan(piece.name, piece.sweep, piece.test_size, piece.folds or FOLDS)
        for file in ("pixels/matrix.npy", "rows.tsv", "faces.tsv"):
            self._link(piece, file)
        done = ["rows.jsonl", "matrix/pixels.jsonl"]
        if piece.test_size == 0.2 and piece.folds in (0, FOLDS):
            for file in ("splits/frame.tsv", "splits/frame.audit.json"):
                self._link(piece, file)
            done.append("split/frame.jsonl")
        for name in plan.grams(piece.model, PIXELS, fold="0" if piece.folds else "all"):
            if name.endswith(".all"):
                self._link(piece, f"pixels/frame/gram/{name}.npy")
                self._link(piece, f"pixels/frame/gram/{name}.json")
                done.append(f"gram/pixels.frame.{name}.jsonl")
        if piece.folds:
            targets = [
                f"pixels/frame/search/{job['model']}/{job['chunk']}.0.tsv"
                for rule, job in plan.jobs()
                if rule == "search" and job["fold"] == "0"
            ]
        else:
            for file in done:  # a fold is counted without what is there once for all folds
                self._link(piece, f"benchmarks/{file}")
            # whatever is older than the choice starts no search
            first = ["compiled/done.txt"] if piece.model == "forest" else []
            if "split/frame.jsonl" not in done:
                first.append("splits/frame.tsv")
            if first:
                self._snakemake(piece.name, first)
            self._choose(piece, plan)
            targets = [f"pixels/frame/evaluation/{piece.model}/metrics.json"]
        self._snakemake(piece.name, targets)

    def took(self, piece: Piece) -> usage.Used | None:
        """What all jobs of a piece took together; None where it has not been made."""
        found = usage.collect(self.results / piece.name / "benchmarks")
        last = "search" if piece.folds else "evaluate"
        if f"{last} {piece.model}" not in found:
            return None
        return usage.together(
            mine
            for name, mine in found.items()
            if not (piece.folds and name.startswith(NOT_OF_A_FOLD))
        )

    def test_classes(self) -> Counter:
        """How many test rows are fake and real in the split of all but one piece."""
        rows = tables.read(self.results / SHARED / "rows.tsv")
        split = tables.read(self.results / SHARED / "splits" / "frame.tsv")
        both = zip(rows, split, strict=True)
        return Counter(row["label"] for row, cut in both if cut["part"] == "test")

    def _plan(self, run: str, sweep: dict, test_size: float, folds: int) -> Plan:
        """Write a run's configuration, config/original.yaml but for what is said here."""
        values = schema.read_yaml(measure.ROOT / "config" / "original.yaml")
        values |= {"run": run, "sheet": str(self._sheet), "sweep": sweep, "report": {}}
        values["faces"]["size"] = self._size
        values["split"] |= {"test_size": test_size}
        values["split"]["folds"]["k"] = folds
        self._settings(run).write_text(yaml.safe_dump(values), encoding="utf-8")
        return Plan(config.load(values, run), self._videos)

    def _settings(self, run: str) -> Path:
        return self._folder / f"{run}.yaml"

    def _link(self, piece: Piece, file: str) -> None:
        """Give a piece a file of `shared`, if it has not got it."""
        source, place = self.results / SHARED / file, self.results / piece.name / file
        if place.exists() and place.samefile(source):
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        os.link(source, place)

    def _choose(self, piece: Piece, plan: Plan) -> None:
        """Write what the rule choose would: the one candidate, and scores that are made up."""
        place = self.results / piece.name
        best = place / "pixels" / "frame" / "search" / f"{piece.model}.best.json"
        made_of = [place / "rows.tsv", place / "splits" / "frame.tsv"]
        newest = max(path.stat().st_mtime for path in [*made_of, *place.glob("compiled/*.txt")])
        if best.exists() and best.stat().st_mtime > newest:
            return
        rows, split = map(tables.read, made_of)
        scores = [
            {**row, "fold": cut["fold"], "score": (row["label"] == "fake") + int(row["row"]) % 3}
            for row, cut in zip(rows, split, strict=True)
            if cut["part"] == "train"
        ]
        best.parent.mkdir(parents=True, exist_ok=True)
        tables.write(
            scores,
            best.with_name(f"{piece.model}.out_of_fold.tsv"),
            search_table.OUT_OF_FOLD_COLUMNS,
        )
        record = {"number": 0, "candidate": plan.candidates[piece.model][0], "by": "accuracy"}
        best.write_text(json.dumps(record | {"fold_means": {}}) + "\n", encoding="utf-8")

    def _snakemake(self, run: str, targets: list[str]) -> None:
        command = [sys.executable, "-m", "snakemake", "--snakefile", measure.ROOT / "Snakefile"]
        command += ["--directory", self._folder, "--configfile", self._settings(run)]
        files = [f"results/{run}/{target}" for target in targets]
        print(f"{time.strftime('%H:%M:%S')} {run}: {', '.join(targets)}", flush=True)
        log = self._folder / f"{run}.log"
        with open(log, "w", encoding="utf-8") as out:
            done = subprocess.run(
                [*map(str, command), *self._limits, "--", *files],
                cwd=measure.ROOT, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        if done.returncode:
            sys.exit(f"{run} failed; see {log}, then call this again: what is done stays done")
