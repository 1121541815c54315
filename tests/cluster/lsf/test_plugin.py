"""Tests of the LSF executor plugin's own code, on words from IBM's documents and on the emulator.

The words keep the emulator honest: where the plugin reads both alike, the emulator speaks as LSF
does. Some tests hold what the plugin gets wrong, so that a newer plugin which does not is noticed.
"""

import asyncio
import getpass
import logging
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_lsf import Executor
from snakemake_interface_common.exceptions import WorkflowError

from tests.cluster.lsf.cluster import wait_until

UUID = "0a1b2c3d-0000-4000-8000-0123456789ab"
ENDLESS = "while :; do sleep 0.05; done"


class Resources(dict):
    """A job's resources, read as attributes and with get, as the plugin does."""

    __getattr__ = dict.__getitem__


class Job(SimpleNamespace):
    """What the plugin needs of a Snakemake job."""

    def __init__(self, command: str, threads: int = 1, **resources: object):
        super().__init__(
            name="fan", jobid=1, wildcards_dict={"i": "a/b"}, threads=threads, command=command
        )
        self.resources = Resources({"lsf_project": "people", **resources})

    def is_group(self) -> bool:
        return False


class Plugin(Executor):
    """The plugin's executor without Snakemake around it: it notes what it would report."""

    def __init__(self, folder: Path):
        self.__post_init__()
        self.run_uuid = UUID
        self.workflow = SimpleNamespace(workdir_init=folder)
        self.logger = logging.getLogger("lsf")
        self.status_rate_limiter = nullcontext()
        self._next_seconds_between_status_checks = 1
        self.submitted, self.ended = [], {}

    def format_job_exec(self, job: Job) -> str:
        return job.command

    def report_job_submission(self, job_info, register_job: bool = True) -> None:
        self.submitted.append(job_info)

    def report_job_success(self, job_info) -> None:
        self.ended[job_info.external_jobid] = "success"

    def report_job_error(self, job_info, msg=None, **_: object) -> None:
        self.ended[job_info.external_jobid] = msg

    def submit(self, command: str, **resources: object) -> int:
        self.run_job(Job(command, **{"runtime": 5, "mem_mb": 100} | resources))
        return int(self.submitted[-1].external_jobid)

    def check(self) -> list[str]:
        """Look after the submitted jobs once; the numbers of those still running."""

        async def once() -> list[str]:
            return [job.external_jobid async for job in self.check_active_jobs(self.submitted)]

        return asyncio.run(once())


@pytest.fixture
def use(monkeypatch, tmp_path):
    """Put a folder of commands first on PATH and give a plugin that uses them."""
    monkeypatch.chdir(tmp_path)

    def plugin(lsf) -> Plugin:
        monkeypatch.setenv("PATH", lsf.path)
        return Plugin(tmp_path)

    return plugin


def say(lsf, command: str, stdout: str, stderr: str = "", code: int = 0) -> None:
    """Let a command say these words instead of being emulated."""
    for name, text in (("out", stdout), ("err", stderr)):
        (lsf.root / f"{command}.{name}").write_text(text)
    path = f"{lsf.root}/{command}"
    (lsf.bin / command).write_text(f"#!/bin/sh\ncat {path}.out\ncat {path}.err >&2\nexit {code}\n")


# What it reads at the start


def test_it_reads_the_emulated_configuration(lsf, use) -> None:
    config = use(lsf).lsf_config
    assert config["LSF_UNIT_FOR_LIMITS"] == "MB"
    assert config["LSF_CLUSTER"] == "cluster1"
    assert config["DEFAULT_QUEUE"] == "normal"
    assert Path(config["LSB_EVENTS"]).is_file()


def test_without_badmin_it_ends_in_an_error_that_does_not_name_badmin(make_lsf, use) -> None:
    with pytest.raises(KeyError, match="LSB_SHAREDIR"):
        use(make_lsf("badmin"))


def test_without_lsclusters_it_ends_in_an_error_that_does_not_name_it(make_lsf, use) -> None:
    with pytest.raises(IndexError):
        use(make_lsf("lsclusters"))


def test_a_parameter_without_a_value_breaks_it(lsf, use) -> None:
    shown = lsf.run("badmin", "showconf", "mbd").stdout
    say(lsf, "badmin", f"{shown}\tLSF_LOGDIR = \n")
    with pytest.raises(IndexError):
        use(lsf)


# Submission


def test_its_bsub_call_is_taken_word_for_word(lsf, use, tmp_path) -> None:
    plugin = use(lsf)
    job = plugin.submit("echo hello", threads=2, mem_mb=300, runtime=90, lsf_extra="-M 300")
    log = f"{tmp_path}/.snakemake/lsf_logs/rule_fan/i=a___b/{UUID}.log"
    assert lsf.calls("bsub") == [
        [
            *("-J", f"Snakemake_rule_fan:i=a___b___({UUID})", "-o", log, "-e", log),
            *("-env", "all", "-P", "people", "-q", "normal", "-W", "90", "-n", "2"),
            *("-R", "rusage[mem=150.0]", "-R", "span[hosts=1]", "-M", "300"),
            *("-cwd", str(tmp_path), "echo hello"),
        ]
    ]
    assert lsf.wait_for(job)["stat"] == "DONE"
    assert "\nhello\n" in Path(log).read_text()


