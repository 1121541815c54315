# The branches of a run with variants: of a job its settings, its plan, and the folder of what it reads.
# Functions only, no rules. A run without variants has one branch, the base.
import functools
import re

from snakemake.iocontainers import Wildcards

from deepfake.workflow.plan import Plan


@functools.cache
def plan_at(folder):
    """The jobs of a branch and their requests."""
    faces = face_record.MOST_FACES if CLASSIFYING else 1
    branch = BRANCHES[folder]
    return Plan(
        branch.config,
        VIDEOS,
        SITE.limits,
        faces=faces,
        calibration=CALIBRATION,
        branch=branch,
    )


def named_plans():
    """The plan of each branch with the names of its variants; of a run without variants no name."""
    return [
        (branch.title if len(BRANCHES) > 1 else "", plan_at(folder))
        for folder, branch in BRANCHES.items()
    ]


def branch_of(wildcards):
    """The branch of a job; the base of one without that wildcard."""
    return BRANCHES[wildcards.get("branch", "")]


def config_of(wildcards):
    """The settings of a job's branch."""
    return branch_of(wildcards).config


def plan_of(wildcards):
    """The plan of a job's branch."""
    return plan_at(branch_of(wildcards).folder)


def folder_of(stage, wildcards):
    """The folder with what a job takes from an earlier stage: faces or models."""
    return f"{RUN}{branch_of(wildcards).folder_of[stage]}"


def compared_branches(wildcards):
    """The branches of all variants; of each the wildcards that a job has there."""
    for folder, branch in BRANCHES.items():
        if branch.names:
            yield branch, Wildcards(fromdict=dict(wildcards.items()) | {"branch": folder})


def compared_folders():
    """Below that of the run, the folders of all variants, the base first."""
    return [folder for folder, branch in BRANCHES.items() if branch.names]


def variant_results():
    """What a run with variants has beside the results of the base."""
    if not PLAN.has_variants:
        return []
    return [f"{RUN}/variants.txt", *(f"{RUN}{folder}/report.html" for folder in compared_folders())]


def any_of(values):
    """A regular expression for one of these values of a wildcard."""
    return f"(?:{'|'.join(map(re.escape, values))})"


def base_split(wildcards):
    """The split of the base, by which those of other branches are dealt."""
    is_base = not branch_of(wildcards).folder
    return [] if is_base else [f"{RUN}/splits/{wildcards.protocol}.tsv"]


def split_file(wildcards):
    """A split of a branch."""
    return f"{folder_of('models', wildcards)}/splits/{wildcards.protocol}.tsv"


def branch_files(wildcards, files, *more):
    """What a function says of the files of each variant, one after the other."""
    found = [files(at, *more) for _, at in compared_branches(wildcards)]
    return [file for some in found for file in ([some] if isinstance(some, str) else some)]
