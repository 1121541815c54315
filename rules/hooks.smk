# What a run says at its start and at its end. Functions only, no rules.
# Pages beside the report, each of the target of its name, and what they tell.
BESIDE = {
    "leakage": "What a leak is worth",
    "robustness": "What a model makes of perturbed clips",
}


def show_failures(log):
    """What failed, why, and which log to read; a run under scripts/submit.py tells it itself."""
    if not runs.are_watched():
        for path in log:
            print(runs.explain(pathlib.Path(path)))


def show_start():
    """What is about to be done, in one line."""
    if DOWNLOADING:
        print(f"downloading {', '.join(CONFIG.download.datasets)} to {CONFIG.download.folder}")
    else:
        print(f"{len(VIDEOS)} videos to judge" if ASKED else PLAN.told())


def show_summary():
    """The table of the run, where it was made."""
    if DOWNLOADING:
        print(f"All is in {CONFIG.download.folder}; scripts/scan_dataset.py makes a sheet of it")
        return
    table = pathlib.Path(RESULT)
    if table.exists():
        print(f"\n{table.read_text()}\nEverything is in {RUN}/\nThe page of it all is {PAGE}")
    for name, what in BESIDE.items():
        page = pathlib.Path(RUN, f"{name}.html")
        if page.exists():
            print(f"{what} is told in {page}")
