"""What is read from schedulers and from Snakemake's output, against recorded texts."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from cluster import (
    controller_lock,
    job_estimate,
    lsf,
    preflight,
    scheduler_commands,
    slurm,
    snakemake_logs,
    status_wrappers,
    submission_wrappers,
    usage_table,
)
from cluster.watchdog import Watchdog
from deepfake.workflow import checks, config, site
from deepfake.workflow.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ROOT / "tests" / "cluster" / "slurm" / "evidence"


def recorded(case: str, kind: str) -> str:
    return (EVIDENCE / f"{case}.{kind}.txt").read_text(encoding="utf-8")


def accounting(case: str) -> str:
    """The recorded rows, without the heading that --noheader leaves out."""
    return recorded(case, "sacct").split("\n", 1)[1]


CAUSES = {
    "script_error": "",
    "out_of_memory": "out of memory: requested 300 MB, used",
    "out_of_memory.quiet": "out of memory: requested 300 MB, used",
    "timeout": "over its time limit: requested 00:01:00, ran 00:00:",
    "scancel": "cancelled by ",
    "node_failure": "its node was lost: n1",
    "no_output": "",
}


@pytest.mark.parametrize("case", CAUSES)
def test_accounting_tells_the_cause(case):
    cause = slurm.from_accounting(accounting(case))
    assert cause.startswith(CAUSES[case])
    assert bool(cause) == bool(CAUSES[case])


@pytest.mark.parametrize("case", ["out_of_memory.quiet", "timeout", "scancel", "node_failure"])
def test_slurms_controller_tells_the_cause_where_there_is_no_accounting(case):
    cause = slurm.from_controller(recorded(case, "scontrol"))
    assert cause.split(":")[0].split(" after")[0].split(" by")[0] in CAUSES[case] + "cancelled"


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        ("out_of_memory", "out of memory"),
        ("timeout", "over its time limit"),
        ("scancel", "cancelled"),
        ("script_error", ""),
    ],
)
def test_a_jobs_own_log_tells_the_cause_where_nothing_else_does(case, cause):
    assert slurm.from_log(recorded(case, "joblog")) == cause


def test_a_memory_request_that_accounting_does_not_know_yet_is_not_told():
    row = "7|OUT_OF_MEMORY|0:125|16?||00:00:05|00:05:00|n1"
    assert slurm.from_accounting(row).startswith("out of memory: used more at once")


def test_a_failure_is_read_from_snakemakes_output():
    (failure,) = snakemake_logs.failures(recorded("timeout", "snakemake").splitlines())
    assert failure.rule == "faces"
    assert failure.log == "logs/faces/b0001.log"
    assert failure.job_id.isdigit()
    assert failure.cluster_log.endswith(f"/rule_faces/b0001/{failure.job_id}.log")


def test_the_run_id_is_read_from_snakemakes_log(tmp_path):
    logs = tmp_path / ".snakemake" / "log"
    logs.mkdir(parents=True)
    (logs / "1.snakemake.log").write_text(recorded("timeout", "masterlog"))
    line = "Job 3 has been submitted with LSF jobid 12 (log: /x/lsf_logs/rule_a/unique/"
    uuid = "ecc945f6-eb51-491c-a612-3d258abbedc1"
    (logs / "2.snakemake.log").write_text(f"{line}{uuid}.log).\n")
    first, second = snakemake_logs.run_ids(tmp_path)
    assert first in recorded("timeout", "masterlog")
    assert second == uuid


def test_the_scripts_own_error_is_told_with_its_replay(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("working\n")
    record = {"error": "ValueError: 3 groups", "replay": "python scripts/split.py --job x"}
    (tmp_path / "logs" / "a.job.json").write_text(json.dumps(record))
    failure = snakemake_logs.Failure("split", "logs/a.log")
    cause = snakemake_logs.why(failure, None, tmp_path)
    assert cause == "ValueError: 3 groups"
    told = snakemake_logs.table([(failure, cause)], tmp_path)
    assert told.startswith("1 failed attempt, in order:\n  split: ValueError: 3 groups")
    assert "log:    logs/a.log" in told
    assert "replay: python scripts/split.py --job x" in told


def test_a_missing_output_is_told_from_the_clusters_log(tmp_path):
    (tmp_path / "job.log").write_text(recorded("no_output", "joblog"))
    failure = snakemake_logs.Failure("faces", "", "", "job.log")
    assert snakemake_logs.why(failure, None, tmp_path) == "it succeeded, but its output is missing"


LONG_LISTING = """
Job <102>, Job Name <Snakemake_rule_faces>, User <me>, Project <people>, Status
                     <EXIT>, Queue <normal>, Command <x>
