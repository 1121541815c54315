"""Rule summary: the small table of all models and splits of a run."""

from deepfake.core import job, tables
from deepfake.evaluation import model_selection, shortcuts, summary
from deepfake.features import row_order
from deepfake.inference import known_scores


def main(work: job.Job) -> None:
    """The small table of all models and splits of a run."""
    found = model_selection.ranked(work.read_each_json("metrics"), work.params["ranks"])
    videos = [tables.read(path) for path in work.input["videos"]]
    settings = work.params["evaluation"]
    rows = summary.table(found)
    compared = summary.pairs(found, videos, level=settings["level"])
    tables.write(compared, work.write("pairs"), summary.PAIR_COLUMNS)
    tables.write(rows, work.write("table"), summary.COLUMNS)
    faces = row_order.read(work.read("rows"))
    records = tables.read(work.read("records"), shortcuts.OF_A_RECORD)
    splits = zip(work.params["protocols"], work.input["splits"], strict=True)
    means = {name: shortcuts.of_videos(faces, records, tables.read(path)) for name, path in splits}
    untrained = shortcuts.table(found, videos, means, settings["level"])
    tables.write(untrained, work.write("shortcuts"), shortcuts.COLUMNS)
    chosen = {one["protocol"]: one for one in work.read_each_json("selections")}
    for number, record in enumerate(found):
        work.write_json(
            "known", known_scores.of(record, chosen[record["protocol"]], untrained), number
        )
    best = model_selection.lines(found, compared, work.params["folder"], untrained, chosen)
    if recommended := model_selection.for_verdicts(found):
        best += [f"  {line}" for line in summary.verdicts(recommended)]
    text = summary.text(rows, found[0]["level"], summary.threshold(found[0]), best)
    work.write_text("text", text)
    work.write_json("best", model_selection.recommended(found, chosen))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
