"""Tests that the emulator of LSF's commands answers and enforces as README.md's table says."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.lsf.cluster import COMMANDS, EmulatedLsf, wait_until

ENDLESS = "while :; do sleep 0.05; done"


def until(file: Path) -> str:
    """A job that ends when this file is there."""
    return f"while [ ! -e {file} ]; do sleep 0.05; done"


def holding(megabytes: int, then: str = "time.sleep(60)") -> str:
    """A command that holds so much memory."""
    code = f"import time; held = bytearray({megabytes} << 20); {then}"
    return shlex.join([sys.executable, "-ESc", code])


def unwrapped(text: str) -> str:
    """LSF's long form with its broken lines joined."""
    return re.sub(r"\n {21}", "", text)


def is_stopped(lsf: EmulatedLsf, job: int) -> bool:
    """Whether the kernel has the job's shell stopped."""
    stat = Path("/proc", str(lsf.job(job)["pid"]), "stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def field(lsf: EmulatedLsf, job: int, name: str) -> str:
    return lsf.run("bjobs", "-noheader", "-o", name, str(job)).stdout.strip()


# bsub


def test_bsub_tells_the_job_number_and_the_queue(lsf) -> None:
    assert lsf.run("bsub", "true").stdout == "Job <101> is submitted to default queue <normal>.\n"
    answer = lsf.run("bsub", "-q", "short", "true")
    assert answer.stdout == "Job <102> is submitted to queue <short>.\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-q", "nope"], "nope: No such queue. Job not submitted."),
        (["-n", "65"], "Too many processors requested. Job not submitted."),
        (["-R", "rusage[mem=1"], "Bad resource requirement syntax. Job not submitted."),
        (["-W", "1.5"], "1.5: Bad argument for option -W. Job not submitted."),
        (["-M", "0.5"], "0.5: Bad argument for option -M. Job not submitted."),
    ],
)
def test_a_refused_job_is_told_on_standard_error_with_255(lsf, words, reason) -> None:
    answer = lsf.run("bsub", *words, "true")
    assert (answer.returncode, answer.stdout, answer.stderr) == (255, "", reason + "\n")
    assert not list((lsf.root / "jobs").iterdir())


def test_a_cluster_can_be_told_to_refuse_every_job(lsf) -> None:
    lsf.break_("bsub-refuse")
    assert lsf.run("bsub", "true").stderr == "User permission denied. Job not submitted.\n"
    lsf.break_("bsub-refuse", "Pending job threshold reached")
    answer = lsf.run("bsub", "true")
    assert answer.stderr == "Pending job threshold reached. Job not submitted.\n"
    assert answer.returncode == 255


@pytest.mark.parametrize(
    "words", [["-K", "true"], ["-J", "name[1-3]", "true"], ["-env", "none", "x"]]
)
def test_what_is_not_emulated_is_refused_and_not_ignored(lsf, words) -> None:
    answer = lsf.run("bsub", *words)
    assert answer.returncode == 255
    assert "emulat" in answer.stderr


def test_jobs_submitted_at_once_get_numbers_of_their_own(make_lsf) -> None:
    lsf = make_lsf(SLOTS=8)
    words = [str(lsf.bin / "bsub"), "true"]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    numbers = {int(re.search(r"\d+", one.communicate()[0])[0]) for one in running}
    assert numbers == set(range(101, 109))
    assert [lsf.wait_for(number)["stat"] for number in numbers] == ["DONE"] * 8


# The job's surroundings and output


