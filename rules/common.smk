# What the rules share: the run's settings and how a rule asks for them. Functions only, no rules.
from cluster import runs, status
from deepfake import (
    asked,
    codehash,
    download,
    features,
    protocols,
    question,
    record,
    refusals,
    schema,
    sheet,
    site,
    sweep,
    tracks,
)
from deepfake import config as settings
from deepfake.plan import Plan
from deepfake.report import original


def refuse(lines):
    """End before the first job, with nothing but the lines that say why."""
    sys.exit(lines)


def guard_status_commands():
    """Put our sacct and bjobs before the real ones."""
    if workflow.is_main_process:
        status.install()


def is_download():
    """Whether this is `snakemake download` or a job of it: there need be no videos yet.

    Snakemake tells a Snakefile nothing of its targets; a job's command names its rule.
    """
    return any(word == "download" or word.startswith("download_part:") for word in sys.argv[1:])


def load_settings():
    """The checked configuration of this run."""
    names = ", ".join(str(path) for path in workflow.configfiles) or "--config"
    try:
        for path in workflow.configfiles if workflow.is_main_process else []:
            if not str(path).endswith(".json"):
                schema.read_yaml(path)  # Snakemake takes the last of two equal keys
        return settings.load(config, names)
    except settings.ConfigError as error:
        refuse(str(error))


def load_question():
    """What is asked of a model, and the configuration by which its bundle sees videos."""
    try:
        posed = question.load(config, "--config")
        posed = posed.model_copy(update={"bundle": record.find(posed.bundle)})
        told = record.read(posed.bundle)
        return posed, question.honour(told, posed.run, posed.bundle)
    except (settings.ConfigError, record.RecordError) as error:
        refuse(str(error))


def load_asked():
    """The videos that are asked about, in batches; and those that cannot be looked at."""
    try:
        videos, others = asked.expand(QUESTION.videos)
    except asked.AskedError as error:
        refuse(str(error))
    model = pathlib.Path(QUESTION.bundle, "bundle.json").read_text(encoding="utf-8")
    asked.deal(videos, QUESTION.videos_per_job, model)
    return videos, others


def load_site():
    """What this cluster's user said once, or nothing."""
    try:
        return site.load(workflow.basedir)
    except settings.ConfigError as error:
        refuse(str(error))


def load_videos():
    """The checked sheet; only the main process looks at the files themselves."""
    if DOWNLOADING:
        if reasons := download.problems(CONFIG.download):
            refuse("\n".join(reasons))
        return []
    try:
        return sheet.read(CONFIG.sheet, check_files=workflow.is_main_process)
    except sheet.SheetError as error:
        refuse(str(error))


def make_plan():
    """The jobs of this run and what they ask for."""
    reasons = [] if ASKED or DOWNLOADING else refusals.problems(CONFIG, VIDEOS, SITE.limits)
    if reasons:
        refuse("\n".join(reasons))
    made = Plan(CONFIG, VIDEOS, SITE.limits, faces=tracks.MOST if ASKED else 1)
    for line in refusals.warnings(made) if workflow.is_main_process and not ASKED else []:
        print(line, file=sys.stderr)  # a dry run has no onstart
    return made


def plain(section):
    """A section of the configuration as plain builtins, which Snakemake can compare."""
    return section.model_dump(mode="json")


def code(script, *extra):
    """The library modules and package versions that a script's results depend on."""
    return codehash.of(script, *extra)


def threads(rule):
    return lambda wildcards: PLAN.threads(rule, dict(wildcards.items()))


def asks(rule):
    """What a rule asks of the cluster, by the size of its data and the attempt."""

    def mem_mb(wildcards, attempt):
        return PLAN.mem_mb(rule, dict(wildcards.items()), attempt)

    def runtime(wildcards, attempt):
        return f"{PLAN.minutes(rule, dict(wildcards.items()), attempt)}m"

    wanted = {"mem_mb": mem_mb, "runtime": runtime, "attempt": lambda wildcards, attempt: attempt}
    if SITE.lsf:  # its plugin reserves memory but sets no limit
        wanted["lsf_extra"] = lambda wildcards, attempt: f"-M {mem_mb(wildcards, attempt)}MB"
    return wanted


def batch_videos(batch):
    """The videos of a batch, as a job that decodes them is told of them."""
    return [{"video_id": video["video_id"], "path": video["path"]} for video in PLAN.batches[batch]]


def watched(batch):
    """The videos of a batch, whose change reruns it.

    Snakemake would fill in braces. A sheet has none; a batch of videos that are asked about is
    named by their sizes and dates, so one with braces need not be watched.
    """
    paths = [video["path"] for video in PLAN.batches[batch]]
    return [path for path in paths if not {"{", "}"} & set(path)]