@pytest.mark.parametrize(
    "answer",
    [
        "Job <109> is submitted to queue <normal>.\n",
        "Job <109> is submitted to default queue <normal>.\n",
    ],
)
def test_it_reads_the_job_number_from_ibms_words(lsf, use, answer) -> None:
    say(lsf, "bsub", answer)
    assert use(lsf).submit("true") == 109


@pytest.mark.parametrize("queue", ["nope", "no such"])
def test_a_refusal_is_told_with_lsfs_own_words(lsf, use, queue) -> None:
    with pytest.raises(WorkflowError, match=f"{queue}: No such queue. Job not submitted."):
        use(lsf).submit("true", lsf_queue=queue)


@pytest.mark.parametrize(
    ("unit", "form", "asked"),
    [
        ("MB", "percpu", "rusage[mem=200.0]"),
        ("MB", "perjob", "rusage[mem=800.0]"),
        ("KB", "perjob", "rusage[mem=819200.0]"),
        ("GB", "perjob", "rusage[mem=0.78125]"),
        ("", "perjob", "rusage[mem=800.0]"),  # wrong: LSF takes KB where no unit is configured
    ],
)
def test_memory_is_divided_by_threads_unless_told_and_in_the_clusters_unit(
    make_lsf, use, monkeypatch, unit, form, asked
) -> None:
    monkeypatch.setenv("SNAKEMAKE_LSF_MEMFMT", form)
    lsf = make_lsf(UNIT_FOR_LIMITS=unit)
    use(lsf).submit("true", threads=4, mem_mb=800)
    assert asked in lsf.calls("bsub")[0]


def test_it_sets_no_memory_limit_of_its_own(make_lsf, use) -> None:
    lsf = make_lsf(QUEUE_MEMLIMIT=50)
    plugin = use(lsf)
    assert lsf.job(plugin.submit("true", mem_mb=800))["memory_limit"] == 50 * 1024
    own = plugin.submit("true", mem_mb=800, lsf_extra="-M 800")
    assert lsf.job(own)["memory_limit"] == 800 * 1024


def test_a_file_with_the_right_name_changes_what_it_asks_for(lsf, use, tmp_path) -> None:
    (tmp_path / "rusagem").touch()  # the brackets of rusage[mem=100.0] are not quoted
    with pytest.raises(WorkflowError, match="Bad resource requirement syntax"):
        use(lsf).submit("true")


def test_it_reads_the_project_from_ibms_words(lsf, use) -> None:
    say(lsf, "bhist", "Job <1>, User <lsfuser>, Project <default>, Command <./pi_css5 10000000>\n")
    assert use(lsf).get_project() == "default"


def test_it_breaks_where_bhist_breaks_the_line_within_the_project(lsf, use) -> None:
    plugin = use(lsf)
    before = f"Job <101>, Job Name <>, User <{getpass.getuser()}>, Project <peo"
    lsf.submit("-J", "n" * (79 - len(before)), "-P", "people", "true")
    with pytest.raises(IndexError):
        plugin.get_project()
    lsf.submit("-P", "people", "true")
    assert plugin.get_project() == "people"


def test_memory_for_the_whole_job_breaks_it_where_a_rule_names_none(lsf, use, monkeypatch) -> None:
    monkeypatch.setenv("SNAKEMAKE_LSF_MEMFMT", "perjob")
    with pytest.raises(TypeError):
        use(lsf).submit("true", mem_mb=None)


# States


@pytest.mark.parametrize(
    ("stat", "end"),
    [
        ("DONE", "success"),
        ("EXIT", "LSF-job '7' failed, LSF status is: 'EXIT'"),
        ("PSUSP", "LSF-job '7' failed, LSF status is: 'PSUSP'"),
        ("USUSP", "LSF-job '7' failed, LSF status is: 'USUSP'"),
        ("UNKWN", "success"),  # wrong: nobody knows
        ("PEND", None),
        ("RUN", None),
        ("SSUSP", None),
        ("ZOMBI", None),
    ],
)
def test_what_it_makes_of_each_state(lsf, use, stat, end) -> None:
    say(lsf, "bsub", "Job <7> is submitted to default queue <normal>.\n")
    say(lsf, "bjobs", f"7 {stat}\n")
    plugin = use(lsf)
    plugin.submit("true")
    assert plugin.check() == ([] if end else ["7"])
    assert plugin.ended == ({"7": end} if end else {})