def test_a_job_runs_in_the_shell_with_the_callers_environment_and_lsfs(lsf, tmp_path) -> None:
    where = tmp_path / "where"
    where.mkdir()
    command = 'echo "$LSB_JOBID|$LSB_JOBINDEX|$LSB_JOBNAME|$LSB_QUEUE|$LSB_BATCH_JID" >told; '
    command += 'echo "$(pwd)|$MINE|$LSB_HOSTS|$LSB_SUB_HOST" >>told'
    words = ["bsub", "-J", "a name", "-n", "2", "-env", "all", "-cwd", str(where), command]
    lsf.run(*words, MINE="mine")
    assert lsf.wait_for(101)["stat"] == "DONE"
    numbers, rest = (where / "told").read_text().splitlines()
    assert numbers == "101|0|a name|normal|101"
    cwd, mine, hosts, submitted_from = rest.split("|")
    assert (cwd, mine, hosts) == (str(where), "mine", f"{submitted_from} {submitted_from}")


def test_a_job_without_its_directory_runs_in_tmp(lsf, tmp_path) -> None:
    job = lsf.submit("-cwd", str(tmp_path / "missing"), f"pwd >{tmp_path}/told")
    lsf.wait_for(job)
    assert (tmp_path / "told").read_text() == "/tmp\n"


def test_the_report_and_the_output_are_appended_to_one_file(lsf, tmp_path) -> None:
    log = tmp_path / "log"
    for command in ("echo first; echo aside >&2", "echo second; exit 7"):
        lsf.wait_for(lsf.submit("-o", str(log), "-e", str(log), command))
    first, second = log.read_text().split("Sender: LSF System")[1:]
    assert "\n\nSuccessfully completed.\n\nResource usage summary:\n\n    CPU time : " in first
    assert re.search(r"\n    Max Memory : +\d+ MB\n", first)
    assert re.search(r"\n    Run time : +\d+ sec\.\n", first)
    assert first.endswith("\nThe output (if any) follows:\n\nfirst\naside\n\n")
    assert "\n# LSBATCH: User input\necho second; exit 7\n-----" in second
    assert "\n\nExited with exit code 7.\n\n" in second


def test_standard_error_has_its_own_file_where_asked(lsf, tmp_path) -> None:
    words = ["-o", "out.%J", "-e", "err.%J", "-cwd", str(tmp_path), "echo out; echo err >&2"]
    job = lsf.submit(*words)
    lsf.wait_for(job)
    assert (tmp_path / f"err.{job}").read_text() == "err\n"
    report = (tmp_path / f"out.{job}").read_text()
    assert report.endswith(
        f"\nout\n\n\nPS:\n\nRead file <{tmp_path}/err.{job}> for stderr output of this job.\n\n"
    )


def test_the_output_file_appears_only_when_the_job_has_ended(lsf, tmp_path) -> None:
    job = lsf.submit("-o", str(tmp_path / "log"), f"echo began >{tmp_path}/began; {ENDLESS}")
    wait_until((tmp_path / "began").exists, "the job to begin")
    assert not (tmp_path / "log").exists()
    lsf.run("bkill", str(job))
    lsf.wait_for(job)
    assert (
        "TERM_OWNER: job killed by owner.\nExited with exit code 130.\n"
        in (tmp_path / "log").read_text()
    )


# Slots


def test_a_job_pends_until_a_slot_is_free(make_lsf, tmp_path) -> None:
    lsf = make_lsf(SLOTS=1)
    first, second = lsf.submit(until(tmp_path / "go")), lsf.submit("true")
    assert (lsf.job(first)["stat"], lsf.job(second)["stat"]) == ("RUN", "PEND")
    (tmp_path / "go").touch()
    assert lsf.wait_for(second)["start_time"] >= lsf.job(first)["finish_time"]


def test_a_small_job_passes_one_that_does_not_fit(lsf, tmp_path) -> None:
    lsf.submit(until(tmp_path / "go"))
    wide, narrow = lsf.submit("-n", "2", "true"), lsf.submit("true")
    assert lsf.wait_for(narrow)["stat"] == "DONE"
    assert lsf.job(wide)["stat"] == "PEND"
    (tmp_path / "go").touch()
    assert lsf.wait_for(wide)["stat"] == "DONE"


