"""What is wrong with a run is told in plain lines before its first job."""

import subprocess
import sys

import pytest

from tests.workflow import forked
from tests.workflow.running import ROOT, Run, scan
from tests.workflow.test_transfer import SETTINGS, make_up


@pytest.fixture
def run(tmp_path, demo_clips) -> Run:
    run = Run(tmp_path)
    scan("folders", "demo", demo_clips, tmp_path / "videos.tsv", videos_per_job=12)
    run.write_settings()
    return run


def refused(run: Run) -> list[str]:
    """The lines of a refusal; no job, no traceback."""
    done = run.snakemake(start=forked.run)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    assert not run.results.exists()
    return done.stdout.splitlines()


def test_a_wrong_configuration_names_file_and_key(run):
    run.write_settings(sweep={"svm": {"C": [1, -1], "gama": [1]}}, frame={"every": 3})
    lines = refused(run)
    file = str(run.folder / "run.yaml")
    assert f"{file}: sweep.svm.C[1]: -1 should be greater than 0" in lines
    assert f"{file}: sweep.svm.gama: unknown key; did you mean gamma?" in lines
    assert f"{file}: frame: unknown key; did you mean frames?" in lines


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (
            "run: t\nsweep:\n\tsvm: {}\n",
            "line 3: found character '\\t' that cannot start any token",
        ),
    ],
)
def test_a_configuration_that_cannot_be_read_is_one_line(run, content, reason):
    file = run.folder / "run.yaml"
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    used, line = refused(run)
    assert used.startswith("Using workflow specific profile ")
    assert line == f"{file}: {reason}"


def test_so_is_a_broken_default_configuration(run):
    (run.folder / "config").mkdir()
    (run.folder / "config" / "config.yaml").write_text("run: t\nsweep:\n\tsvm: {}\n")
    command = [sys.executable, "-m", "snakemake", "--directory", run.folder, "--dry-run"]
    done = forked.run(command, cwd=ROOT)
    reason = "line 3: found character '\\t' that cannot start any token"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == [f"config/config.yaml: {reason}"]


def test_a_home_folder_that_cannot_be_written_stops_no_run(run, monkeypatch):
    """Batch accounts have one. Frames and faces load OpenCV, TensorFlow and MTCNN."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nothing")
    done = run.snakemake("--until", "faces", start=subprocess.run)
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout


def test_a_key_that_stands_twice_is_refused_with_its_line(run):
    with open(run.folder / "run.yaml", "a") as file:
        file.write("run: other\n")
    number = len((run.folder / "run.yaml").read_text().splitlines())
    assert f"{run.folder}/run.yaml: line {number}: the key 'run' appears twice" in refused(run)


def test_a_wrong_sheet_names_every_line(run):
    table = run.folder / "videos.tsv"
    lines = table.read_text().splitlines()
    lines[1] = lines[1].replace("fake\tdemo", "fale\tdemo")
    lines[2] = lines[2].replace(".mp4\tfake", ".mp4x\tfake")
    lines[3] = lines[4]
    table.write_text("\n".join(lines) + "\n")
    told = "\n".join(refused(run))
    assert "line 2: unknown label 'fale'; known are real and fake" in told
    assert ".mp4x: no such file" in told
    assert "one video_id" in told


def with_column(run: Run, name: str) -> None:
    """One column more in the sheet."""
    table = run.folder / "videos.tsv"
    head, *lines = table.read_text().splitlines()
    table.write_text("\n".join([f"{head}\t{name}", *(f"{line}\tx" for line in lines)]))


def test_a_misspelt_column_of_a_sheet_is_refused(run):
    table = run.folder / "videos.tsv"
    table.write_text(table.read_text().replace("group_id", "group", 1))
    what = "unknown column 'group'; did you mean group_id? Rename or remove it"
    assert f"videos.tsv: line 1: {what}" in refused(run)


def test_an_unknown_column_is_told_once_by_the_run_and_by_no_job(run):
    with_column(run, "notes")
    done = run.snakemake("--until", "frames")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("unknown columns, not used: 'notes'") == 1


def test_one_file_under_two_labels_is_refused(run):
    table = run.folder / "videos.tsv"
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    real = next(number for number, cells in enumerate(lines) if cells[2] == "real")
    (run.folder / "link.mp4").symlink_to(lines[real][1])
    lines[1][1] = str(run.folder / "link.mp4")
    assert lines[1][2] == "fake"
    table.write_text("\n".join(map("\t".join, lines)))
    told = "\n".join(refused(run))
    assert f"videos.tsv: lines 2, {real + 1}: one file is real and fake, " in told


def test_too_many_jobs_are_refused_with_what_to_do(run):
    run.write_settings(max_jobs=5)
    assert any("pack more videos a job" in line for line in refused(run))


def test_too_many_rows_for_a_gram_matrix_are_refused_with_what_to_use(run):
    run.write_settings(search={"max_gram_rows": 10})
    assert any("sweep forest, mesonet, elasticnet and svm of" in line for line in refused(run))
    run.write_settings(sweep={"forest": {}})
    assert run.snakemake("--dry-run", start=forked.run).returncode == 0


def test_a_split_that_cannot_be_made_says_so_and_which_log_to_read(tmp_path):
    run = Run(tmp_path)
    make_up(run.folder, run.results)  # as after the jobs before the split
    run.write_settings(**SETTINGS | {"split": {"protocols": ["grouped"], "folds": {"k": 24}}})
    done = run.snakemake(start=subprocess.run)
    assert done.returncode == 1
    assert "grouped split: 24 groups cannot fill a test set and 24 folds" in done.stdout
    end = done.stdout[done.stdout.index("1 failed attempt") :]
    assert "split: SplitError: grouped split: 24 groups" in end
    assert "log:    results/test/logs/split/grouped.log" in end
    assert "replay: " in end
    assert "Traceback" in (run.results / "logs" / "split" / "grouped.log").read_text()
