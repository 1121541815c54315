# Messages at the start and at the end of a run. Functions only, no rules.
from deepfake.core import partial_files
from deepfake.workflow import budget, extra_jobs, usage

# Pages of further targets, by the target's name, with their titles.
PAGES = {
    "leakage": "Effect of data leakage",
    "robustness": "Robustness to perturbed clips",
    "transfer": "Transfer to what was left out of training",
}


def show_failures(log):
    """What failed, why, and which log to read; scripts/submit.py reports it for its own runs."""
    if not snakemake_logs.are_watched():
        for path in log:
            print(snakemake_logs.explain(pathlib.Path(path)))


def show_start():
    """Print what will be done; remove incomplete files of dead processes."""
    partial_files.remove_abandoned(pathlib.Path("results"), jobs_may_run=True)
    if DOWNLOADING:
        print(f"downloading {', '.join(CONFIG.download.datasets)} to {CONFIG.download.folder}")
    elif CLASSIFYING:
        print(extra_jobs.to_classify(PLAN, len(VIDEOS), bool(OPTIONS.person)))
    elif ENROLLING:
        print(extra_jobs.to_enroll(PLAN, len(VIDEOS)))
    else:
        print(f"{PLAN.described()}\n{budget.described(named_plans())}")


def show_summary():
    """Print the table of the run, if there is one."""
    if DOWNLOADING:
        print(
            f"All files are in {CONFIG.download.folder}; scripts/scan_dataset.py makes a sheet of them"
        )
        return
    table = pathlib.Path(RESULT)
    others = pathlib.Path(RUN, "variants.txt")
    if table.exists():
        print(f"\n{table.read_text()}")
        if not NO_SHEET and PLAN.has_variants and others.exists():
            print(f"{others.read_text()}\nThe variants are in {RUN}/variants.html")
        print(f"All results are in {RUN}/\nThe report is {PAGE}")
    if VIDEOS and not ENROLLING:
        folders = [pathlib.Path(f"{RUN}{folder}", "benchmarks") for folder in BRANCHES]
        print(usage.core_hours(folders, len(VIDEOS)))
    for name, what in PAGES.items():
        page = pathlib.Path(RUN, f"{name}.html")
        if page.exists():
            print(f"{what}: {page}")
