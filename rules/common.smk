# Settings of the run and functions that the rules share. No rules.
from snakemake.logging import logger

from cluster import plugin_patches, snakemake_logs, status_wrappers
from deepfake.core import codehash, schema
from deepfake.dataset import download, sheet, video_query
from deepfake.dataset.compact_sheet import CompactSheet
from deepfake.features import registry as features
from deepfake.inference import bundle_json
from deepfake.models import catalogue
from deepfake.person import mesh_file, person_file
from deepfake.preprocessing import face_record, frames
from deepfake.preprocessing.perturbations import registry as perturbations
from deepfake.splits import calibration_sheet, leave_one_out, protocols
from deepfake.workflow import budget, checks, config_classify, config_person, job_sheet
from deepfake.workflow import published_results, site, variants
from deepfake.workflow import config as settings


def refuse(lines):
    """End before the first job and print only the reasons."""
    sys.exit(lines)


def guard_cluster():
    """Install the wrappers of the schedulers' commands and the changes of the plugins."""
    if workflow.is_main_process:
        status_wrappers.install()
        plugin_patches.install()


def is_download():
    """Whether this is `snakemake download` or a job of it: there need be no videos yet.

    Snakemake gives a Snakefile no targets; a job's command names its rule.
    """
    return any(word == "download" or word.startswith("download_part:") for word in sys.argv[1:])


def readable(path):
    """The path of a configuration file, or the reason why Snakemake could not read it."""
    try:
        if pathlib.Path(path).exists():  # Snakemake itself says that it is not
            schema.read_mapping(path)
        return path
    except settings.ConfigError as error:
        refuse(str(error))


def load_settings():
    """The checked configuration of this run."""
    names = ", ".join(str(path) for path in workflow.configfiles) or "--config"
    try:
        for path in workflow.configfiles if workflow.is_main_process else []:
            schema.read_mapping(path)  # Snakemake takes the last of two equal keys
        return settings.load(config, names)
    except settings.ConfigError as error:
        refuse(str(error))


def load_classify_options():
    """The options of `classify`, and the configuration with which its bundle reads videos."""
    try:
        options = config_classify.load(config, "--config")
        options = options.model_copy(update={"bundle": bundle_json.find(options.bundle)})
        record = bundle_json.read(options.bundle)
        if options.person:
            person_file.read(options.person)
            demand_mesh()
        return options, config_classify.bundle_config(
            record, options.run, options.bundle, options.span
        )
    except (
        settings.ConfigError,
        bundle_json.RecordError,
        person_file.PersonError,
        mesh_file.MeshError,
    ) as error:
        refuse(str(error))


def load_enroll_options():
    """The options of `enroll`, and the configuration with which it reads videos."""
    if "classify" in sys.argv:
        refuse("classify: bundle=... is missing, the folder of a model or of a run")
    try:
        demand_mesh()
        return config_person.load(config, "--config")
    except (settings.ConfigError, mesh_file.MeshError) as error:
        refuse(str(error))


def demand_mesh():
    """Refuse what follows faces where the face mesh is not installed; jobs look themselves."""
    if workflow.is_main_process:
        mesh_file.find()


def load_enrolled_videos():
    """The videos of the person and of others, each in batches; and those that cannot be read.

    Whose they are says `group_id`, and of the latter a third entry: "person" or "other".
    """
    found, unread = [], []
    try:
        for words, whose in ((OPTIONS.videos, "person"), (OPTIONS.others, "other")):
            videos, absent = video_query.expand(words) if words else ([], [])
            video_query.deal(videos, OPTIONS.videos_per_job, whose)
            found += [video | {"group_id": whose} for video in videos]
            unread += [(path, reason, whose) for path, reason in absent]
    except video_query.QueryError as error:
        refuse(str(error))
    paths = [os.path.realpath(video["path"]) for video in found]
    if both := sorted({path for path in paths if paths.count(path) > 1}):
        refuse(f"{both[0]}: named twice; a video is of the person or of others, and counts once")
    return found, unread


def load_queried_videos():
    """The videos to classify, in batches; and those that cannot be read."""
    try:
        videos, others = video_query.expand(OPTIONS.videos)
    except video_query.QueryError as error:
        refuse(str(error))
    names = ("bundle.json", "known.json", "null.json")
    files = [pathlib.Path(OPTIONS.bundle, name) for name in names]
    model = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    video_query.deal(videos, OPTIONS.videos_per_job, model)
    return videos, others


def load_site():
    """The site file, or an empty one."""
    try:
        return site.load(HOME)
    except settings.ConfigError as error:
        refuse(str(error))


def load_videos():
    """The checked sheet and its identity; in a job, its rows from the main process.

    Only the main process checks the files themselves.
    """
    if DOWNLOADING:
        if workflow.is_main_process and (reasons := download.problems(CONFIG.download)):
            refuse("\n".join(reasons))
        return [], None
    try:
        made_of = job_sheet.identity(CONFIG.sheet, CONFIG.split.folds.k, CONFIG.transfer.by)
    except (OSError, ValueError):
        made_of = None  # reading it gives the reason
    if not workflow.is_main_process and made_of and (left := job_sheet.read(made_of, CONFIG.run)):
        return left, made_of
    try:
        videos = sheet.read(CONFIG.sheet, check_files=workflow.is_main_process)
    except sheet.SheetError as error:
        refuse(str(error))
    for line in sheet.warnings(CONFIG.sheet, videos) if workflow.is_main_process else []:
        print(line, file=sys.stderr)  # a dry run has no onstart
    return CompactSheet.of(videos), made_of


