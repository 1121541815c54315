"""Tests of what every script shares: arguments, log, outputs whole or not at all."""

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.clips import SCRIPTS

TINY = """
import errno
import os
from pathlib import Path

from deepfake.core import job


def main(work):
    '''Copies a text twice.'''
    text = Path(work.read("text")).read_text()
    Path(work.write("first")).write_text(text)
    print("half done")
    if "bad" in text:
        raise RuntimeError("a bad text")
    if "full" in text:
        raise OSError("no space left")
    if "quota" in text:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    if "large" in text:
        Path(work.write("second")).write_bytes(bytes(4 * 2**20))
    if "leave" in text:
        raise SystemExit("left early")
    Path(work.write("second")).write_text(text * work.params.get("times", 1))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
"""

# what Snakemake does: a copy of the script below .snakemake, behind a line that makes the object
PREAMBLE = """
from types import SimpleNamespace
snakemake = SimpleNamespace(
    input={"text": "text.txt"},
    output={"first": "out/first.txt", "second": "out/second.txt"},
    params=SimpleNamespace(job={"times": TIMES}),
    threads=2,
    resources={"attempt": ATTEMPT},
    log=["logs/tiny.log"],
)
"""

TELL = """
import json, os
from deepfake.core import job

def main(work):
    '''Tells what it was given.'''
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    given = [work.input, work.output, work.params, [os.environ[name] for name in names]]
    print(json.dumps(given))

job.run(main)
"""

WAIT = """
import signal
from pathlib import Path
from deepfake.core import job

def main(work):
    '''Writes half of its output and waits for a signal.'''
    with open(work.write("first"), "w") as file:
        file.write("half")
        file.flush()
        print("ready", flush=True)
        signal.pause()

job.run(main)
"""

COUNT = """
from deepfake.core import job

def main(work):
    '''Counts its attempts, and succeeds at the second.'''
    folder = work.checkpoint("first")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{len(list(folder.iterdir()))}").write_text("")
    assert len(list(folder.iterdir())) == 2, "not yet"
    open(work.write("first"), "w").close()

job.run(main)
"""

