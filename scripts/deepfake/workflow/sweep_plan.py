"""What a run searches and fits: candidates, how they are dealt to jobs, what each job needs.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deepfake.features import registry as features
from deepfake.models import sweep
from deepfake.models.bootstrap import drawn
from deepfake.models.catalogue import SPECS
from deepfake.models.job_size import WIDEST
from deepfake.workflow import published_results
from deepfake.workflow.config import Config


class SweepPlan:
    """What follows from a configuration and the number of videos.

    Args:
        config: of the run. videos: of its sheet.

    Attributes:
        candidates: by model, the simpler first.
        chunks: by model and name of the search job, the numbers of its candidates.
        published: published runs that are repeated, by name.
    """

    def __init__(self, config: Config, videos: int) -> None:
        self._config = config
        self._count = videos
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

    def members(self, model: str, name: str | None = None) -> list[str]:
        """The models that a model is made of, on a feature set: those of an average, or itself."""
        found = self._config.sweep.members(model) if SPECS[model].combines else [model]
        return [one for one in found if name is None or sweep.takes(one, name)]

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

    def _drawn(self, models: Iterable[str], chunk: str | None, rows: int) -> int:
        """The most rows of a training of so many that are drawn for a tree; 0 without trees."""
        candidates = (one for model in models for one in self.chosen(model, chunk).values())
        forests = (one for one in candidates if "max_samples" in one)
        return max((drawn(one["max_samples"], rows) for one in forests), default=0)

    def compared(self, models: Iterable[str], name: str, rows: int) -> int:
        """Of so many training rows, those that models compare new rows with, at most.

        All of them where no model is named, or one compares with all.
        """
        found = {
            min(rows, one.get("landmarks", rows))
            for model in models
            if SPECS[model].keeps_training_rows
            for one in self.candidates[model]
            if "landmarks" in one or not self.in_columns(model, name)
        }
        return max(found, default=rows)

    def training_rows(self) -> int:
        """About how many rows a model learns from, on a split of `split.test_size`."""
        rows = self._count * self._config.frames.per_video / self._config.split.rows.every
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
