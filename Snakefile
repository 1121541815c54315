# From a sheet of labelled videos to tested models. This file only orchestrates: the stages are
# in rules/, the work is in scripts/, the settings in config/, the machines in profiles/.
import pathlib
import sys

from snakemake.utils import min_version

min_version("9.20")

sys.path.insert(0, str(pathlib.Path(workflow.basedir, "scripts")))

# A run's own file replaces the demo's: merged, their grids would mix.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"


guard_status_commands()
CONFIG = load_settings()
SITE = load_site()
VIDEOS = load_videos()
PLAN = make_plan()
RUN = f"results/{CONFIG.run}"
FEATURES = f"{RUN}/pixels"


wildcard_constraints:
    batch="[A-Za-z0-9._-]+",
    protocol="[a-z]+",
    scaling="[a-z]+",
    fold="all|[0-9]+",
    model="[a-z]+",
    chunk="c[0-9]+",


include: "rules/frames.smk"
include: "rules/faces.smk"
include: "rules/matrix.smk"
include: "rules/split.smk"
include: "rules/gram.smk"
include: "rules/search.smk"
include: "rules/fit.smk"
include: "rules/evaluate.smk"


localrules:
    all,
    dataset,
    models,


rule all:
    default_target: True
    input:
        f"{RUN}/summary.txt",


# Stages to stop at: `snakemake dataset`, `snakemake models`
rule dataset:
    input:
        f"{FEATURES}/matrix.npy",
        expand(f"{RUN}/splits/{{protocol}}.tsv", protocol=CONFIG.split.protocols),


rule models:
    input:
        for_each_model("models/{model}/bundle.json"),


onstart:
    print(PLAN.told())


onsuccess:
    show_summary()


onerror:
    show_failures(log)
