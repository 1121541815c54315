"""The jobs of a run before any of it exists: which there are, how large, what each asks for.

Not whether a run may be: see `checks`. The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from deepfake.dataset import download, sheet
from deepfake.features import registry as features
from deepfake.models import sweep
from deepfake.models.catalogue import SPECS
from deepfake.models.job_size import WIDEST
from deepfake.preprocessing.perturbations import registry as perturbations
from deepfake.splits import protocols
from deepfake.workflow import published_results, resources
from deepfake.workflow.config import Config
from deepfake.workflow.job_sheet import StoredSheet
from deepfake.workflow.site import Limits

MISSED = {"frame": 1.0, "video": 1.05, "grouped": 1.1}  # by how much whole groups miss a share
LONG_CLIP = 3000  # frames, two minutes: where clips are decoded whole, nothing tells their length
# Settings of networks that decide what their training takes, by the names that a size has.
_NETWORK = {"epochs": "epochs", "batch": "batch_size", "side": "side"}


class Plan:
    """What follows from a configuration and a sheet.

    Args:
        config, videos, limits: of this run; in a job, what the main process left of the videos.
        faces: of a frame that are kept, at most.
        calibration: videos of the calibration sheet by batch.

    Attributes:
        batches: videos by batch.
        candidates: by model, the simpler first.
        chunks: by model and name of the search job, the numbers of its candidates.
        published: published runs that are repeated, by name.
    """

    def __init__(
        self,
        config: Config,
        videos: list[sheet.Video] | StoredSheet,
        limits: Limits | None = None,
        faces: int = 1,
        calibration: Mapping[str, list[sheet.Video]] | None = None,
    ) -> None:
        self._calibration = calibration or {}
        self._config = config
        self._faces = faces
        self._videos = videos
        self._limits = limits or Limits()
        self.batches = videos.batches if isinstance(videos, StoredSheet) else sheet.batches(videos)
        self.candidates = {
            model: sweep.candidates(model, self._grid(model)) for model in config.sweep.names()
        }
        self.chunks = {
            model: {
                f"c{number:03d}": members
                for number, members in enumerate(
                    sweep.chunks(model, found, config.search.candidates_per_job)
                )
            }
            for model, found in self.candidates.items()
        }
        self.published = published_results.repeated(config.report.published)

    def _grid(self, model: str) -> dict:
        if SPECS[model].combines:
            return {"members": self._config.sweep.members(model)}
        return getattr(self._config.sweep, model).model_dump(mode="json")

    def videos(self, batch: str) -> list[sheet.Video]:
        """The videos of a batch, of the run's own sheet or of the calibration sheet."""
        found = self._calibration if batch in self._calibration else self.batches
        return found[batch]

    def members(self, model: str, name: str | None = None) -> list[str]:
        """The models that a model is made of, on a feature set: those of an average, or itself."""
        found = self._config.sweep.members(model) if SPECS[model].combines else [model]
        return [one for one in found if name is None or sweep.takes(one, name)]

    def chosen(self, model: str, chunk: str | None = None) -> dict[int, sweep.Candidate]:
        """Candidates of a search job, or of a whole model, by their number."""
        members = self.chunks[model][chunk] if chunk else range(len(self.candidates[model]))
        return {member: self.candidates[model][member] for member in members}

    def parts(self, model: str, chunk: str | None = None) -> dict[str, tuple[int, int]]:
        """Numbers of the trees, first and end, that jobs before a search job or a fit grow.

        None where one job grows them all: that is the search job or the fit itself. Which candidate
        a fit takes is not known yet, so it has the parts of the largest.
        """
        most, size = self._most("n_estimators", [model], chunk), self._config.search.trees_per_job
        if most <= size:
            return {}
        firsts = range(0, most, size)
        return {f"t{n:03d}": (first, min(most, first + size)) for n, first in enumerate(firsts)}

    def family(self, chunk: str) -> sweep.Candidate:
        """What the forests of a search job have in common: all but the number of trees."""
        members = self.chosen("forest", chunk).values()
        return {k: v for k, v in next(iter(members)).items() if k != "n_estimators"}

    def _most(self, setting: str, models: Iterable[str], chunk: str | None = None) -> int:
        """The largest number that candidates have of a setting; 0 where none has it."""
        candidates = (one for model in models for one in self.chosen(model, chunk).values())
        return max((candidate.get(setting, 0) for candidate in candidates), default=0)

    def training_rows(self) -> int:
        """About how many rows a model learns from, on a split of `split.test_size`."""
        rows = len(self._videos) * self._config.frames.per_video / self._config.split.rows.every
        rows *= 1 + self._config.training.copies.count
        return round(rows * (1 - self._config.split.test_size))

    def in_columns(self, model: str, name: str) -> bool:
        """Whether a model is solved in the columns of a feature set, without Gram matrices."""
        spec, limit = SPECS[model], self._config.search.max_gram_rows
        return (
            self.training_rows() > limit
            and features.length(name, self._config.faces.size) <= WIDEST
            and all(map(spec.in_columns, self.candidates[model]))
        )

    def grams(
        self, model: str, name: str, chunk: str | None = None, fold: str = "all"
    ) -> list[str]:
        """Names `scaling.fold` of the Gram matrices that a search job or a fit needs."""
        if self.in_columns(model, name):
            return []
        # unscaled inner products are the same for every fold
        return [
            f"{scaling}.{'all' if scaling == 'none' else fold}"
            for scaling in self.scalings(model, chunk)
        ]

    def scalings(self, model: str, chunk: str | None = None) -> list[str]:
        """The scalings of a search job's candidates, or of a whole model's."""
        return sweep.scalings(list(self.chosen(model, chunk).values()))

    def scalings_published(self, name: str) -> list[str]:
        """The scalings of a repeated run's model."""
        return sweep.scalings([self.published[name].candidate])

    def published_jobs(self) -> list[dict[str, str]]:
        """Of each repeated run its name, and on which feature set and split it is repeated."""
        found = []
        for name, run in self.published.items():
            whole = published_results.EXPERIMENTS[run.experiment]
            where = {"features": whole.features, "protocol": whole.protocol}
            found.append(where | {"published": name})
        return found

    def jobs(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every job of a whole run from nothing, as (rule, wildcards)."""
        sets = self._config.features
        computed = [name for name in sets if name != features.PIXELS]
        for batch in [*self.batches, *self._calibration]:
            yield "frames", {"batch": batch}
            yield "faces", {"batch": batch}
            for name in computed:
                yield "features", {"features": name, "batch": batch}
            if self._config.training.copies.count and batch in self.batches:
                yield "copies", {"batch": batch}
                for name in computed:
                    yield "copy_features", {"features": name, "batch": batch}
        yield "rows", {}
        for name in sets:
            yield "matrix", {"features": name}
            if self._calibration:
                yield "calibration_matrix", {"features": name}
        if self._calibration:
            yield "calibration_rows", {}
        repeated = {run.model for run in self.published.values()}
        if any(SPECS[model].compiled for model in repeated | set(self.candidates)):
            yield "compile", {}
        for protocol in self._config.split.protocols:
            yield "split", {"protocol": protocol}
            for name in sets:
                here = {"features": name, "protocol": protocol}
                published = [job for job in self.published_jobs() if here.items() <= job.items()]
                more = [s for job in published for s in self.scalings_published(job["published"])]
                for rule, wildcards in self._swept(name, more):
                    yield rule, {"features": name, "protocol": protocol} | wildcards
            yield "selection", {"protocol": protocol}
        for job in self.published_jobs():
            yield "published_run", job
        yield "summary", {}
        yield "report", {}

    def models(self, name: str) -> list[str]:
        """The models that are swept over a feature set."""
        return [
            model
            for model in self.candidates
            if sweep.takes(model, name)
            and (not SPECS[model].combines or len(self.members(model, name)) > 1)
        ]

    def swept(self, splits: list[str] | None = None) -> dict[str, list[str]]:
        """Protocols, features and models of all that is fitted, as three lists of one length.

        Args:
            splits: instead of the run's protocols.
        """
        found = [
            {"protocol": protocol, "features": name, "model": model}
            for protocol in (self._config.split.protocols if splits is None else splits)
            for name in self._config.features
            for model in self.models(name)
        ]
        return {key: [one[key] for one in found] for key in ("protocol", "features", "model")}

    def _swept(self, name: str, more: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """The jobs of a feature set under a protocol; `more`: scalings that others need too."""
        models = self.models(name)
        folds = [str(fold) for fold in range(self._config.split.folds.k)]
        needed = {
            gram
            for model in models
            for fold in ("all", *folds)
            for gram in self.grams(model, name, fold=fold)
        }
        needed |= {f"{scaling}.all" for scaling in more}
        for gram in sorted(needed):
            scaling, fold = gram.split(".")
            yield "gram", {"scaling": scaling, "fold": fold}
        for model in models:
            for chunk in self.chunks[model]:
                for fold in folds:
                    part_of = {"chunk": chunk, "fold": fold}
                    for part in self.parts(model, chunk):
                        yield "vote", part_of | {"part": part}
                    yield SPECS[model].search_rule, part_of | {"model": model}
            for part in self.parts(model):
                yield "grow", {"part": part}
            made = ("average",) if SPECS[model].combines else ("choose", "fit")
            for rule in (*made, "evaluate"):
                yield rule, {"model": model}

    def size(self, wildcards: Mapping[str, str]) -> resources.Size:
        """How large a job's data is, at most."""
        batch = wildcards.get("batch")
        videos = self._videos if batch is None else self.videos(batch)
        protocol = wildcards.get("protocol")
        protocol = protocol and protocol.removeprefix(f"{protocols.PLAIN}-")
        model, frames = wildcards.get("model"), self._config.frames.per_video
        decoded = frames * self._config.frames.every
        if self._config.frames.span == "whole":
            decoded = max(decoded, LONG_CLIP)
        chunk = wildcards.get("chunk")
        parts = self.members(model, wildcards.get("features")) if model else []
        trees, members = self._most("n_estimators", parts, chunk), {}
        if model:
            members = self.chosen(model, chunk)
        elif "protocol" in wildcards and "features" not in wildcards:  # all that is searched there
            members = range(len(self._config.features) * sum(map(len, self.candidates.values())))
        elif "part" in wildcards:
            first, end = self.parts("forest", chunk)[wildcards["part"]]
            trees = end - first
        elif "published" in wildcards:
            trees = self.published[wildcards["published"]].candidate.get("n_estimators", 0)
        copy = wildcards.get("subset"), wildcards.get("compression")
        return resources.Size(
            videos=len(videos),
            **{"whole": len(self._videos), "batches": len(self.batches)},
            frames=frames,
            decoded=decoded,
            patience=self._config.frames.timeout,
            **self._rows(len(videos) * frames * self._faces, protocol, "batch" not in wildcards),
            copies=self._config.training.copies.count,
            features=features.length(
                wildcards.get("features", features.PIXELS), self._config.faces.size
            ),
            candidates=max(1, len(members)),
            trees=trees,
            perturbations=len(perturbations.requested(self._config.robustness.model_dump())),
            **{name: self._most(setting, parts, chunk) for name, setting in _NETWORK.items()},
            download=download.size(self._config.download, *copy) if copy[0] else 0.0,
        )

    def _rows(self, faces: int, protocol: str | None, whole: bool) -> dict[str, int]:
        """Rows of the matrix, of the training and of the test, at most.

        Other protocols than these take what the sheet says. The whole has training copies, too.
        """
        split, most = self._config.split, {"training": faces, "tested": faces}
        if protocol in MISSED:
            shares = {"training": 1 - split.test_size, "tested": split.test_size}
            dealt = faces / split.rows.every * MISSED[protocol]
            most = {side: min(faces, math.ceil(share * dealt)) for side, share in shares.items()}
        times = 1 + self._config.training.copies.count * whole
        return {"rows": faces * times, **most, "training": most["training"] * times}

    def threads(self, rule: str, wildcards: Mapping[str, str]) -> int:
        """Threads of a job."""
        size = self.size(wildcards)
        return max(resources.threads(name, size) for name in self.formulas(rule, wildcards))

    def mem_mb(self, rule: str, wildcards: Mapping[str, str], attempt: int = 1) -> int:
        """Memory of a job in MB."""
        size, names = self.size(wildcards), self.formulas(rule, wildcards)
        wanted = max(resources.mem_mb(name, size, attempt) for name in names)
        return min(wanted, self._limits.mem_mb or wanted)

    def minutes(self, rule: str, wildcards: Mapping[str, str], attempt: int = 1) -> int:
        """Run time of a job in minutes."""
        size, names = self.size(wildcards), self.formulas(rule, wildcards)
        wanted = max(resources.minutes(name, size, attempt) for name in names)
        return min(wanted, self._limits.minutes or wanted)

    def described(self) -> str:
        """The run in one line."""
        labels = [video["label"] for video in self._videos]
        sizes = ", ".join(f"{len(found)} {model}" for model, found in self.candidates.items())
        return (
            f"{self._config.run}: {labels.count('real')} real and {labels.count('fake')} fake "
            f"videos in {len(self.batches)} batches; candidates: {sizes}; "
            f"{sum(1 for _ in self.jobs())} jobs from nothing"
        )

    def formulas(self, rule: str, wildcards: Mapping[str, str]) -> list[str]:
        """Names of the resource formulas of which a job asks for the most.

        Search and fit jobs have their model's; what holds an average, its members'; a repeated run
        of a published one, those of its fit and of its test.
        """
        model, on = wildcards.get("model"), wildcards.get("features")
        if rule == "published_run":
            model = self.published[wildcards["published"]].model
            tested = resources.name_of(model, "evaluate")
            return [resources.name_of(model, "fit"), "evaluate" if tested == model else tested]
        if rule in ("average", "evaluate"):
            members = self.members(model, on)
            own = {
                name: name if self.in_columns(name, on) else resources.name_of(name, "evaluate")
                for name in members
            }
            return sorted({rule if own[name] == name else own[name] for name in members})
        if rule == "robustness_scores":
            rows = any(
                SPECS[name].keeps_training_rows and not self.in_columns(name, on)
                for name in self.members(model, on)
            )
            return [rule, *[f"rows {rule}"] * rows, *self.formulas("evaluate", wildcards)]
        if rule in ("vote", "grow"):
            return ["forest"]
        if rule.startswith("calibration_"):  # of fewer videos
            return [rule.removeprefix("calibration_")]
        if rule in ("search", "train", "fit"):
            if self.in_columns(model, on):
                return [resources.name_of(model, "columns")]
            merges = self.parts(model, wildcards.get("chunk"))
            return [resources.name_of(model, "merge" if merges else rule)]
        return [rule]
