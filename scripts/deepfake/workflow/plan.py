"""The jobs of a run before any of it exists: which there are, how large, what each requests.

What is searched and fitted: see `sweep_plan`. Whether a run may be: see `checks`.
The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from deepfake.dataset import download, sheet
from deepfake.features import registry as features
from deepfake.models.catalogue import SPECS
from deepfake.preprocessing.perturbations import registry as perturbations
from deepfake.splits import protocols
from deepfake.workflow import resources
from deepfake.workflow.config import Config
from deepfake.workflow.job_sheet import StoredSheet
from deepfake.workflow.site import Limits
from deepfake.workflow.sweep_plan import SweepPlan
from deepfake.workflow.variants import STAGES, Branch

MISSED = {"frame": 1.0, "video": 1.05, "grouped": 1.1}  # by how much whole groups miss a share
LONG_CLIP = 3000  # frames, two minutes: where clips are decoded whole, their length is not known
# Settings of networks that decide what their training takes, by the names that a size has.
_NETWORK = {"epochs": "epochs", "batch": "batch_size", "side": "side"}


class Plan(SweepPlan):
    """What follows from a configuration and a sheet.

    Args:
        config, videos, limits: of this run; in a job, what the main process left of the videos.
        faces: of a frame that are kept, at most.
        calibration: videos of the calibration sheet by batch.
        branch: whose jobs these are, in a run with variants.

    Attributes:
        batches: videos by batch.
    """

    def __init__(
        self,
        config: Config,
        videos: list[sheet.Video] | StoredSheet,
        limits: Limits | None = None,
        faces: int = 1,
        calibration: Mapping[str, list[sheet.Video]] | None = None,
        branch: Branch | None = None,
    ) -> None:
        super().__init__(config, len(videos))
        self._stages = branch.stages if branch else frozenset(STAGES)
        self._is_base = branch is None or not branch.folder
        self._rows_of_variants = branch.rows if branch else 0.0
        self._calibration = calibration or {}
        self._faces = faces
        self._videos = videos
        self._sizes: dict[tuple, resources.Size] = {}
        self._limits = limits or Limits()
        self.batches = videos.batches if isinstance(videos, StoredSheet) else sheet.batches(videos)

    @property
    def has_variants(self) -> bool:
        """Whether other branches are compared with this one."""
        return self._rows_of_variants > 0

    def videos(self, batch: str) -> list[sheet.Video]:
        """The videos of a batch, of the run's own sheet or of the calibration sheet."""
        found = self._calibration if batch in self._calibration else self.batches
        return found[batch]

    def jobs(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every job of a whole run from nothing, or of its branch, as (rule, wildcards)."""
        computed = [name for name in self._config.features if name != features.PIXELS]
        for batch in [*self.batches, *self._calibration]:
            if "faces" in self._stages:
                yield "frames", {"batch": batch}
                yield "faces", {"batch": batch}
                for name in computed:
                    yield "features", {"features": name, "batch": batch}
        if "models" in self._stages:
            yield from self._jobs_of_models(computed)

    def _jobs_of_models(self, computed: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """The jobs from the training copies and the rows on."""
        sets = self._config.features
        for batch in self.batches if self._config.training.copies.count else ():
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
        compiled = any(SPECS[model].compiled for model in repeated | set(self.candidates))
        if compiled and self._is_base:
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
        if self.has_variants:
            for protocol in self._config.split.protocols:
                yield "variant_choice", {"protocol": protocol}
            yield "variants", {}

    def size(self, wildcards: Mapping[str, str]) -> resources.Size:
        """How large a job's data is, at most."""
        batch = wildcards.get("batch")
        videos = len(self._videos if batch is None else self.videos(batch))
        others = frozenset((name, value) for name, value in wildcards.items() if name != "batch")
        key = others, batch is None, videos
        if key not in self._sizes:  # mostly alike: jobs of batches
            self._sizes[key] = self._size(wildcards, videos)
        return self._sizes[key]

    def _size(self, wildcards: Mapping[str, str], videos: int) -> resources.Size:
        """How large the data of a job on so many videos is."""
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
        rows = self._rows(videos * frames * self._faces, protocol, "batch" not in wildcards)
        return resources.Size(
            videos=videos,
            **{"whole": len(self._videos), "batches": len(self.batches)},
            frames=frames,
            decoded=decoded,
            patience=self._config.frames.timeout,
            **rows,
            copies=self._config.training.copies.count,
            variants=self._rows_of_variants,
            features=features.length(
                wildcards.get("features", features.PIXELS), self._config.faces.size
            ),
            candidates=max(1, len(members)),
            trees=trees,
            drawn_for_a_tree=self._drawn(parts, chunk, rows["training"]),
            perturbations=len(perturbations.requested(self._config.robustness.model_dump())),
            **{name: self._most(setting, parts, chunk) for name, setting in _NETWORK.items()},
            landmarks=min(self._most("landmarks", parts, chunk), rows["training"]),
            compared=self.compared(parts, wildcards.get("features", ""), rows["training"]),
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

    def formulas(self, rule: str, wildcards: Mapping[str, str]) -> list[str]:
        """Names of the resource formulas of which a job requests the most.

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
                name: resources.name_of(name, "evaluate") if self._keeps_rows(name, on) else name
                for name in members
            }
            return sorted({rule if own[name] == name else own[name] for name in members})
        if rule == "robustness_scores":
            rows = any(
                SPECS[name].keeps_training_rows and self._keeps_rows(name, on)
                for name in self.members(model, on)
            )
            return [rule, *[f"rows {rule}"] * rows, *self.formulas("evaluate", wildcards)]
        if rule in ("vote", "grow"):
            return ["forest"]
        if rule.startswith("calibration_"):  # of fewer videos
            return [rule.removeprefix("calibration_")]
        if rule in ("search", "train", "fit"):
            chunk = wildcards.get("chunk")
            merges = self.parts(model, chunk)
            exact = "columns" if self.in_columns(model, on) else "merge" if merges else rule
            kinds = ("landmarks" in one for one in self.chosen(model, chunk).values())
            ways = {"landmarks" if approximate else exact for approximate in kinds}
            return sorted(resources.name_of(model, way) for way in ways)
        return [rule]

    def _keeps_rows(self, model: str, on: str) -> bool:
        """Whether a model may keep training rows: one that is solved in the columns does not."""
        landmarks = any("landmarks" in one for one in self.candidates[model])
        return landmarks or not self.in_columns(model, on)

    def described(self) -> str:
        """The run in one line."""
        labels = [video["label"] for video in self._videos]
        sizes = ", ".join(f"{len(found)} {model}" for model, found in self.candidates.items())
        return (
            f"{self._config.run}: {labels.count('real')} real and {labels.count('fake')} fake "
            f"videos in {len(self.batches)} batches; candidates: {sizes}"
        )