def test_it_follows_an_emulated_job_to_its_end(lsf, use, tmp_path) -> None:
    plugin = use(lsf)
    good = plugin.submit(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    bad = plugin.submit("exit 3")
    lsf.wait_for(bad)
    assert plugin.check() == [str(good)]
    (tmp_path / "go").touch()
    lsf.wait_for(good)
    plugin.submitted.pop()
    assert plugin.check() == []
    assert plugin.ended == {
        str(good): "success",
        str(bad): f"LSF-job '{bad}' failed, LSF status is: 'EXIT'",
    }


def test_a_job_on_an_unreachable_host_is_a_success_to_it_while_it_still_runs(lsf, use) -> None:
    plugin = use(lsf)
    job = plugin.submit(ENDLESS)
    lsf.break_("host-unreachable")
    lsf.wait_for(job, "UNKWN")
    plugin.check()
    assert plugin.ended == {str(job): "success"}
    assert len(lsf.processes()) > 1


@pytest.mark.parametrize("code", [0, 255])
def test_six_times_no_answer_from_bjobs_break_it(lsf, use, code) -> None:
    plugin = use(lsf)
    plugin.submit(ENDLESS)
    say(lsf, "bjobs", "", "LSF is down. Please wait ...\n", code)
    with pytest.raises(TypeError, match="NoneType"):
        plugin.check()


def test_an_answer_at_the_sixth_time_is_enough_for_it(lsf, use) -> None:
    plugin = use(lsf)
    job = plugin.submit(ENDLESS)
    (lsf.bin / "bjobs").write_text(
        f"#!/bin/sh\necho >>{lsf.root}/asked\n"
        f"[ $(wc -l <{lsf.root}/asked) -lt 6 ] || echo '{job} RUN'\n"
    )
    assert plugin.check() == [str(job)]


# lsb.events


JOB_NEW = (  # in the order of lsb.events' page: 11 limits, no asked hosts; the name is the 42nd
    '"JOB_NEW" "10.1" 1700000000 7 {uid} 33816579 1 1700000000 0 0 0 0 0 "lsfuser" '
    '-1 -1 -1 -1 -1 -1 -1 -1 -1 300 -1 "" 60.00 18 "normal" "rusage[mem=100.0] span[hosts=1]" '
    '"hostA" "/home/lsfuser/my runs" "" "" "out" "" "/home/lsfuser" "1700000000.7" 0 '
    '"" "" "{name}" "sh -c ""true""" 0 "" "default" 0 1 "" "" "" "" 0\n'
)


@pytest.mark.skipif(not shutil.which("gawk"), reason="the plugin reads lsb.events with gawk")
def test_it_reads_an_event_log_in_ibms_form(lsf, use) -> None:
    plugin = use(lsf)
    status = '"JOB_STATUS" "10.1" 1700000009 7 {} 0 0 0.1 1700000009 0 0 0 0\n'
    new = JOB_NEW.format(uid=os.geteuid(), name=f"Snakemake_rule_fan:i=a b___({UUID})")
    text = new + "".join(status.format(code) for code in (4, 64, 192))
    Path(plugin.lsf_config["LSB_EVENTS"]).write_text(text)
    assert asyncio.run(plugin.job_stati_lsbevents())[0] == {"7": "DONE"}


@pytest.mark.skipif(not shutil.which("gawk"), reason="the plugin reads lsb.events with gawk")
def test_it_reads_the_emulated_event_log(lsf, use, tmp_path) -> None:
    plugin = use(lsf)
    done, failed = plugin.submit("true"), plugin.submit("exit 1")
    lsf.wait_for(done)
    lsf.wait_for(failed)
    running = plugin.submit(ENDLESS)
    lsf.submit("-J", "another's", "true")
    states, _ = asyncio.run(plugin.job_stati_lsbevents())
    assert states == {str(done): "DONE", str(failed): "EXIT", str(running): "RUN"}


@pytest.mark.skipif(not shutil.which("mawk"), reason="no mawk to try")
def test_it_reads_nothing_from_the_event_log_where_awk_is_not_gawk(lsf, use) -> None:
    (lsf.bin / "awk").symlink_to(shutil.which("mawk"))
    plugin = use(lsf)
    lsf.wait_for(plugin.submit("true"))
    assert asyncio.run(plugin.job_stati_lsbevents())[0] == {}


@pytest.mark.skipif(not shutil.which("gawk"), reason="the plugin reads lsb.events with gawk")
def test_it_reads_the_event_log_only_where_bjobs_still_knows_another_job(make_lsf, use) -> None:
    lsf = make_lsf(CLEAN_PERIOD=0)
    plugin = use(lsf)
    gone = plugin.submit("true")
    lsf.wait_for(gone)
    with pytest.raises(TypeError, match="NoneType"):
        plugin.check()
    there = plugin.submit(ENDLESS)
    assert plugin.check() == [str(there)]
    assert plugin.ended == {str(gone): "success"}


# Cancelling


def test_it_cancels_its_jobs(lsf, use) -> None:
    plugin = use(lsf)
    jobs = [plugin.submit(ENDLESS) for _ in range(3)]
    plugin.cancel_jobs(plugin.submitted)
    assert [lsf.wait_for(job)["exit_reason"] for job in jobs] == ["TERM_OWNER"] * 3
    wait_until(lambda: not lsf.processes(), "the jobs to be gone")