FILES = ["--input", "text=text.txt", "--output", "first=out/first.txt"]
FILES += ["--output", "second=out/second.txt"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder like the repository's root, with one script and its input."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "tiny.py").write_text(TINY)
    (tmp_path / "text.txt").write_text("good\n")
    return tmp_path


def command(*arguments: str) -> dict:
    return {
        "args": [sys.executable, *arguments],
        "env": os.environ | {"PYTHONPATH": str(SCRIPTS)},
        "text": True,
    }


def by_hand(place: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        **command("scripts/tiny.py", *arguments), cwd=place, capture_output=True, check=False
    )


def by_snakemake(place: Path, attempt: int = 1, times: int = 3) -> subprocess.CompletedProcess:
    copy = place / ".snakemake" / "scripts" / "tmpab12.tiny.py"
    copy.parent.mkdir(parents=True, exist_ok=True)
    preamble = PREAMBLE.replace("TIMES", str(times)).replace("ATTEMPT", str(attempt))
    copy.write_text(preamble + TINY)
    return subprocess.run(**command(str(copy)), cwd=place, capture_output=True, check=False)


def test_a_checkpoint_stays_for_the_next_attempt_and_goes_when_the_job_is_done(tmp_path):
    for code, left in ((1, ["0", "first.checkpoint"]), (0, ["first.txt"])):
        words = command("-c", COUNT, "--output", "first=out/first.txt")
        done = subprocess.run(**words, cwd=tmp_path, capture_output=True)
        assert done.returncode == code, done.stderr
        assert outputs(tmp_path) == left


def outputs(place: Path) -> list[str]:
    """Every file below out/, hidden ones too."""
    return sorted(path.name for path in (place / "out").rglob("*"))


def test_outputs_appear_when_the_script_has_ended_well(place: Path) -> None:
    ended = by_hand(place, *FILES, "--params", '{"times": 2}')
    assert ended.returncode == 0, ended.stderr
    assert outputs(place) == ["first.txt", "second.txt"]
    assert (place / "out/second.txt").read_text() == "good\ngood\n"


def test_a_failure_leaves_no_output_at_all(place: Path) -> None:
    (place / "text.txt").write_text("bad\n")
    ended = by_hand(place, *FILES)
    assert ended.returncode == 1
    assert "RuntimeError: a bad text" in ended.stderr
    assert outputs(place) == []


def test_a_failure_leaves_earlier_outputs_as_they_were(place: Path) -> None:
    by_hand(place, *FILES)
    (place / "text.txt").write_text("bad\n")
    assert by_hand(place, *FILES).returncode == 1
    assert outputs(place) == ["first.txt", "second.txt"]
    assert (place / "out/first.txt").read_text() == "good\n"


@pytest.fixture
def full(place: Path):
    """The folder of the outputs, on a device of 2 MiB."""
    folder = place / "out"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


NO_ROOM = "no space left on the device of out; free space there and start the same run again"


@pytest.mark.parametrize("run", [by_hand, by_snakemake])
def test_a_full_disk_is_named_with_its_remedy_and_keeps_nothing(place, full, run):
    (place / "text.txt").write_text("large\n")
    done = run(place, *(FILES if run is by_hand else []))
    assert done.returncode == 1
    assert NO_ROOM in done.stderr.splitlines()
    assert list(full.iterdir()) == []

    (place / "text.txt").write_text("good\n")  # as if room had been made
    assert run(place, *(FILES if run is by_hand else [])).returncode == 0
    assert (full / "first.txt").read_text() == "good\n"


@pytest.mark.parametrize("run", [by_hand, by_snakemake])
def test_a_used_up_quota_names_the_folder_of_the_outputs(place, run):
    (place / "text.txt").write_text("quota\n")
    done = run(place, *(FILES if run is by_hand else []))
    assert done.returncode == 1
    line = f"{os.strerror(errno.EDQUOT)}: out; free space there and start the same run again"
    assert line in done.stderr.splitlines()


def test_a_script_that_leaves_early_leaves_no_output(place: Path) -> None:
    (place / "text.txt").write_text("leave\n")
    ended = by_hand(place, *FILES)
    assert (ended.returncode, outputs(place)) == (1, [])
    assert "left early" in ended.stderr


def test_under_snakemake_everything_printed_goes_to_the_log(place: Path) -> None:
    ended = by_snakemake(place)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    log = (place / "logs/tiny.log").read_text()
    assert "half done" in log
    assert "done in" in log
    assert (place / "out/second.txt").read_text() == "good\n" * 3
    assert [path.name for path in (place / "logs").iterdir()] == ["tiny.log"]


def test_a_failure_is_logged_with_a_command_that_replays_it(place: Path) -> None:
    """The command fails again while the cause lasts, and works once it is gone."""
    (place / "text.txt").write_text("bad\n")
    ended = by_snakemake(place)
    assert ended.returncode == 1
    assert ended.stderr == "RuntimeError: a bad text\n  log: logs/tiny.log\n"
    assert outputs(place) == []
    log = (place / "logs/tiny.log").read_text()
    assert "Traceback (most recent call last)" in log
    (replay,) = [line.split("replay: ")[1] for line in log.splitlines() if "replay: " in line]
    assert json.loads((place / "logs/tiny.job.json").read_text())["replay"] == replay

    words = shlex.split(replay)
    assert words[:2] == [sys.executable, "scripts/tiny.py"]
    again = subprocess.run(**command(*words[1:]), cwd=place, capture_output=True, check=False)
    assert again.returncode == 1
    assert "RuntimeError: a bad text" in again.stderr
    (place / "text.txt").write_text("good\n")
    again = subprocess.run(**command(*words[1:]), cwd=place, capture_output=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (place / "out/second.txt").read_text() == "good\n" * 3


def test_a_later_success_takes_the_record_of_the_failure_away(place: Path) -> None:
    (place / "text.txt").write_text("bad\n")
    by_snakemake(place)
    (place / "text.txt").write_text("good\n")
    assert by_snakemake(place).returncode == 0
    assert not (place / "logs/tiny.job.json").exists()


def test_an_error_that_will_not_pass_is_not_tried_again(place: Path) -> None:
    """A retry would fail alike; its log still tells all, and the replay command is kept."""
    (place / "text.txt").write_text("bad\n")
    by_snakemake(place)
    record = (place / "logs/tiny.job.json").read_text()
    (place / "text.txt").write_text("good\n")  # to see whether it runs
    ended = by_snakemake(place, attempt=2)
    assert ended.returncode == 1
    assert ended.stderr == "RuntimeError: a bad text\n  not retried; log: logs/tiny.log\n"
    log = (place / "logs/tiny.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert f"replay: {json.loads(record)['replay']}" in log
    assert (place / "logs/tiny.job.json").read_text() == record
    assert outputs(place) == []


@pytest.mark.parametrize(
    ("text", "attempt", "times"),
    [
        pytest.param("full\n", 2, 3, id="an error that may pass"),
        pytest.param("bad\n", 1, 3, id="a new run"),
        pytest.param("bad\n", 2, 4, id="other settings or code"),
    ],
)
def test_anything_else_is_tried_again(place: Path, text: str, attempt: int, times: int) -> None:
    (place / "text.txt").write_text(text)
    assert by_snakemake(place).returncode == 1
    (place / "text.txt").write_text("good\n")
    assert by_snakemake(place, attempt, times).returncode == 0
    assert (place / "out/second.txt").read_text() == "good\n" * times


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2])
def test_a_signal_leaves_nothing_half_written(place: Path, number: signal.Signals) -> None:
    """The cluster's warning before a limit, in the middle of writing."""
    (place / "scripts" / "wait.py").write_text(WAIT)
    arguments = command("scripts/wait.py", "--output", "first=out/first.txt")
    with subprocess.Popen(
        **arguments, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == "ready\n"
        (part,) = outputs(place)
        assert re.fullmatch(rf"\.part\.[A-Za-z0-9-]+-{child.pid}\.first\.txt", part)
        child.send_signal(number)
        _, told = child.communicate(timeout=60)
    assert child.returncode == 128 + number
    assert "Traceback" not in told
    assert outputs(place) == []


def tell(place: Path, *arguments: str) -> list:
    (place / "scripts" / "tell.py").write_text(TELL)
    told = subprocess.run(
        **command("scripts/tell.py", *arguments), cwd=place, capture_output=True, check=True
    )
    return json.loads(told.stdout)


def test_a_repeated_name_is_a_list_in_its_order(place: Path) -> None:
    arguments = ["--input", "a=2", "--input", "b=x=y", "--input", "a=1", "--output", "c=z"]
    inputs, outs, params, _ = tell(place, *arguments)
    assert inputs == {"a": ["2", "1"], "b": ["x=y"]}
    assert (outs, params) == ({"c": ["z"]}, {})


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_reach_the_numerical_libraries(place: Path, threads: int) -> None:
    assert tell(place, "--threads", str(threads))[3] == [str(threads)] * 3


def test_threads_also_bind_a_library_that_was_loaded_before(place: Path) -> None:
    pools = "[pool['num_threads'] for pool in threadpoolctl.threadpool_info()]"
    source = TELL.replace("[os.environ[name] for name in names]", pools)
    (place / "scripts" / "loaded.py").write_text(f"import numpy, threadpoolctl\n{source}")
    told = subprocess.run(
        **command("scripts/loaded.py", "--threads", "1"), cwd=place, capture_output=True, check=True
    )
    assert set(json.loads(told.stdout)[3]) == {1}


def test_settings_may_come_from_a_file(place: Path) -> None:
    (place / "settings.json").write_text('{"a": [1, null]}')
    assert tell(place, "--params", "@settings.json")[2] == {"a": [1, None]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--params", "{a: 1}"], "--params: is no JSON: "),
        (["--params", ""], "--params: is no JSON: "),
        (["--params", "[1]"], "--params: is no JSON object"),
        (["--params", "@nowhere.json"], "No such file or directory: 'nowhere.json'"),
        (["--input", "text.txt"], "'text.txt' is not NAME=PATH"),
        (["--job", "nowhere.json"], "No such file or directory: 'nowhere.json'"),
        (["--job", "text.txt"], "text.txt: describes no job"),
        (["--job", "empty.json"], "empty.json: describes no job"),
        (["--threads", "many"], "argument --threads: invalid int value: 'many'"),
    ],
)
def test_wrong_arguments_end_with_a_clear_message(
    place: Path, arguments: list[str], message: str
) -> None:
    (place / "empty.json").write_text("{}")
    ended = by_hand(place, *arguments)
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_help_tells_what_the_script_does(place: Path) -> None:
    ended = by_hand(place, "--help")
    assert ended.returncode == 0
    assert "Copies a text twice." in ended.stdout