def modules(model):
    """The library modules of a model, and of the models that it averages."""
    return [f"models.{name}" for name in dict.fromkeys([model, *PLAN.members(model)])]


def member_files(wildcards, path):
    """A file of each model that is averaged."""
    return expand(f"{place(wildcards)}/{path}", member=PLAN.members("average", wildcards.features))


def vector_files(wildcards):
    """A feature set's vectors of all batches; of pixels, the faces themselves."""
    folder = "faces" if wildcards.features == features.PIXELS else f"{wildcards.features}/batches"
    return expand(f"{RUN}/{folder}/{{batch}}.npy", batch=PLAN.batches)


def perturbed_files(wildcards):
    """The same of the perturbed clips."""
    folder = "" if wildcards.features == features.PIXELS else f"{wildcards.features}/"
    return expand(f"{RUN}/{folder}perturbed/{{batch}}.npy", batch=PLAN.batches)


def place(wildcards):
    """Folder of a feature set under a protocol."""
    return f"{RUN}/{wildcards.features}/{wildcards.protocol}"


def labelled_rows(wildcards):
    """The table of the rows, with the labels that a split's models are to learn."""
    kind, _ = protocols.parted(wildcards.protocol)
    return f"{RUN}/{'shuffled' if kind == protocols.SHUFFLED else 'rows'}.tsv"


def gram_files(wildcards, ending):
    """The Gram files of a search job (wildcards chunk and fold) or of a fit (neither)."""
    names = PLAN.grams(wildcards.model, wildcards.get("chunk"), wildcards.get("fold", "all"))
    return [f"{place(wildcards)}/gram/{name}{ending}" for name in names]


def published_grams(wildcards, ending):
    """The Gram files of a repeated run of the original experiment."""
    names = PLAN.scalings_published(wildcards.published)
    return [f"{ORIGINAL}/gram/{name}.all{ending}" for name in names]


def published_job(name):
    """What a repeated run of the original experiment is made with."""
    run = PLAN.published[name]
    return {
        "run": CONFIG.run,
        "name": name,
        "model": run.model,
        "candidate": run.candidate,
        "scalings": PLAN.scalings_published(name),
        "protocol": original.PROTOCOL,
        "split": {
            "test_size": run.test_size or CONFIG.split.test_size,
            **plain(CONFIG.split.folds),
            **plain(CONFIG.split.rows),
            "seed": CONFIG.seed,
        },
        "ledger": LEDGER,
        "evaluation": plain(CONFIG.evaluation),
        "code": code("original_run", f"models.{run.model}"),
    }


def compiled_files(wildcards):
    """What says that the code of a model's jobs was compiled; nothing where none is."""
    return [f"{RUN}/compiled/told.txt"] if wildcards.model == "forest" else []


def vote_files(wildcards):
    """What the parts of a search job's forests say, where it is cut into parts."""
    return [
        f"{place(wildcards)}/search/forest/votes/" f"{wildcards.chunk}.{wildcards.fold}.{part}.npy"
        for part in PLAN.parts(wildcards.model, wildcards.chunk)
    ]


def tree_files(wildcards):
    """The parts of a model's forest, where it is cut into parts."""
    return [
        f"{place(wildcards)}/search/forest/trees/{part}.npz" for part in PLAN.parts(wildcards.model)
    ]


def search_files(wildcards, ending):
    """The tables or values of all search jobs of a model."""
    return expand(
        f"{place(wildcards)}/search/{wildcards.model}/{{chunk}}.{{fold}}{ending}",
        chunk=PLAN.chunks[wildcards.model],
        fold=range(CONFIG.split.folds.k),
    )


def curve_files():
    """The learning curves of all networks, under every protocol."""
    networks = PLAN.chunks.get("mesonet", []) if features.PIXELS in CONFIG.features else []
    return expand(
        f"{RUN}/{features.PIXELS}/{{protocol}}/search/mesonet/{{chunk}}.{{fold}}.curve.tsv",
        protocol=CONFIG.split.protocols,
        chunk=networks,
        fold=range(CONFIG.split.folds.k),
    )


def for_each_model(path, splits=None):
    """A path of every model on every feature set under every protocol, or under other splits."""
    return expand(f"{FEATURES}/{{protocol}}/{path}", zip, **PLAN.swept(splits))


def preprocessing():
    """How a video becomes features: what a bundle's user must do alike."""
    frames = plain(CONFIG.frames)
    frames.pop("timeout")
    return {
        "frames": frames,
        "faces": plain(CONFIG.faces),
        "versions": codehash.versions("faces"),
    }
