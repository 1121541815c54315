# From a sheet of labelled videos to tested models. This file only orchestrates: the stages are
# in rules/, the work is in scripts/, the settings in config/, the machines in profiles/.
import pathlib
import sys

from snakemake.utils import min_version

min_version("9.20")

sys.path.insert(0, str(pathlib.Path(workflow.basedir, "scripts")))

# `--config videos=... bundle=...` asks a model about videos, and needs nothing of a training.
ASKED = "videos" in config

# A run's own file replaces the demo's: merged, their grids would mix.
if not ASKED and not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/hooks.smk"


guard_status_commands()
DOWNLOADING = is_download() and not ASKED
SITE = load_site()
if ASKED:
    QUESTION, CONFIG = load_question()
    VIDEOS, OTHERS = load_asked()
else:
    CONFIG = load_settings()
    VIDEOS = load_videos()
PLAN = make_plan()
RUN = f"results/{CONFIG.run}"
FEATURES = f"{RUN}/{{features}}"  # a wildcard: pixels, residuals, ...
ORIGINAL = f"{RUN}/{features.PIXELS}/{original.PROTOCOL}"  # the original experiment's
LEDGER = "results/ledger.tsv"
RESULT = f"{RUN}/verdicts.txt" if ASKED else f"{RUN}/summary.txt"
PAGE = f"{RUN}/{'verdicts' if ASKED else 'report'}.html"


wildcard_constraints:
    batch="[A-Za-z0-9._-]+",
    features="[a-z]+",
    protocol="[a-z-]+",
    scaling="[a-z]+",
    fold="all|[0-9]+",
    model="[a-z]+",
    chunk="c[0-9]+",
    part="t[0-9]+",
    published="[a-z0-9.-]+",
    subset="[A-Za-z0-9_]+",
    compression="[a-z0-9]+",


include: "rules/frames.smk"
include: "rules/faces.smk"


if ASKED:

    include: "rules/classify.smk"

elif DOWNLOADING:

    include: "rules/download.smk"

else:

    include: "rules/features.smk"
    include: "rules/matrix.smk"
    include: "rules/split.smk"
    include: "rules/gram.smk"
    include: "rules/forest.smk"
    include: "rules/search.smk"
    include: "rules/train.smk"
    include: "rules/fit.smk"
    include: "rules/average.smk"
    include: "rules/evaluate.smk"
    include: "rules/original.smk"
    include: "rules/report.smk"
    include: "rules/leakage.smk"
    include: "rules/robustness.smk"
    include: "rules/stages.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        RESULT,
        PAGE,


onstart:
    show_start()


onsuccess:
    show_summary()


onerror:
    show_failures(log)
