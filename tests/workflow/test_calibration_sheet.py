"""`verdict.calibrate_on`: thresholds and probabilities of a second sheet."""

import shutil

import pytest

from deepfake.core import tables
from deepfake.evaluation import calibration
from deepfake.features.matrix import Matrix
from deepfake.inference import bundle
from deepfake.models import registry as models
from tests.workflow.running import Run, scan
from tests.workflow.test_classify import ask

SETTINGS = {
    "faces": {"size": 32},
    "features": ["lbp"],
    "split": {"protocols": ["grouped"], "test_size": 0.34, "folds": {"k": 2}},
    "sweep": {"logistic": {"C": [1], "scaling": ["none"]}, "lda": {}, "average": {}},
    "verdict": {"max_false_alarms": 0.3, "max_missed": 0.3, "calibrate_on": "others.tsv"},
}
SHEET = "others.tsv"


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips) -> Run:
    """Eight clips to train and test on; four, of other people, to calibrate on."""
    run = Run(tmp_path_factory.mktemp("calibrated"))
    scan("folders", "demo", demo_clips, run.folder / "all.tsv", videos_per_job=7)
    videos = [dict(row) for row in tables.read(run.folder / "all.tsv")]
    nobody = {"clip_id": "", "target_id": "", "source_id": ""}
    for label in ("real", "fake"):  # six groups of two
        for number, video in enumerate(v for v in videos if v["label"] == label):
            video |= nobody | {"group_id": f"g{number}"}
    others = [video for video in videos if video["group_id"] in ("g4", "g5")]
    own = [video for video in videos if video not in others]
    for name, chosen in (("videos.tsv", own), (SHEET, others)):
        tables.write(chosen, run.folder / name, tuple(videos[0]))
    run.write_settings(**SETTINGS)
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    return run


@pytest.mark.parametrize("model", ["logistic", "lda", "average"])
def test_a_bundle_holds_what_its_own_scores_of_the_sheet_give(run, model):
    place = run.results / "lbp" / "grouped" / "models" / model
    fitted, record = bundle.load(place)
    rows = tables.read(run.results / "calibration" / "rows.tsv")
    others = {video["video_id"] for video in tables.read(run.folder / SHEET)}
    assert {row["video_id"] for row in rows} == others
    scores = models.decide(fitted, Matrix(run.results / "lbp" / "calibration" / "matrix.npy"))
    scored = [row | {"score": score} for row, score in zip(rows, scores, strict=True)]
    again = calibration.fit(*calibration.videos(scored, record["calibration"]["trim"])[:2])
    for name in ("slope", "intercept"):
        assert record["calibration"][name] == pytest.approx(again[name], abs=1e-9)
    assert record["calibrated_on"]["videos"] == len(others)
    assert record["verdict"]["source"] == "sheet"
    assert record["out_of_fold"]["rows"] == record["training"]["videos"]


def test_none_of_its_faces_is_in_the_matrix_the_splits_or_the_test(run):
    others = {video["video_id"] for video in tables.read(run.folder / SHEET)}
    assert not others & {row["video_id"] for row in tables.read(run.results / "rows.tsv")}
    rows = len(tables.read(run.results / "rows.tsv"))
    assert Matrix(run.results / "lbp" / "matrix.npy").shape[0] == rows


def test_the_pages_say_where_thresholds_come_from(run):
    said = (run.results / "summary.txt").read_text()
    assert "from a threshold that is chosen on the calibration sheet" in said
    page = (run.results / "report.html").read_text(encoding="utf-8")
    assert "error rate on the calibration sheet" in page
    clip = tables.read(run.folder / "videos.tsv")[0]["path"]
    bundle = run.results / "lbp" / "grouped" / "models" / "lda"
    done = ask(run.folder, f"videos={clip}", f"bundle={bundle}")
    assert done.returncode == 0, done.stdout
    (page,) = (run.folder / "results").glob("verdicts/pages/*/*.html")
    said = " ".join(page.read_text(encoding="utf-8").split())
    assert "videos of a calibration sheet (" in said


def test_a_changed_sheet_fits_again_and_searches_nothing(run, tmp_path):
    other = Run(tmp_path / "copy")
    shutil.copytree(run.folder, other.folder)
    videos = tables.read(other.folder / SHEET)
    tables.write(videos[:-1], other.folder / SHEET, tuple(videos[0]))
    other.write_settings(**SETTINGS)
    why = other.why()
    assert {"fit", "average", "evaluate", "calibration_rows", "calibration_matrix"} <= set(why)
    assert not {"search", "choose", "matrix", "split", "gram"} & set(why)


def test_a_sheet_that_shares_videos_is_refused_before_any_job(run, tmp_path):
    other = Run(tmp_path)
    for name in ("videos.tsv", SHEET):
        shutil.copy(run.folder / name, tmp_path)
    other.write_settings(**SETTINGS | {"verdict": {"calibrate_on": "videos.tsv"}})
    done = other.snakemake("--dry-run")
    assert done.returncode == 1
    assert "videos.tsv: its column video_id: 8 videos of the run's own sheet" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_sheet_that_is_missing_is_named(tmp_path, run):
    shutil.copy(run.folder / "videos.tsv", tmp_path)
    other = Run(tmp_path)
    other.write_settings(**SETTINGS)
    done = other.snakemake("--dry-run")
    assert done.returncode == 1
    assert f"{SHEET}: no such sheet" in done.stdout