def test_a_job_wider_than_the_cluster_pends_for_ever(lsf) -> None:
    wide, later = lsf.submit("-n", "3", "true"), lsf.submit("true")
    lsf.wait_for(later)
    assert lsf.job(wide)["stat"] == "PEND"


# -W


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ENDLESS, 140),
        (f"trap 'exit 3' USR2; {ENDLESS}", 3),
        (f"trap '' USR2; {ENDLESS}", 130),
        (f"trap '' USR2 INT TERM; {ENDLESS}", 137),
    ],
    ids=["not handled", "handled", "ignored", "all ignored"],
)
def test_over_its_run_limit_a_job_gets_usr2_then_int_term_and_kill(lsf, command, code) -> None:
    job = lsf.wait_for(lsf.submit("-W", "1", command))
    assert (job["stat"], job["exit_code"]) == ("EXIT", code)
    assert field(lsf, 101, "exit_reason") == (
        "TERM_RUNLIMIT: job killed after reaching LSF run time limit"
    )


def test_a_job_within_its_run_limit_is_left_alone(lsf) -> None:
    job = lsf.wait_for(lsf.submit("-W", "0:1", "sleep 0.3"))
    assert (job["stat"], job["exit_reason"]) == ("DONE", "")


@pytest.mark.parametrize(
    ("given", "minutes"), [("210", "210.0"), ("3:30", "210.0"), ("0:90", "90.0")]
)
def test_a_run_limit_is_minutes_or_hours_and_minutes(lsf, given, minutes) -> None:
    assert field(lsf, lsf.submit("-W", given, "true"), "runtimelimit") == minutes


# -M


def test_over_its_memory_limit_a_job_is_interrupted(lsf, tmp_path) -> None:
    log = tmp_path / "log"
    job = lsf.submit("-M", "60", "-o", str(log), holding(120))
    ended = lsf.wait_for(job)
    assert (ended["stat"], ended["exit_code"]) == ("EXIT", 130)
    assert ended["max_mem"] > 60 * 1024
    reason = "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit."
    assert f"\n{reason}\nExited with exit code 130.\n" in log.read_text()
    assert "KeyboardInterrupt" in log.read_text()


def test_the_memory_limit_is_for_all_processes_of_the_job_together(lsf) -> None:
    one = holding(60, "time.sleep(0.6)")
    assert lsf.wait_for(lsf.submit("-M", "110", one))["stat"] == "DONE"
    together = lsf.wait_for(lsf.submit("-M", "110", f"setsid {one} & {one}; wait"))
    assert (together["stat"], together["exit_reason"]) == ("EXIT", "TERM_MEMLIMIT")


def test_a_job_that_ignores_the_interrupt_is_killed_in_the_end(lsf) -> None:
    job = lsf.wait_for(lsf.submit("-M", "60", f"trap '' INT TERM; {holding(120)}; {ENDLESS}"))
    assert (job["exit_code"], job["exit_reason"]) == (137, "TERM_MEMLIMIT")


@pytest.mark.parametrize(
    ("unit", "given", "shown"),
    [
        ("MB", "500", "500 M"),
        ("GB", "2", "2 G"),
        ("KB", "500", "500 K"),
        ("", "500", "500 K"),
        ("", "500MB", "500 M"),
        ("MB", "2G!", "2 G"),
    ],
)
def test_a_memory_limit_without_a_unit_is_in_the_clusters_unit(
    make_lsf, unit, given, shown
) -> None:
    lsf = make_lsf(UNIT_FOR_LIMITS=unit)
    assert field(lsf, lsf.submit("-M", given, "true"), "memlimit") == shown


