# From a sheet of labelled videos to tested models. This file only orchestrates: the stages are
# in rules/, the work is in scripts/, the settings in config/, the machines in profiles/.
import json
import pathlib
import sys

from snakemake.utils import min_version

min_version("9.20")

sys.path.insert(0, str(pathlib.Path(workflow.basedir, "scripts")))

# A run's own file replaces the demo's: merged, their grids would mix.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"


CONFIG = load_settings()
VIDEOS = load_videos()
BATCHES = sheet.batches(VIDEOS)
RUN = f"results/{CONFIG.run}"
FEATURES = f"{RUN}/pixels"
CANDIDATES = {model: grid(model) for model in CONFIG.sweep.names()}
CHUNKS = {model: chunk_names(model) for model in CANDIDATES}
check_plan()


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
        bundles(),


onstart:
    print(f"{CONFIG.run}: {plan()}")


onsuccess:
    show_summary()


onerror:
    show_failures()
