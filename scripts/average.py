"""Rule average: average models' calibrated probabilities, on the folds and as a bundle."""

from pathlib import Path

from deepfake.core import job, tables
from deepfake.evaluation import decision, search_table
from deepfake.features.matrix import Matrix
from deepfake.inference import bundle
from deepfake.models import average


def main(work: job.Job) -> None:
    """Average models' calibrated probabilities, on the folds and as a bundle."""
    params, names = work.params, work.params["members"]
    found = dict(zip(names, map(tables.read, work.input["out_of_fold"]), strict=True))
    held_out = average.out_of_fold(found)
    rows = search_table.by_fold(held_out, average.THRESHOLD)
    _, means = search_table.best(rows, params["score"])
    members = {"members": ", ".join(names)}
    more = search_table.shown(rows, search_table.OF_COPIES)
    columns = ("candidate", *members, "fold", *search_table.SCORES, *more)
    tables.write([row | members for row in rows], work.write("table"), columns)
    tables.write(held_out, work.write("out_of_fold"), search_table.OUT_OF_FOLD_COLUMNS)
    best = {"number": 0, "candidate": {"members": names}, "by": params["score"]}
    best |= {"fold_means": means}
    loaded = {
        name: bundle.load(Path(path).parent)
        for name, path in zip(names, work.input["bundles"], strict=True)
    }
    if note := average.unfinished({name: record for name, (_, record) in loaded.items()}):
        best["note"] = note
    work.write_json("best", best)
    fitted = average.join(
        {name: (one, members["calibration"]) for name, (one, members) in loaded.items()}
    )
    facts = average.facts([record for _, record in loaded.values()])
    how = average.THRESHOLD, params["evaluation"], params["verdict"]
    facts |= decision.from_folds(held_out, *how)
    if sheet := work.input.get("calibration_rows"):
        scores = average.decide(fitted, Matrix(work.read("calibration_matrix")))
        facts |= decision.from_sheet(tables.read(sheet[0]), scores, *how)
    facts["search"] = best
    record = Path(work.write("bundle"))
    bundle.save(fitted, facts, record.parent, record)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
