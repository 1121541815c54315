# What the rules share: the run's settings, its videos, its sizes. Functions only, no rules.
from deepfake import codehash, resources, sheet, sweep
from deepfake import config as settings


def refuse(lines):
    """End before the first job, with nothing but the lines that say why."""
    sys.exit(lines)


def load_settings():
    """The checked configuration of this run."""
    names = ", ".join(str(path) for path in workflow.configfiles) or "--config"
    try:
        return settings.load(config, names)
    except settings.ConfigError as error:
        refuse(str(error))


def load_videos():
    """The checked sheet; only the main process looks at the files themselves."""
    try:
        return sheet.read(CONFIG.sheet, check_files=workflow.is_main_process)
    except sheet.SheetError as error:
        refuse(str(error))


def plain(section):
    """A section of the configuration as plain builtins, which Snakemake can compare."""
    return section.model_dump(mode="json")


def code(script, *extra):
    """Hash of the library modules and package versions that a script's results depend on."""
    return codehash.of(script, *extra)


def grid(model):
    """A model's candidates, the simpler first."""
    return sweep.candidates(model, plain(getattr(CONFIG.sweep, model)))


def chunk_names(model):
    """The candidates of each search job of a model, by the job's name."""
    cut = sweep.chunks(model, CANDIDATES[model], CONFIG.search.candidates_per_job)
    return {f"c{number:03d}": members for number, members in enumerate(cut)}


def scalings_of(model, chunk=None):
    """The scalings whose Gram matrices a search job, or a whole model, needs."""
    members = CHUNKS[model][chunk] if chunk else range(len(CANDIDATES[model]))
    return sweep.scalings([CANDIDATES[model][member] for member in members])


def gram_files(wildcards, ending):
    """The Gram files of a search job (wildcards chunk and fold) or of a fit (neither)."""
    chunk, fold = getattr(wildcards, "chunk", None), getattr(wildcards, "fold", "all")
    # unscaled inner products are the same for every fold
    return [
        f"{FEATURES}/{wildcards.protocol}/gram/{scaling}.{'all' if scaling == 'none' else fold}{ending}"
        for scaling in scalings_of(wildcards.model, chunk)
    ]


def size_of(rule, wildcards):
    """How large a job's data is, before any of it exists."""
    frames = CONFIG.frames.per_video
    videos = len(BATCHES[wildcards.batch]) if hasattr(wildcards, "batch") else len(VIDEOS)
    chunk = getattr(wildcards, "chunk", None)
    candidates = CANDIDATES.get(getattr(wildcards, "model", None), [])
    if chunk:
        candidates = [candidates[member] for member in CHUNKS[wildcards.model][chunk]]
    trees = max([candidate.get("n_estimators", 0) for candidate in candidates], default=0)
    return resources.Size(
        videos=videos,
        frames=frames,
        rows=videos * frames,
        features=CONFIG.faces.size**2 * 3,
        candidates=max(1, len(candidates)),
        trees=trees,
    )


def formula(rule, wildcards):
    """Name of the resource formula: search and fit jobs have their model's."""
    return wildcards.model if rule in ("search", "fit") else rule


def threads(rule):
    return lambda wildcards: resources.threads(formula(rule, wildcards), size_of(rule, wildcards))


def mem_mb(rule):
    return lambda wildcards, attempt: resources.mem_mb(
        formula(rule, wildcards), size_of(rule, wildcards), attempt
    )


def runtime(rule):
    return lambda wildcards, attempt: (
        f"{resources.minutes(formula(rule, wildcards), size_of(rule, wildcards), attempt)}m"
    )


def job_count():
    """Jobs of a whole run from nothing."""
    folds, models = CONFIG.split.folds.k, CONFIG.sweep.names()
    scaled = {scaling for model in models for scaling in scalings_of(model)}
    grams = sum(1 if scaling == "none" else folds + 1 for scaling in scaled)
    searches = sum(len(CHUNKS[model]) * folds for model in models)
    per_protocol = 1 + grams + searches + 3 * len(models)
    return 2 * len(BATCHES) + per_protocol * len(CONFIG.split.protocols) + 3


def check_plan():
    """Refuse a run that is too large, before its first job."""
    rows = len(VIDEOS) * CONFIG.frames.per_video / CONFIG.split.rows.every
    training, limit = round(rows * (1 - CONFIG.split.test_size)), CONFIG.search.max_gram_rows
    kernels = [model for model in CANDIDATES if scalings_of(model)]
    if kernels and training > limit:
        refuse(
            f"sweep.{kernels[0]}: up to {training} training rows are more than "
            f"search.max_gram_rows ({limit}); their inner products need 20 bytes x rows^2 of "
            "memory: sweep only the forest, take fewer frames, or raise the limit"
        )
    if job_count() > CONFIG.max_jobs:
        refuse(
            f"this run has {job_count()} jobs, more than max_jobs ({CONFIG.max_jobs}): pack more "
            "videos a job (scan_dataset.py --videos-per-job), more candidates a job "
            "(search.candidates_per_job), or raise max_jobs"
        )


def plan():
    """The run in one line, from nothing."""
    labels = [video["label"] for video in VIDEOS]
    sizes = ", ".join(f"{len(found)} {model}" for model, found in CANDIDATES.items())
    return (
        f"{labels.count('real')} real and {labels.count('fake')} fake videos in "
        f"{len(BATCHES)} batches; candidates: {sizes}; {job_count()} jobs from nothing"
    )


def search_files(wildcards, ending):
    """The tables or values of all search jobs of a model."""
    return expand(
        f"{FEATURES}/{wildcards.protocol}/search/{wildcards.model}/{{chunk}}.{{fold}}{ending}",
        chunk=CHUNKS[wildcards.model],
        fold=range(CONFIG.split.folds.k),
    )


def bundles():
    """The models of this run."""
    return expand(
        f"{FEATURES}/{{protocol}}/models/{{model}}/bundle.json",
        protocol=CONFIG.split.protocols,
        model=CANDIDATES,
    )


def preprocessing():
    """How a video becomes features: what a bundle's user must do alike."""
    frames = plain(CONFIG.frames)
    frames.pop("timeout")
    detector = codehash.versions("faces")
    return {"frames": frames, "faces": plain(CONFIG.faces), "versions": detector}


def failed_logs():
    """(log, error) of each script that failed and was not run again since."""
    records = sorted(pathlib.Path(RUN, "logs").rglob("*.job.json"))
    return [
        (record.with_name(record.name.replace(".job.json", ".log")), json.loads(record.read_text()))
        for record in records
    ]


def show_failures():
    """Which log to read, for each job that failed."""
    for path, record in failed_logs():
        print(f"failed: {record['error']}\n  log:    {path}\n  replay: {record['replay']}")


def show_summary():
    """The table of the run, where it was made."""
    table = pathlib.Path(RUN, "summary.txt")
    if table.exists():
        print(f"\n{table.read_text()}\nEverything is in {RUN}/ (models: {FEATURES}/*/models/)")