Mon Nov 23 10:00:09: Completed <exit>; TERM_MEMLIMIT: job killed after reaching LS
                     F memory usage limit.

 MEMLIMIT
    600 M

 MAX MEM: 612 Mbytes;  AVG MEM: 400 Mbytes
"""


def test_lsf_tells_the_cause_in_its_long_listing():
    assert lsf.from_text(LONG_LISTING) == "out of memory: requested 600 M, used 612 Mbytes"
    broken = LONG_LISTING.replace("TERM_MEMLIMIT", "TERM_RUN\n                     LIMIT")
    assert lsf.from_text(broken) == "over its time limit"
    lost = LONG_LISTING.replace("TERM_MEMLIMIT", "").replace("<EXIT>", "<UNKWN>")
    assert lsf.from_text(lost).startswith("its host was lost")
    assert lsf.from_text("Exited with exit code 1.") == ""


# Commands of a cluster, as small scripts on the PATH.


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a shell script under a command's name first on the PATH."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return put


def test_a_command_that_does_not_answer_is_not_waited_for(on_path):
    on_path("sacct", "exec sleep 60")
    with pytest.raises(scheduler_commands.CommandFailed, match=r"sacct: no answer within 0\.2 s"):
        scheduler_commands.run_command("sacct", seconds=0.2)


def test_a_command_that_fails_or_is_missing_is_named(on_path):
    on_path("sacct", "echo Slurm accounting storage is disabled >&2; exit 1")
    with pytest.raises(
        scheduler_commands.CommandFailed,
        match="exit status 1: Slurm accounting storage is disabled",
    ):
        scheduler_commands.run_command("sacct")
    with pytest.raises(scheduler_commands.CommandFailed, match="no-such-command: no such command"):
        scheduler_commands.run_command("no-such-command")


def guarded(name: str, *words: str) -> subprocess.CompletedProcess:
    """A wrapper of scripts/cluster/bin, before the command that it stands for."""
    ours = ROOT / "scripts" / "cluster" / "bin"
    environment = os.environ | {
        "PATH": os.pathsep.join(
            [*(str(ours / name) for name in ("slurm", "sacct", "lsf")), os.environ["PATH"]]
        ),
        "DEEPFAKE_PYTHON": sys.executable,
        "DEEPFAKE_LOST_HOST": "3600",
    }
    return subprocess.run([name, *words], env=environment, capture_output=True, text=True)


PLUGIN_SACCT = ("-X", "--parsable2", "--noheader", "--format=JobIdRaw,State", "--name", "run-1")


def test_a_cancelled_job_is_called_so_without_by_whom(on_path):
    on_path("sacct", "printf '1|CANCELLED by 1000\\n2|COMPLETED\\n'")
    assert guarded("sacct", *PLUGIN_SACCT).stdout == "1|CANCELLED\n2|COMPLETED\n"


def test_squeue_answers_where_accounting_does_not(on_path):
    on_path("sacct", "exit 1")
    on_path("squeue", 'test "$5" = run-1 && echo "4|RUNNING"')
    done = guarded("sacct", *PLUGIN_SACCT)
    assert (done.returncode, done.stdout) == (0, "4|RUNNING\n")


def test_other_questions_to_sacct_are_passed_on_word_for_word(on_path):
    on_path("sacct", 'echo "$@"; exit 3')
    done = guarded("sacct", "-j", "7 8", "--format=State")
    assert (done.returncode, done.stdout) == (3, "-j 7 8 --format=State\n")


def test_a_job_on_a_lost_host_is_waited_for_and_not_done(on_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    on_path("bjobs", "printf '1 UNKWN\\n2 DONE\\n'")
    words = ("-noheader", "-o", "jobid stat", "-aJ", "*run-1*")
    assert guarded("bjobs", *words).stdout == "1 SSUSP\n2 DONE\n"
    mark = tmp_path / ".snakemake" / "lost_hosts" / "1"
    os.utime(mark, (0, 0))  # it has been lost for long
    assert guarded("bjobs", *words).stdout == "1 EXIT\n2 DONE\n"
    on_path("bjobs", "printf '1 RUN\\n'")
    assert guarded("bjobs", *words).stdout == "1 RUN\n"
    assert not mark.exists()


def test_the_check_says_what_to_set_where_accounting_is_off(on_path):
    for name in ("sbatch", "squeue", "scancel", "scontrol", "sinfo"):
        on_path(name, "echo slurm 22")
    on_path("sacct", "echo Slurm accounting storage is disabled >&2; exit 1")
    mine = site.Site(slurm=site.Slurm(account="a", partition="p"))
    lines = [f.line for f in preflight.slurm(mine, []) if not f.passed]
    (line,) = lines
    assert "a run that queries it would never end: set slurm.status to squeue" in line


def test_the_check_knows_a_job_memory_that_is_too_short(on_path):
    for name in ("sbatch", "squeue", "scancel", "sinfo"):
        on_path(name, "echo slurm 22")
    on_path("scontrol", "echo 'MinJobAge               = 60 sec'")
    on_path("sacct", "exit 1")
    mine = site.Site(slurm=site.Slurm(status="squeue"))
    (line,) = [f.line for f in preflight.slurm(mine, []) if not f.passed]
    assert line.startswith("MinJobAge is 60 s: squeue drops ended jobs")


def test_jobs_that_lsf_has_forgotten_are_no_error(on_path):
    on_path("bjobs", "echo 'Job <*run-1*> is not found' >&2; exit 255")
    assert lsf.active(["run-1"]) == {}
    assert lsf.used(["run-1"]) == []
    on_path("bjobs", "echo 'LSF is down. Please wait ...' >&2; exit 255")
    with pytest.raises(scheduler_commands.CommandFailed, match="LSF is down"):
        lsf.active(["run-1"])


def test_a_wrapper_stands_only_before_a_command_that_is_there(on_path, monkeypatch):
    monkeypatch.setenv("DEEPFAKE_PYTHON", "")  # restored afterwards, as is PATH
    on_path("bjobs", "exit 0")
    monkeypatch.setattr(
        status_wrappers.shutil, "which", lambda name: name if name == "bjobs" else None
    )
    status_wrappers.install()
    first, second = os.environ["PATH"].split(os.pathsep)[:2]
    assert first.endswith("scripts/cluster/bin/lsf")
    assert "cluster/bin" not in second


def test_a_folder_has_one_controller(tmp_path):
    with controller_lock.hold(tmp_path):
        second = controller_lock.hold(tmp_path)
        with (
            pytest.raises(controller_lock.FolderBusy, match="another run or resume is active"),
            second,
        ):
            raise AssertionError
    with controller_lock.hold(tmp_path):
        pass  # free again


@pytest.mark.parametrize("skew", [-7200, 7200])
@pytest.mark.parametrize(
    ("host", "age", "taken"), [("login7", 10, True), ("login7", 1000, False), ("", 10, False)]
)
def test_a_controller_on_another_machine_is_seen_by_its_heartbeat(tmp_path, host, age, taken, skew):
    """A dead process of this machine, and one that has been silent for long, do not count."""
    heart = tmp_path / ".snakemake" / "controller.json"
    heart.parent.mkdir()
    # the clock of the other machine is two hours off, whatever it writes
    sign = {"host": host or socket.gethostname(), "pid": 2**22 + 1, "time": time.time() + skew}
    heart.write_text(json.dumps(sign))
    os.utime(heart, (time.time() - age,) * 2)
    if taken:
        second = controller_lock.hold(tmp_path)
        with (
            pytest.raises(
                controller_lock.FolderBusy, match="a run of this folder is active on login7"
            ),
            second,
        ):
            raise AssertionError
    else:
        with controller_lock.hold(tmp_path):
            told = json.loads((tmp_path / ".snakemake" / "controller.json").read_text())
            assert told["pid"] == os.getpid()


def test_a_folder_that_cannot_be_written_is_one_line():
    with (
        pytest.raises(controller_lock.FolderBusy) as caught,
        controller_lock.hold(Path("/sys")),
    ):  # not even by root
        raise AssertionError
    assert str(caught.value).startswith("/sys/.snakemake cannot be written (")
    assert "\n" not in str(caught.value)


def test_a_record_that_was_cut_short_is_no_record(tmp_path):
    (tmp_path / "a.log").write_text("the last line\n")
    (tmp_path / "a.job.json").write_text('{"error": "Val')
    cause = snakemake_logs.why(snakemake_logs.Failure("split", "a.log"), None, tmp_path)
    assert cause == "its log ends with: the last line"


class Queue:
    """A scheduler whose jobs the test takes away."""

    WAITING = slurm.WAITING

    def __init__(self) -> None:
        self.jobs = {"1": "RUNNING"}
        self.asked = 0

    def active(self, _run_ids):
        return self.jobs

    def reasons(self, job_ids):
        self.asked += 1
        return dict.fromkeys(job_ids, "PartitionDown")


def test_the_watchdog_barks_only_when_the_queue_is_empty_and_snakemake_silent():
    reader = snakemake_logs.Reader()
    reader.submitted["1"] = ""
    queue, hung = Queue(), threading.Event()
    watchdog = Watchdog(queue, reader, 0.3, hung.set)
    assert not hung.wait(1)  # silent, but its job is there
    queue.jobs = {}
    assert hung.wait(5)
    watchdog.stop()
    assert watchdog.hung


def test_a_submission_that_waits_is_a_sign_of_life_and_its_reason_is_shown_once(tmp_path):
    """Another run may hold the limit: no job of this one is in the queue, and Snakemake silent."""
    reader = snakemake_logs.Reader()
    reader.submitted["1"] = ""
    queue, hung, said = Queue(), threading.Event(), []
    queue.jobs = {}
    mark = tmp_path / submission_wrappers.STATE / f"{os.getpid()}.waits"
    mark.parent.mkdir(parents=True)
    mark.write_text("the limit is full")
    watchdog = Watchdog(queue, reader, 0.3, hung.set, tmp_path, said.append)
    assert not hung.wait(1.5)
    assert said == ["a submission waits and is retried: the limit is full"]
    mark.unlink()
    assert hung.wait(5)
    watchdog.stop()


def test_the_watchdog_is_quiet_while_snakemake_speaks():
    reader = snakemake_logs.Reader()
    reader.submitted["1"] = ""
    queue = Queue()
    queue.jobs = {}
    hung = threading.Event()
    watchdog = Watchdog(queue, reader, 1.0, hung.set)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        watchdog.note_output()
        assert not hung.wait(0.1)
    watchdog.stop()


# Site file, plan, usage.


def test_a_wrong_site_file_names_file_and_key(tmp_path, monkeypatch):
    file = tmp_path / "site.yaml"
    file.write_text("slurm: {acount: me}\nlimits: {mem_mb: -1}\n")
    monkeypatch.setenv(site.VARIABLE, str(file))
    with pytest.raises(config.ConfigError) as caught:
        site.load(tmp_path)
    assert f"{file}: slurm.acount: unknown key; did you mean account?" in str(caught.value)
    assert f"{file}: limits.mem_mb: -1 should be greater than" in str(caught.value)


def test_the_template_of_the_site_file_is_right(monkeypatch):
    monkeypatch.setenv(site.VARIABLE, str(ROOT / site.TEMPLATE))
    told = site.load(ROOT)
    assert told.slurm.account == "my_account"
    assert told.lsf.queue == "normal"
    assert told.limits.mem_mb > 0


def videos(count: int) -> list[dict]:
    return [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": "real", "batch": f"b{n // 5}"}
        for n in range(count)
    ]


def test_a_plan_holds_every_job_once_and_is_capped():
    sets = ["pixels", "lbp", "residuals"]
    settings = config.load({"features": sets, "sweep": {"svm": {"C": [1, 2]}, "forest": {}}}, "x")
    limits = site.Limits(mem_mb=1000, minutes=12)
    plan = Plan(settings, videos(10), limits)
    jobs = [(rule, tuple(sorted(wildcards.items()))) for rule, wildcards in plan.jobs()]
    assert len(jobs) == len(set(jobs))
    assert {rule for rule, _ in jobs} == {
        *("frames", "faces", "features", "rows", "matrix", "split", "gram"),
        *("compile", "search", "choose", "selection", "fit", "evaluate", "summary", "report"),
    }
    assert plan.mem_mb("faces", {"batch": "b0"}, attempt=3) == 1000
    told = "\n".join(checks.problems(settings, videos(10), limits))
    assert "faces: a job needs about 2" in told
    assert "more than limits.mem_mb (1000) of the site file allows" in told
    assert "frames: a job needs about 13 min, more than limits.minutes (12)" in told
    assert "allows: lower frames.timeout, the time limit of a video, or pack fewer" in told
    assert plan.minutes("faces", {"batch": "b0"}, attempt=3) == 12
    free = Plan(settings, videos(10))
    assert free.mem_mb("faces", {"batch": "b0"}, 3) > free.mem_mb("faces", {"batch": "b0"}, 2)


@pytest.mark.parametrize(
    ("size", "parts"), [(500, []), (400, [(0, 400), (400, 500)]), (250, [(0, 250), (250, 500)])]
)
def test_a_forest_of_more_trees_than_a_job_grows_is_cut_into_parts(size, parts):
    sweep = {"forest": {"n_estimators": [200, 500], "max_features": ["sqrt", 1]}}
    settings = config.load({"sweep": sweep, "search": {"trees_per_job": size}}, "x")
    plan = Plan(settings, videos(2000))
    names = [f"t{number:03d}" for number in range(len(parts))]
    assert plan.parts("forest", "c001") == dict(zip(names, parts, strict=True))
    jobs = list(plan.jobs())
    votes, grown = ([w for rule, w in jobs if rule == name] for name in ("vote", "grow"))
    assert len(votes) == 2 * settings.split.folds.k * len(parts)
    assert [wildcards["part"] for wildcards in grown] == names
    for rule, wildcards in jobs:  # every job's size is known
        assert plan.mem_mb(rule, wildcards) > 0
        assert plan.minutes(rule, wildcards) > 0
    merge = {"model": "forest", "protocol": "grouped", "chunk": "c000", "fold": "0"}
    matrix_mb = 2000 * 7 * 320 * 320 * 3 / 2**20
    assert (plan.mem_mb("search", merge) > matrix_mb) == (not parts)
    for wildcards in (*votes, *grown):
        assert plan.mem_mb("vote", wildcards) > matrix_mb


def test_a_plan_refuses_a_split_that_the_sheet_cannot_give():
    cross = {"by": "method", "train": ["swop"], "test": ["reenact"]}
    split = {"protocols": ["official", "cross"], "cross": cross}
    settings = config.load({"sheet": "my.tsv", "sweep": {"svm": {}}, "split": split}, "x")
    lacking = videos(10)
    for number, video in enumerate(lacking):
        video["method"] = ("swap", "reenact", "")[number % 3]
    official, method = checks.problems(settings, lacking)
    assert official.startswith("my.tsv: official split: no video of the sheet has a part")
    assert method == (
        "my.tsv: split.cross.train[0]: 'swop' is no method of the sheet; did you mean swap?"
    )
    given = [v | {"official": "test", "method": v["method"].replace("swap", "swop")}
             for v in lacking]  # fmt: skip
    assert checks.problems(settings, given) == []


def test_the_plan_table_counts_what_is_left():
    rules = [
        job_estimate.RuleEstimate("gram", 3, 2, 4000, 30, 3.0),
        job_estimate.RuleEstimate("fit", 1, 1, 900, 60, 1.0),
    ]
    last = job_estimate.table(rules).splitlines()[-1].split()
    assert last == ["at", "most", "4", "2", "4000", "MB", "60", "min", "4.0"]


def test_the_jobs_left_are_read_from_a_dry_run(on_path):
    """Whatever the paths in it are called."""
    told = (
        "Using workflow specific profile /home/count total/profiles/slurm for settings.\n"
        "job         count\n--------  -------\nframes          4\nall             1\n"
        "total           5\n\nother 7\n"
    )
    command = on_path("dry", f"cat <<'E'\n{told}E")
    assert job_estimate.remaining([str(command)]) == {"frames": 4}
    nothing = on_path("dry", "echo Nothing to be done in /count.")
    assert job_estimate.remaining([str(nothing)]) == {}


def test_a_configuration_that_is_no_yaml_is_one_line_with_its_file(tmp_path):
    file = tmp_path / "run.yaml"
    for text in ("run: [", "- a list"):
        file.write_text(text)
        with pytest.raises(config.ConfigError, match=r"run\.yaml: "):
            job_estimate.settings(file)


def test_usage_compares_asked_and_used_and_gives_lines_to_paste(tmp_path):
    record = {"s": 100.0, "max_rss": 2000.0, "cpu_time": 90.0, "threads": 2}
    record["resources"] = {"mem_mb": 9000, "runtime": 60}
    for name in ("gram/a.jsonl", "search/grouped.svm.c000.0.jsonl", "matrix.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record if name != "matrix.jsonl" else record | {"s": 0.3}))
    found = usage_table.collect(tmp_path)
    assert list(found) == ["gram", "matrix", "search svm"]
    assert found["gram"].requested_mb == 9000
    assert "too short" in usage_table.table(found).splitlines()[2]
    pasted = yaml.safe_load(usage_table.profile_lines(found))["set-resources"]
    assert pasted == {
        name: {
            "mem_mb": "round(2800 * 1.5 ** (attempt - 1))",
            "runtime": "10 * 2 ** (attempt - 1)",
        }
        for name in ("gram", "search")
    }
    assert "43,616 s, 63,202 MB" in usage_table.against_the_original(found)


def test_accounting_adds_the_steps_of_a_job_to_its_rule():
    told = (
        "7|rule_faces_wildcards_b0001||65||\n7.batch||138200K|65||\n7.0||1048576K|63||\n"
        "8|rule_matrix||10||\n8.batch||51200K|10||\n9|other||5||\n"
    )
    found = slurm.used_from(told)
    assert found == [("faces", 1024.0, 65.0, None), ("matrix", 50.0, 10.0, None)]
    line = usage_table.from_accounting(found).splitlines()[1].split()
    assert line == ["faces", "1", "1024", "1.1", "unknown"]