@pytest.mark.parametrize(
    ("settings", "asked", "kb"),
    [
        ({}, "rusage[mem=500MB]", 500 * 1024),
        ({"UNIT_FOR_LIMITS": "GB"}, "rusage[mem=500MB]", 500 * 1024),
        ({"UNIT_FOR_LIMITS": "GB"}, "rusage[mem=0.5]", 512 * 1024),
        ({"UNIT_FOR_LIMITS": ""}, "rusage[mem=500]", 500 * 1024),
        ({"RESERVE_PER_TASK": "Y"}, "rusage[mem=500MB]", 1000 * 1024),
        ({"RESERVE_PER_TASK": "Y"}, "rusage[swp=1:mem=500MB/job]", 500 * 1024),
        ({}, "rusage[mem=500MB/task]", 1000 * 1024),
        ({}, "span[hosts=1]", 0),
    ],
)
def test_memory_is_reserved_in_its_unit_for_a_job_or_for_its_tasks(
    make_lsf, settings, asked, kb
) -> None:
    lsf = make_lsf(**settings)
    assert lsf.job(lsf.submit("-n", "2", "-R", asked, "true"))["reserved"] == kb


def test_a_job_pends_until_the_host_has_the_memory_that_it_reserves(make_lsf) -> None:
    lsf = make_lsf(HOST_MEMORY=1000)
    first = lsf.submit("-R", "rusage[mem=800MB]", ENDLESS)
    second = lsf.submit("-R", "rusage[mem=300MB]", "true")
    third = lsf.submit("-R", "rusage[mem=100MB]", "true")
    assert lsf.wait_for(third)["stat"] == "DONE"
    assert lsf.job(second)["stat"] == "PEND"  # though there is a slot
    lsf.run("bkill", str(first))
    assert lsf.wait_for(second)["stat"] == "DONE"


@pytest.mark.parametrize(
    ("words", "limit"), [(["-W", "31"], "RUNLIMIT"), (["-M", "2001MB"], "MEMLIMIT")]
)
def test_what_is_above_a_queues_hard_limit_is_refused(make_lsf, words, limit) -> None:
    lsf = make_lsf(QUEUE_RUNLIMIT_MOST=30, QUEUE_MEMLIMIT_MOST=2000)
    answer = lsf.run("bsub", *words, "true")
    told = f"{limit}: Cannot exceed queue's hard limit(s). Job not submitted.\n"
    assert (answer.returncode, answer.stderr) == (255, told)
    assert lsf.wait_for(lsf.submit("-W", "30", "-M", "2000MB", "true"))["stat"] == "DONE"


def test_without_a_limit_of_its_own_a_job_has_the_queues(make_lsf) -> None:
    lsf = make_lsf(QUEUE_MEMLIMIT=60)
    asked = "rusage[mem=500]"
    assert lsf.wait_for(lsf.submit("-R", asked, holding(120)))["exit_reason"] == "TERM_MEMLIMIT"
    own = lsf.submit("-M", "500", holding(120, "time.sleep(0.3)"))
    assert lsf.wait_for(own)["stat"] == "DONE"


# bjobs and bhist


def test_bjobs_shows_chosen_fields_in_widths_or_with_a_delimiter(lsf) -> None:
    job = lsf.submit("-J", "a long name", "-q", "short", "exit 3")
    lsf.wait_for(job)
    wanted = "jobid:6 stat:-6 job_name:5 exit_code exit_reason"
    assert lsf.run("bjobs", "-a", "-o", wanted).stdout == (
        "JOBID    STAT *NAME EXIT_CODE EXIT_REASON\n101      EXIT *name 3 -\n"
    )
    cut = lsf.run("bjobs", "-a", "-o", "jobid queue exec_host user delimiter='^'").stdout
    assert re.fullmatch(r"JOBID\^QUEUE\^EXEC_HOST\^USER\n101\^short\^[^^\n]+\^[^^\n]+\n", cut)


