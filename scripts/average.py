"""Rule average: average models' calibrated probabilities, on the folds and as a bundle."""

import json
from pathlib import Path

from deepfake import bundle, calibration, job, metrics, search, tables
from deepfake.models import average


def main(work: job.Job) -> None:
    """Average models' calibrated probabilities, on the folds and as a bundle."""
    params, names = work.params, work.params["members"]
    found = dict(zip(names, map(tables.read, work.input["out_of_fold"]), strict=True))
    unseen = average.out_of_fold(found)
    rows = search.by_fold(unseen, average.THRESHOLD)
    _, means = search.best(rows, params["score"])
    told = {"members": ", ".join(names)}
    columns = ("candidate", *told, "fold", *search.SCORES)
    tables.write([row | told for row in rows], work.write("table"), columns)
    tables.write(unseen, work.write("out_of_fold"), search.UNSEEN_COLUMNS)
    best = {"number": 0, "candidate": {"members": names}, "by": params["score"]}
    best |= {"fold_means": means}
    text = json.dumps(best, indent=1) + "\n"
    Path(work.write("best")).write_text(text, encoding="utf-8")
    loaded = {
        name: bundle.load(Path(path).parent)
        for name, path in zip(names, work.input["bundles"], strict=True)
    }
    fitted = average.join(
        {name: (one, told["calibration"]) for name, (one, told) in loaded.items()}
    )
    facts = average.facts([record for _, record in loaded.values()])
    fake, values, groups = calibration.videos(unseen)
    facts |= {
        "calibration": calibration.fit(fake, values),
        "out_of_fold": metrics.summary(
            fake, values, average.THRESHOLD, groups, level=0.95, count=2000, seed=params["seed"]
        ),
        "search": best,
    }
    record = Path(work.write("bundle"))
    bundle.save(fitted, facts, record.parent, record)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