def load_calibration():
    """The videos of the calibration sheet by batch; nothing without one."""
    path = None if NO_SHEET or DOWNLOADING else CONFIG.verdict.calibrate_on
    if not path:
        return {}
    try:
        videos = sheet.read(path, check_files=workflow.is_main_process)
    except sheet.SheetError as error:
        refuse(str(error))
    if workflow.is_main_process and (reasons := calibration_sheet.shared(path, videos, VIDEOS)):
        refuse("\n".join(reasons))
    batches = sheet.batches(videos)
    return {f"{calibration_sheet.PREFIX}{name}": found for name, found in batches.items()}


def leave_videos():
    """Write the sheet's rows for the jobs on a cluster, which parse the Snakefile again."""
    if workflow.non_local_exec and not NO_SHEET and not DOWNLOADING:
        job_sheet.store(VIDEOS, LACKING, LEFT_OUT, SHEET, CONFIG.run)


def lacking_splits():
    """The splits of the ablation, and why the sheet does not allow one; mostly ""."""
    if isinstance(VIDEOS, job_sheet.StoredSheet):
        return VIDEOS.lacking
    return protocols.leakage(VIDEOS, CONFIG.split.folds.k)


def left_out_splits():
    """The splits that leave one value out; see `leave_one_out.splits`."""
    if isinstance(VIDEOS, job_sheet.StoredSheet):
        return VIDEOS.left_out
    return leave_one_out.splits(VIDEOS, CONFIG.transfer.by, CONFIG.split.folds.k)


def results_of_mode():
    """The names of the text and of the page that a run ends with."""
    if CLASSIFYING:
        return "verdicts.txt", "verdicts.html"
    return ("enrolled.txt", "enrolled.html") if ENROLLING else ("summary.txt", "report.html")


def make_plan():
    """The jobs of the base and their requests; only the main process refuses and warns."""
    is_checked = workflow.is_main_process and not NO_SHEET and not DOWNLOADING
    reasons = checks.problems(CONFIG, VIDEOS, SITE.limits, CALIBRATION) if is_checked else []
    if reasons:
        refuse("\n".join(reasons))
    for line in checks.warnings([plan_at(folder) for folder in BRANCHES]) if is_checked else []:
        print(line, file=sys.stderr)  # a dry run has no onstart
    if is_checked and workflow.output_settings.dryrun:
        logger.info(budget.described(named_plans()))
    return plan_at("")


def plain(section, *names):
    """A section of the configuration as plain builtins, which Snakemake can compare.

    All its keys, or those that are named.
    """
    return section.model_dump(mode="json", include=set(names) or None)


# A job's settings stand in its params under their configuration keys: frames.every, seed. Where they
# do not, the entry "keys" says which key or section stands where; `make why` looks there.
SPLIT_KEYS = {
    "split.k": "split.folds.k",
    "split.shuffle": "split.folds.shuffle",
    "split.every": "split.rows.every",
    "split.seed": "seed",
}
# Of a split that leaves one value out; the values are the sheet's.
LEFT_OUT_KEYS = {
    "split.cross.by": "transfer.by",
    "split.cross.train": "",
    "split.cross.test": "",
}


def split_settings():
    """How any split is made; see SPLIT_KEYS."""
    return {
        "test_size": CONFIG.split.test_size,
        **plain(CONFIG.split.folds),
        **plain(CONFIG.split.rows),
        "seed": CONFIG.seed,
    }


def evaluation_settings():
    """The settings of evaluations; the resamples change no score."""
    return {name: value for name, value in plain(CONFIG.evaluation).items() if name != "resamples"}


def code(script, *extra):
    """The library modules and package versions that a script's results depend on."""
    return codehash.of(script, *extra)


def threads(rule):
    return lambda wildcards: plan_of(wildcards).threads(rule, dict(wildcards.items()))


def requests(rule):
    """What a rule requests of the cluster, by the size of its data and the attempt."""

    def mem_mb(wildcards, attempt):
        return plan_of(wildcards).mem_mb(rule, dict(wildcards.items()), attempt)

    def runtime(wildcards, attempt):
        return f"{plan_of(wildcards).minutes(rule, dict(wildcards.items()), attempt)}m"

    wanted = {"mem_mb": mem_mb, "runtime": runtime, "attempt": lambda wildcards, attempt: attempt}
    if SITE.lsf:  # its plugin reserves memory but sets no limit
        more = f" {SITE.lsf.extra}" if SITE.lsf.extra else ""
        wanted["lsf_extra"] = lambda wildcards, attempt: f"-M {mem_mb(wildcards, attempt)}MB{more}"
    return wanted


def preprocessing(config):
    """How a video becomes features; stored in bundles, to do the same for new videos."""
    sampled = plain(config.frames)
    sampled.pop("timeout")
    return {
        "frames": sampled,
        "faces": plain(config.faces),
        "decoder": frames.decoder_name(),
        "versions": codehash.versions("faces"),
    }
