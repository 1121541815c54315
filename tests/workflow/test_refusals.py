"""What is wrong with a run is told in plain lines before its first job."""

import pytest

from tests.workflow.running import Run, scan


@pytest.fixture
def run(tmp_path, demo_clips) -> Run:
    run = Run(tmp_path)
    scan("folders", "demo", demo_clips, tmp_path / "videos.tsv", videos_per_job=6)
    run.write_settings()
    return run


def refused(run: Run) -> list[str]:
    """The lines of a refusal; no job, no traceback."""
    done = run.snakemake()
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


def test_a_key_that_stands_twice_is_refused_with_its_line(run):
    with open(run.folder / "run.yaml", "a") as file:
        file.write("run: other\n")
    number = len((run.folder / "run.yaml").read_text().splitlines())
    assert f"{run.folder}/run.yaml: line {number}: the key 'run' stands twice" in refused(run)


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


def test_too_many_jobs_are_refused_with_what_to_do(run):
    run.write_settings(max_jobs=5)
    assert any("pack more videos a job" in line for line in refused(run))


def test_too_many_rows_for_a_gram_matrix_are_refused_with_what_to_use(run):
    run.write_settings(search={"max_gram_rows": 10})
    assert any("sweep only the forest" in line for line in refused(run))
    run.write_settings(sweep={"forest": {}})
    assert run.snakemake("--dry-run").returncode == 0


def test_a_split_that_cannot_be_made_says_so_and_which_log_to_read(run):
    run.write_settings(split={"protocols": ["grouped"], "folds": {"k": 9}})
    done = run.snakemake()
    assert done.returncode == 1
    assert "grouped split: 3 groups cannot fill a test set and 9 folds" in done.stdout
    end = done.stdout[done.stdout.index("1 failed attempt") :]
    assert "split: SplitError: grouped split: 3 groups" in end
    assert "log:    results/test/logs/split/grouped.log" in end
    assert "replay: " in end
    assert "Traceback" in (run.results / "logs" / "split" / "grouped.log").read_text()
