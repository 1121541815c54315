"""Tests of what is changed in Snakemake's executor plugins."""

import asyncio
import logging
import os
import re
import stat
import sys
from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_lsf as lsf
import snakemake_executor_plugin_slurm as slurm
from snakemake.logging import logger
from snakemake_interface_common.exceptions import WorkflowError

from cluster import plugin_patches, preflight, snakemake_logs


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a shell script under a command's name first on the PATH."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, script: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return put


@pytest.fixture
def installed(monkeypatch):
    """The changes, until the test ends; and what is slept."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    for module in (slurm, lsf):
        monkeypatch.setattr(module.Executor, "sleep", module.Executor.sleep)
    monkeypatch.setattr(slurm.Executor, "additional_general_args", None)
    monkeypatch.setattr(slurm, "get_submit_command", None)
    monkeypatch.setattr(lsf.Executor, "get_mem", None)
    monkeypatch.setattr(lsf.Executor, "get_lsf_config", None)
    monkeypatch.setattr(plugin_patches.asyncio, "sleep", sleep)
    monkeypatch.setattr(logger, "filters", [])
    plugin_patches.install()
    return slept


@pytest.mark.parametrize(
    ("planned", "jobs", "expected"),
    [(10, 1, 10), (10, 20, 10), (10, 21, 40), (180, 1, 180), (180, 500, 180), (1, 0, 1)],
)
def test_few_jobs_are_asked_for_soon_and_many_politely(planned, jobs, expected):
    assert plugin_patches.pause(planned, jobs) == expected


@pytest.mark.parametrize("module", [slurm, lsf])
def test_the_plugins_wait_as_long_as_their_jobs_want(installed, module):
    for jobs in (3, 30):
        executor = SimpleNamespace(
            next_seconds_between_status_checks=10, active_jobs=[object()] * jobs
        )
        asyncio.run(module.Executor.sleep(executor))
    assert installed == [10, 40]


def test_the_snakemake_in_a_job_of_slurm_runs_the_job_itself(installed):
    assert slurm.Executor.additional_general_args(None) == "--executor local --jobs 1"


def test_a_lost_node_is_excluded_by_its_name_and_by_nothing_else(installed):
    names = ("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir")
    job = SimpleNamespace(resources={}, threads=1)
    for lost, excluded in (({"None assigned", "n1", ""}, ["--exclude=n1"]), ({"Unknown x"}, [])):
        call = slurm.get_submit_command(job, dict.fromkeys(names, ""), failed_nodes=lost)
        words = call.split()
        assert [word for word in words if word.startswith("--exclude")] == excluded
        assert "assigned" not in words


def cluster(on_path, tmp_path, parameters: str, facts: str = "") -> None:
    """The commands of an LSF whose lsb.params says so."""
    place = tmp_path / "conf" / "lsbatch" / "c1" / "configdir"
    place.mkdir(parents=True)
    (place / "lsb.params").write_text(f"Begin Parameters\n{parameters}\nEnd Parameters\n")
    shown = facts or f"\tLSB_SHAREDIR = {tmp_path}\n\tLSF_CONFDIR = {tmp_path}/conf\n"
    on_path("badmin", f"cat <<'E'\nMBD configuration at now\n\tLSF_LOGDIR = \n{shown}E")
    on_path("lsclusters", "echo CLUSTER_NAME STATUS; echo c1 ok")


@pytest.mark.parametrize(
    ("parameters", "reserved"),
    [
        ("DEFAULT_QUEUE = night # the slow one", "801MB"),
        ("RESOURCE_RESERVE_PER_TASK = N", "801MB"),
        ("RESOURCE_RESERVE_PER_TASK = Y # of each task", "201MB"),
        ("RESOURCE_RESERVE_PER_TASK=y", "201MB"),
    ],
)
def test_lsf_reserves_a_jobs_memory_once_and_with_its_unit(
    installed, on_path, tmp_path, parameters, reserved
):
    cluster(on_path, tmp_path, parameters)
    job = SimpleNamespace(threads=4, resources={"mem_mb": 801})
    executor = SimpleNamespace(lsf_config=lsf.Executor.get_lsf_config(), get_cpus=lambda job: 4)
    assert lsf.Executor.get_mem(executor, job) == reserved


def test_a_line_of_badmin_may_have_an_empty_value(installed, on_path, tmp_path):
    cluster(on_path, tmp_path, "DEFAULT_QUEUE = night # the slow one")
    found = lsf.Executor.get_lsf_config()
    assert found["LSF_LOGDIR"] == ""
    assert found["DEFAULT_QUEUE"] == "night"
    assert found["LSB_EVENTS"] == f"{tmp_path}/c1/logdir/lsb.events"
    assert found["LSF_CLUSTER"] == "c1"
    assert [one.passed for one in preflight._lsf_configuration()][:3] == [True] * 3


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("\tLSB_SHAREDIR = \n", "badmin showconf mbd does not name LSB_SHAREDIR"),
        ("\tLSB_SHAREDIR = /a\n\tLSF_CONFDIR = /no\n", "lsb.params: No such file or directory"),
    ],
)
def test_what_is_missing_of_the_configuration_is_one_line(
    installed, on_path, tmp_path, facts, told
):
    cluster(on_path, tmp_path, "", facts)
    with pytest.raises(WorkflowError, match=re.escape(told)):
        lsf.Executor.get_lsf_config()
    assert any(not one.passed for one in preflight._lsf_configuration())


def test_the_line_of_a_submission_is_short(installed):
    long = f"Job 7 has been submitted with SLURM jobid 17 (log: {os.getcwd()}/.snakemake/x/17.log)."
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, long, (), None)
    assert all(one(record) for one in logger.filters)
    assert record.msg == "Job 7 submitted with SLURM jobid 17 (log: .snakemake/x/17.log)."
    reader = snakemake_logs.Reader()
    reader.feed(record.msg)
    assert reader.submitted == {"17": ".snakemake/x/17.log"}


def test_a_snakemake_without_plugins_is_left_alone(monkeypatch):
    for name in (plugin_patches.SLURM, plugin_patches.LSF):
        monkeypatch.delitem(sys.modules, name)
    plugin_patches.install()
    assert not {plugin_patches.SLURM, plugin_patches.LSF} & sys.modules.keys()