def test_bjobs_has_a_table_and_json(lsf) -> None:
    job = lsf.submit("-J", "a long name", "true")
    lsf.wait_for(job)
    head, row = lsf.run("bjobs", "-a").stdout.splitlines()
    assert head.split() == [
        "JOBID",
        "USER",
        "STAT",
        "QUEUE",
        "FROM_HOST",
        "EXEC_HOST",
        "JOB_NAME",
        "SUBMIT_TIME",
    ]
    assert row.startswith("101 ")
    assert "*long name" in row
    told = json.loads(lsf.run("bjobs", "-json", "-o", "jobid stat exit_code", "101", "7").stdout)
    assert told["RECORDS"] == [
        {"JOBID": "101", "STAT": "DONE", "EXIT_CODE": ""},
        {"JOBID": "7", "ERROR": "Job <7> is not found"},
    ]


def test_bjobs_shows_unfinished_jobs_unless_asked_for_all(lsf) -> None:
    done, running = lsf.submit("-J", "x_1", "true"), lsf.submit("-J", "x_2", ENDLESS)
    lsf.wait_for(done)
    plain = ["-noheader", "-o", "jobid stat"]
    assert lsf.run("bjobs", *plain).stdout == f"{running} RUN\n"
    assert lsf.run("bjobs", *plain, "-aJ", "*x_*").stdout == f"{done} DONE\n{running} RUN\n"
    assert lsf.run("bjobs", *plain, "-d").stdout == f"{done} DONE\n"


@pytest.mark.parametrize(("setting", "code"), [("N", 0), ("Y", 255)])
def test_bjobs_without_a_job_says_so_on_standard_error(make_lsf, setting, code) -> None:
    lsf = make_lsf(BJOBS_CONSISTENT_EXIT_CODE=setting)
    answer = lsf.run("bjobs")
    assert (answer.stdout, answer.stderr) == ("", "No unfinished job found\n")
    assert answer.returncode == code


@pytest.mark.parametrize("words", [["9999"], ["-aJ", "*nobody*"]])
def test_bjobs_does_not_know_the_job(lsf, words) -> None:
    answer = lsf.run("bjobs", *words)
    assert (answer.returncode, answer.stdout) == (255, "")
    assert answer.stderr == f"Job <{words[-1]}> is not found\n"


def test_finished_jobs_leave_bjobs_after_the_clean_period_and_stay_in_bhist(make_lsf) -> None:
    lsf = make_lsf(CLEAN_PERIOD=0)
    job = lsf.submit("true")
    lsf.wait_for(job)
    assert lsf.run("bjobs", str(job)).stderr == f"Job <{job}> is not found\n"
    assert f"Job <{job}>" in lsf.run("bhist", "-l", str(job)).stdout


@pytest.mark.parametrize("command", ["bjobs", "bhist"])
def test_the_long_form_is_broken_at_column_79_and_tells_the_end(lsf, command) -> None:
    words = ["-J", "n" * 60, "-P", "people", "-M", "60", "-W", "5", "-R", "rusage[mem=60]"]
    job = lsf.submit(*words, holding(120))
    lsf.wait_for(job)
    text = lsf.run(command, "-l", str(job)).stdout
    assert max(map(len, text.splitlines())) == 79
    whole, end = unwrapped(text), "." if command == "bjobs" else ";"
    assert f"\nJob <{job}>, Job Name <{'n' * 60}>, User <" in whole
    assert ">, Project <people>, " in whole
    assert f": Exited with exit code 130. The CPU time used is 0.1 seconds{end}\n" in re.sub(
        r"used is [\d.]+", "used is 0.1", whole
    )
    reason = "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit"
    assert f": Completed <exit>; {reason}{end}\n" in whole
    assert "\n MEMLIMIT\n     60 M \n" in whole
    assert "\n RUNLIMIT\n 5.0 min\n" in whole
    assert re.search(r"\n ?MAX MEM: \d+ Mbytes;  AVG MEM: \d+ Mbytes\n", whole)
    if command == "bjobs":
        assert "Status <EXIT>, Queue <normal>, Command <" in whole


def test_bhist_knows_no_job(lsf) -> None:
    answer = lsf.run("bhist", "-l", "-a")
    assert (answer.returncode, answer.stderr) == (255, "No matching job found\n")


# bkill


