# From a sheet of labelled videos to tested models. The stages are in rules/, the work is in
# scripts/, the settings are in config/, the clusters in profiles/.
import os
import pathlib
import sys

from snakemake.utils import min_version

min_version("9.20")

# this file's folder, also where another workflow uses it as a module
HOME = pathlib.Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
sys.path.insert(0, str(HOME / "scripts"))

# `--config videos=... bundle=...` classifies videos with a model, `--config person=... videos=...`
# makes a person's model; neither needs files of a training.
ENROLLING = "person" in config and "bundle" not in config
CLASSIFYING = "videos" in config and not ENROLLING
NO_SHEET = CLASSIFYING or ENROLLING


include: "rules/common.smk"
include: "rules/branches.smk"
include: "rules/files.smk"
include: "rules/hooks.smk"


# A run's own file replaces the demo's: a merge would mix their grids.
if not NO_SHEET and not workflow.overwrite_configfiles:

    configfile: readable("config/config.yaml")


guard_cluster()
DOWNLOADING = is_download() and not NO_SHEET
SITE = load_site()
if CLASSIFYING:
    OPTIONS, CONFIG = load_classify_options()
    VIDEOS, OTHERS = load_queried_videos()
elif ENROLLING:
    OPTIONS, CONFIG = load_enroll_options()
    VIDEOS, UNREAD = load_enrolled_videos()
else:
    CONFIG = load_settings()
    VIDEOS, SHEET = load_videos()
CALIBRATION = load_calibration()
BRANCHES = variants.branches(CONFIG)
PLAN = make_plan()  # of the base; see plan_of
RUN = f"results/persons/{CONFIG.run}" if ENROLLING else f"results/{CONFIG.run}"
# Of a run with variants, a wildcard: "" of the base, /variants/faces.margin=0.3, ...
BRANCH = f"{RUN}{{branch}}" if len(BRANCHES) > 1 else RUN
FEATURES = f"{BRANCH}/{{features}}"  # a wildcard: pixels, residuals, ...
LEDGER = "results/ledger.tsv"
RESULT, PAGE = (f"{RUN}/{name}" for name in results_of_mode())


wildcard_constraints:
    branch=any_of(BRANCHES),
    batch="[A-Za-z0-9._-]+",
    features="[a-z]+",
    protocol="[a-z0-9-]+",
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


if CLASSIFYING:

    include: "rules/windows.smk"
    include: "rules/person.smk"
    include: "rules/classify.smk"

elif ENROLLING:

    include: "rules/windows.smk"
    include: "rules/enroll.smk"

elif DOWNLOADING:

    include: "rules/download.smk"

else:

    include: "rules/features.smk"
    include: "rules/copies.smk"
    include: "rules/matrix.smk"
    include: "rules/calibration.smk"
    include: "rules/split.smk"
    include: "rules/gram.smk"
    include: "rules/forest.smk"
    include: "rules/search.smk"
    include: "rules/train.smk"
    include: "rules/fit.smk"
    include: "rules/average.smk"
    include: "rules/selection.smk"
    include: "rules/evaluate.smk"
    include: "rules/published.smk"
    include: "rules/report.smk"
    include: "rules/leakage.smk"
    include: "rules/robustness.smk"
    include: "rules/transfer.smk"
    include: "rules/null.smk"
    include: "rules/stages.smk"

    if len(BRANCHES) > 1:

        include: "rules/variants.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        RESULT,
        PAGE,
        variant_results(),


onstart:
    leave_videos()
    show_start()


onsuccess:
    show_summary()


onerror:
    show_failures(log)
