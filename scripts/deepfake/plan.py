"""The jobs of a run before any of it exists: which there are, how large, what each asks for.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from deepfake import download, protocols, resources, sheet, sweep
from deepfake.config import Config
from deepfake.report import original
from deepfake.sheet import Video
from deepfake.site import Limits

MANY_JOBS = 2000  # Snakemake plans more slowly, and a cluster's controller has to bear them
# What makes fewer jobs of a rule, by the rule.
PACKING = {
    "frames": "pack more videos a job (scan_dataset.py --videos-per-job)",
    "faces": "pack more videos a job (scan_dataset.py --videos-per-job)",
    "search": "score more candidates a job (search.candidates_per_job)",
    "vote": "grow more trees a job (search.trees_per_job)",
    "grow": "grow more trees a job (search.trees_per_job)",
    "gram": "use fewer folds (split.folds.k) or protocols (split.protocols)",
}


class Plan:
    """What follows from a configuration and a sheet.

    Attributes:
        batches: videos by batch.
        candidates: by model, the simpler first.
        chunks: by model and name of the search job, the numbers of its candidates.
        published: runs of the original experiment that are repeated.
    """

    def __init__(self, config: Config, videos: list[Video], limits: Limits | None = None) -> None:
        self._config = config
        self._videos = videos
        self._limits = limits or Limits()
        self.batches = sheet.batches(videos)
        self.candidates = {
            model: sweep.candidates(model, getattr(config.sweep, model).model_dump(mode="json"))
            for model in config.sweep.names()
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

        self.published = original.REPEATED if config.report.original else {}

    def chosen(self, model: str, chunk: str | None = None) -> dict[int, sweep.Candidate]:
        """Candidates of a search job, or of a whole model, by their number."""
        members = self.chunks[model][chunk] if chunk else range(len(self.candidates[model]))
        return {member: self.candidates[model][member] for member in members}

    def parts(self, model: str, chunk: str | None = None) -> dict[str, tuple[int, int]]:
        """Numbers of the trees, first and end, that jobs before a search job or a fit grow.

        None where one job grows them all: that is the search job or the fit itself. Which candidate
        a fit takes is not known yet, so it has the parts of the largest.
        """
        most, size = self._trees(model, chunk), self._config.search.trees_per_job
        if most <= size:
            return {}
        firsts = range(0, most, size)
        return {f"t{n:03d}": (first, min(most, first + size)) for n, first in enumerate(firsts)}

    def family(self, chunk: str) -> sweep.Candidate:
        """What the forests of a search job have in common: all but the number of trees."""
        members = self.chosen("forest", chunk).values()
        return {k: v for k, v in next(iter(members)).items() if k != "n_estimators"}

    def _trees(self, model: str | None, chunk: str | None = None) -> int:
        """Trees of the largest candidate."""
        found = self.chosen(model, chunk).values() if model else []
        return max((candidate.get("n_estimators", 0) for candidate in found), default=0)

    def grams(self, model: str, chunk: str | None = None, fold: str = "all") -> list[str]:
        """Names `scaling.fold` of the Gram matrices that a search job or a fit needs."""
        # unscaled inner products are the same for every fold
        return [
            f"{scaling}.{'all' if scaling == 'none' else fold}"
            for scaling in self.scalings(model, chunk)
        ]

    def scalings(self, model: str, chunk: str | None = None) -> list[str]:
        """The scalings of a search job's candidates, or of a whole model's."""
        return sweep.scalings(list(self.chosen(model, chunk).values()))

    def scalings_published(self, name: str | None = None) -> list[str]:
        """The scalings of a repeated run's model, or of all repeated runs' models."""
        runs = [self.published[name]] if name else self.published.values()
        return sweep.scalings([run.candidate for run in runs])

    def jobs(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every job of a whole run from nothing, as (rule, wildcards)."""
        for batch in self.batches:
            yield "frames", {"batch": batch}
            yield "faces", {"batch": batch}
        yield "matrix", {}
        folds = [str(fold) for fold in range(self._config.split.folds.k)]
        if "forest" in self.candidates or self.published:
            yield "compile", {}
        for protocol in self._config.split.protocols:
            yield "split", {"protocol": protocol}
            names = {
                name
                for model in self.candidates
                for fold in ("all", *folds)
                for name in self.grams(model, fold=fold)
            }
            if protocol == original.PROTOCOL:
                names |= {f"{name}.all" for name in self.scalings_published()}
            for name in sorted(names):
                scaling, fold = name.split(".")
                yield "gram", {"protocol": protocol, "scaling": scaling, "fold": fold}
            for model in self.candidates:
                mine = {"protocol": protocol, "model": model}
                for chunk in self.chunks[model]:
                    for fold in folds:
                        part_of = {"protocol": protocol, "chunk": chunk, "fold": fold}
                        for part in self.parts(model, chunk):
                            yield "vote", part_of | {"part": part}
                        yield "search", part_of | {"model": model}
                for part in self.parts(model):
                    yield "grow", {"protocol": protocol, "part": part}
                for rule in ("choose", "fit", "evaluate"):
                    yield rule, mine
        for name in self.published:
            yield "original_run", {"published": name}
        yield "summary", {}
        yield "report", {}

    def size(self, wildcards: Mapping[str, str]) -> resources.Size:
        """How large a job's data is, at most."""
        videos = self.batches.get(wildcards.get("batch"), self._videos)
        model, frames = wildcards.get("model"), self._config.frames.per_video
        trees, members = self._trees(model, wildcards.get("chunk")), []
        if model:
            members = self.chosen(model, wildcards.get("chunk"))
        elif "part" in wildcards:
            first, end = self.parts("forest", wildcards.get("chunk"))[wildcards["part"]]
            trees = end - first
        elif "published" in wildcards:
            trees = self.published[wildcards["published"]].candidate.get("n_estimators", 0)
        return resources.Size(
            videos=len(videos),
            frames=frames,
            decoded=frames * self._config.frames.every,
            patience=self._config.frames.timeout,
            rows=len(videos) * frames,
            features=self._config.faces.size**2 * 3,
            candidates=max(1, len(members)),
            trees=trees,
            download=download.size(
                self._config.download, wildcards["subset"], wildcards["compression"]
            )
            if "subset" in wildcards
            else 0.0,
        )

    def threads(self, rule: str, wildcards: Mapping[str, str]) -> int:
        """Threads of a job."""
        return resources.threads(self._formula(rule, wildcards), self.size(wildcards))

    def mem_mb(self, rule: str, wildcards: Mapping[str, str], attempt: int = 1) -> int:
        """Memory of a job in MB."""
        asked = resources.mem_mb(self._formula(rule, wildcards), self.size(wildcards), attempt)
        return min(asked, self._limits.mem_mb or asked)

    def minutes(self, rule: str, wildcards: Mapping[str, str], attempt: int = 1) -> int:
        """Run time of a job in minutes."""
        asked = resources.minutes(self._formula(rule, wildcards), self.size(wildcards), attempt)
        return min(asked, self._limits.minutes or asked)

    def warnings(self) -> list[str]:
        """What is allowed but not wise, and which key to turn; empty for most runs."""
        counts = Counter(rule for rule, _ in self.jobs())
        jobs = sum(counts.values())
        if jobs <= MANY_JOBS:
            return []
        most, count = max(((rule, counts[rule]) for rule in PACKING), key=lambda found: found[1])
        return [
            f"warning: this run has {jobs} jobs, {count} of them {most}; more than {MANY_JOBS} are "
            f"slow to plan and a burden to a cluster: {PACKING[most]}"
        ]

    def problems(self) -> list[str]:
        """Why a run of this size is refused, and what to do; empty where it is not."""
        config, found = self._config, []
        jobs = sum(1 for _ in self.jobs())
        if jobs > config.max_jobs:
            found.append(
                f"this run has {jobs} jobs, more than max_jobs ({config.max_jobs}): pack more "
                "videos a job (scan_dataset.py --videos-per-job), more candidates "
                "(search.candidates_per_job) or trees (search.trees_per_job), or raise max_jobs"
            )
        rows = len(self._videos) * config.frames.per_video / config.split.rows.every
        training, limit = round(rows * (1 - config.split.test_size)), config.search.max_gram_rows
        kernels = [f"sweep.{model}" for model in self.candidates if self.scalings(model)]
        kernels += ["report.original"] if self.published else []
        if kernels and training > limit:
            found.append(
                f"{kernels[0]}: up to {training} training rows are more than "
                f"search.max_gram_rows ({limit}); their inner products need 20 bytes x rows^2 of "
                "memory: sweep only the forest, take fewer frames, or raise the limit"
            )
        cross = config.split.cross.model_dump(mode="json")
        for protocol in config.split.protocols:
            for problem in protocols.problems(protocol, self._videos, cross):
                found.append(f"{config.sheet}: {problem}")
        return found + self._beyond_limits()

    def _beyond_limits(self) -> list[str]:
        """A line for each rule whose first attempt would be capped: a certain kill."""
        free = Plan(self._config, self._videos)
        most: dict[str, tuple[int, int]] = {}
        for rule, wildcards in free.jobs():
            mem_mb, minutes = most.get(rule, (0, 0))
            asked = free.mem_mb(rule, wildcards), free.minutes(rule, wildcards)
            most[rule] = max(mem_mb, asked[0]), max(minutes, asked[1])
        found = []
        for rule, asked in most.items():
            for name, unit, want in zip(("mem_mb", "minutes"), ("MB", "min"), asked, strict=True):
                limit = getattr(self._limits, name)
                if limit and want > limit:
                    found.append(
                        f"{rule}: a job needs about {want} {unit}, more than limits.{name} "
                        f"({limit}) of the site file allows: make it smaller, or raise the limit"
                    )
        return found

    def told(self) -> str:
        """The run in one line."""
        labels = [video["label"] for video in self._videos]
        sizes = ", ".join(f"{len(found)} {model}" for model, found in self.candidates.items())
        return (
            f"{self._config.run}: {labels.count('real')} real and {labels.count('fake')} fake "
            f"videos in {len(self.batches)} batches; candidates: {sizes}; "
            f"{sum(1 for _ in self.jobs())} jobs from nothing"
        )

    def _formula(self, rule: str, wildcards: Mapping[str, str]) -> str:
        """Name of the resource formula: search and fit jobs have their model's."""
        model = wildcards.get("model")
        if rule in ("vote", "grow"):
            return "forest"
        if model == "svm" and rule in ("fit", "evaluate"):
            return f"svm {rule}"
        if model == "forest" and rule in ("search", "fit"):
            merges = self.parts(model, wildcards.get("chunk"))
            return "forest merge" if merges else "forest"
        return model if rule in ("search", "fit") else rule