def test_bkill_ends_a_running_and_a_pending_job(make_lsf) -> None:
    lsf = make_lsf(SLOTS=1)
    running, pending = lsf.submit(ENDLESS), lsf.submit("true")
    answer = lsf.run("bkill", str(pending), str(running))
    assert sorted(answer.stdout.splitlines()) == [
        f"Job <{running}> is being terminated",
        f"Job <{pending}> is being terminated",
    ]
    assert answer.returncode == 0
    assert lsf.job(pending)["stat"] == "EXIT"
    ended = lsf.wait_for(running)
    assert (ended["stat"], ended["exit_code"]) == ("EXIT", 130)
    assert field(lsf, running, "exit_reason") == "TERM_OWNER: job killed by owner"


def test_bkill_of_unknown_and_finished_jobs_fails(lsf) -> None:
    job = lsf.submit("true")
    lsf.wait_for(job)
    answer = lsf.run("bkill", "9999", str(job))
    assert answer.returncode == 255
    assert answer.stderr == (
        f"Job <9999>: No matching job found\nJob <{job}>: Job has already finished\n"
    )


def test_bkill_0_ends_all_and_a_name_alone_only_the_newest(lsf) -> None:
    jobs = [lsf.submit("-J", name, ENDLESS) for name in ("x_1", "x_2", "y")]
    assert lsf.run("bkill", "-J", "x_*").stdout == f"Job <{jobs[1]}> is being terminated\n"
    lsf.wait_for(jobs[1])
    assert lsf.run("bkill", "-J", "x_*", "0").stdout == f"Job <{jobs[0]}> is being terminated\n"
    lsf.wait_for(jobs[0])
    assert lsf.run("bkill", "0").stdout == f"Job <{jobs[2]}> is being terminated\n"
    assert [lsf.wait_for(job)["exit_reason"] for job in jobs] == ["TERM_OWNER"] * 3


def test_bkill_s_stops_and_resumes(make_lsf, tmp_path) -> None:
    lsf = make_lsf(SLOTS=1)
    running, pending = lsf.submit(until(tmp_path / "go")), lsf.submit("true")
    wait_until(lambda: lsf.job(running)["pid"], "the job to begin")
    lsf.run("bkill", "-s", "STOP", str(running), str(pending))
    assert (lsf.job(running)["stat"], lsf.job(pending)["stat"]) == ("USUSP", "PSUSP")
    wait_until(lambda: is_stopped(lsf, running), "its shell to stop")
    lsf.run("bkill", "-s", "CONT", str(running), str(pending))
    assert (lsf.job(running)["stat"], lsf.job(pending)["stat"]) == ("RUN", "PEND")
    (tmp_path / "go").touch()
    assert [lsf.wait_for(job)["stat"] for job in (running, pending)] == ["DONE", "DONE"]


# Hosts in trouble


def test_an_overloaded_host_suspends_its_jobs(lsf, tmp_path) -> None:
    job = lsf.submit(until(tmp_path / "go"))
    lsf.break_("host-overloaded")
    lsf.wait_for(job, "SSUSP")
    wait_until(lambda: is_stopped(lsf, job), "its shell to stop")
    lsf.mend("host-overloaded")
    lsf.wait_for(job, "RUN")
    (tmp_path / "go").touch()
    assert lsf.wait_for(job)["stat"] == "DONE"


def test_a_lost_host_takes_its_jobs_with_it_and_nobody_says_so(lsf, tmp_path) -> None:
    job = lsf.submit("-o", str(tmp_path / "log"), f"echo $$ >{tmp_path}/pid; {ENDLESS}")
    wait_until((tmp_path / "pid").exists, "the job to begin")
    lsf.break_("host-lost")
    lsf.wait_for(job, "UNKWN")
    wait_until(lambda: not lsf.processes(), "its processes to be gone")
    assert not (tmp_path / "log").exists()
    assert lsf.run("bjobs", "-noheader", "-o", "jobid stat").stdout == f"{job} UNKWN\n"
    lsf.run("bkill", str(job))
    assert lsf.job(job)["stat"] == "ZOMBI"
    lsf.run("bkill", "-r", str(job))
    assert (lsf.job(job)["stat"], lsf.job(job)["exit_reason"]) == ("EXIT", "TERM_FORCE_OWNER")


def test_on_an_unreachable_host_a_job_goes_on_and_is_known_again_later(lsf, tmp_path) -> None:
    job = lsf.submit("-o", str(tmp_path / "log"), until(tmp_path / "go"))
    lsf.break_("host-unreachable")
    lsf.wait_for(job, "UNKWN")
    (tmp_path / "go").touch()
    wait_until((tmp_path / "log").exists, "the job to end unseen")
    assert lsf.run("bjobs", "-noheader", "-o", "jobid stat").stdout == f"{job} UNKWN\n"
    lsf.mend("host-unreachable")
    assert lsf.wait_for(job)["stat"] == "DONE"


def test_bjobs_can_be_made_to_say_nothing(lsf) -> None:
    job = lsf.submit("true")
    lsf.break_("bjobs-empty")
    answer = lsf.run("bjobs", str(job))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


# The cluster


def test_the_cluster_tells_its_configuration(lsf) -> None:
    head, *rows = lsf.run("badmin", "showconf", "mbd").stdout.splitlines()
    assert head.startswith("MBD configuration at ")
    assert rows == [
        f"\tLSB_SHAREDIR = {lsf.root}/work",
        f"\tLSF_CONFDIR = {lsf.root}/conf",
        "\tLSF_UNIT_FOR_LIMITS = MB",
    ]
    assert lsf.run("lsclusters").stdout.splitlines()[1].split()[:2] == ["cluster1", "ok"]
    assert "\nMy cluster name is cluster1\nMy master name is " in lsf.run("lsid").stdout


def test_a_unit_that_is_not_configured_is_not_told(make_lsf) -> None:
    assert "UNIT" not in make_lsf(UNIT_FOR_LIMITS="").run("badmin", "showconf", "mbd").stdout


def test_commands_can_be_missing(make_lsf) -> None:
    lsf = make_lsf("badmin")
    assert {path.name for path in lsf.bin.iterdir()} == set(COMMANDS) - {"badmin"}


def test_the_event_log_has_a_record_of_each_state(lsf) -> None:
    for job in (lsf.submit("true"), lsf.submit("exit 2")):
        lsf.wait_for(job)
    events = (lsf.root / "work" / "cluster1" / "logdir" / "lsb.events").read_text().splitlines()
    records = [line.split() for line in events if line.startswith('"JOB_STATUS" "10.1" ')]
    for job, codes in (("101", ["4", "64", "192"]), ("102", ["4", "32"])):
        assert [record[4] for record in records if record[3] == job] == codes


def test_every_call_is_kept_word_for_word(lsf) -> None:
    words = ["-J", 'it\'s "this"', "-R", "span[hosts=1]", "echo  two"]
    lsf.submit(*words)
    lsf.run("bjobs", "-a")
    assert (lsf.calls("bsub"), lsf.calls("bjobs")) == ([words], [["-a"]])


def test_what_a_job_leaves_behind_ends_with_it(lsf) -> None:
    job = lsf.submit("setsid sleep 300 & (sleep 300 &) ; true")
    assert lsf.wait_for(job)["stat"] == "DONE"
    wait_until(lambda: not lsf.processes(), "the rest to end")


def test_stopping_the_emulator_leaves_no_process(lsf) -> None:
    lsf.submit(f"setsid sleep 300 & {ENDLESS}")
    lsf.submit(f"trap '' INT TERM; {ENDLESS}")
    lsf.submit("sleep 300")
    wait_until(lambda: len(lsf.processes()) >= 5, "the jobs to run")
    lsf.stop()
    assert lsf.processes() == []
