"""Tests of the private SLURM that other tests run on: it is real, it stays private, it ends."""

import os
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.cluster.slurm import machine, private_cluster
from tests.cluster.slurm.private_cluster import (
    ClusterError,
    MissingRequirement,
    PrivateCluster,
    missing_packages,
    wait_for,
)

SLEEP = "sleep 300"  # a job that is there until it is ended
GROW = "python3 -c 'bytearray(400 << 20)'"  # 400 MB


@pytest.fixture
def job(slurm, tmp_path):
    """Submits jobs, and cancels what of them the test leaves."""
    submitted = []

    def submit(script: str, *options: str) -> str:
        submitted.append(slurm.submit(script, *options, cwd=tmp_path))
        return submitted[-1]

    yield submit
    slurm.run("scancel", *submitted)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def all_processes(cluster: PrivateCluster) -> set[int]:
    nodes = [cluster.processes(node) for node in cluster.nodes]
    return set().union({daemon.pid for daemon in cluster.daemons.values()}, *nodes)


def listens_on(pids: set[int]) -> set[str]:
    """The addresses on which processes listen for TCP, as the kernel lists them."""
    sockets = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(os.readlink(link))
            except OSError:
                continue  # closed meanwhile
    addresses = set()
    for table in ["/proc/net/tcp", "/proc/net/tcp6"]:
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else []:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in sockets:
                addresses.add(local.rpartition(":")[0])
    return addresses


def test_all_nodes_are_idle(slurm) -> None:
    assert [slurm.node_state(node) for node in slurm.nodes] == ["IDLE", "IDLE"]


def test_partitions_are_main_and_short(slurm) -> None:
    rows = slurm.run("sinfo", "--noheader", "--format=%P|%l|%N").stdout.splitlines()
    assert set(rows) == {"main*|1:00:00|n[1-2]", "short|2:00|n1"}


def test_daemons_and_steps_listen_on_loopback_only(slurm, job) -> None:
    number = job(f"srun {SLEEP}")
    wait_for(lambda: f"{number}.0" in slurm.sacct(number), 60, "the step runs")
    found = listens_on(all_processes(slurm))
    loopback = IPv4Address("127.0.0.1").packed[::-1].hex().upper()
    assert found == {loopback}


def test_a_job_runs_and_is_accounted_for(slurm, job, tmp_path) -> None:
    number = job("hostname > out.txt", "--comment=rule_frames_wildcards_7", "--mem=100")
    slurm.wait_for_job(number, "COMPLETED")
    # The state is there a moment before the memory, which sacct shows as "16?" until then.
    row = wait_for(
        lambda: (row := slurm.sacct(number).get(number)) and row["ReqMem"] == "100M" and row,
        60,
        "accounting has the whole job",
    )
    assert row["Comment"] == "rule_frames_wildcards_7"
    assert (row["State"], row["ExitCode"], row["NodeList"]) == ("COMPLETED", "0:0", "n1")
    assert (tmp_path / "out.txt").read_text() == f"{os.uname().nodename}\n"


def test_a_job_belongs_to_the_account_test(slurm, job) -> None:
    number = job("true")
    account = slurm.run("squeue", "--states=all", f"--jobs={number}", "--noheader", "--format=%a")
    assert account.stdout.strip() == "test"


def test_a_job_over_its_memory_is_killed(slurm, job) -> None:
    number = job(f"srun {GROW}", "--mem=100")
    if slurm.memory_limit != "cgroup":
        pytest.skip("only root on cgroup v1 gets OUT_OF_MEMORY from SLURM 22.05")
    step = f"{number}.0"
    wait_for(
        lambda: slurm.sacct(number).get(step, {}).get("State") == "OUT_OF_MEMORY",
        60,
        "the step ends with OUT_OF_MEMORY",
    )


def test_jobs_inside_jobs_find_the_cluster_without_slurm_variables(slurm, job, tmp_path) -> None:
    number = job("unset SLURM_CONF; squeue > out.txt && echo found >> out.txt")
    slurm.wait_for_job(number, "COMPLETED")
    assert (tmp_path / "out.txt").read_text().endswith("found\n")


def test_what_asks_for_too_much_is_rejected(slurm) -> None:
    with pytest.raises(ClusterError, match="Requested node configuration is not available"):
        slurm.submit("true", "--mem=7000")
    with pytest.raises(ClusterError, match="Requested time limit is invalid"):
        slurm.submit("true", "--partition=short", "--time=3")


def test_jobs_outlive_the_controller(slurm, job) -> None:
    number = job(SLEEP)
    slurm.wait_for_job(number, "RUNNING")
    slurm.restart_controller()
    slurm.wait_for_job(number, "RUNNING")


def test_accounting_catches_up_after_an_outage(slurm, job) -> None:
    slurm.stop_accounting()
    try:
        number = job("true")
        slurm.wait_for_job(number, "COMPLETED")
        assert slurm.run("sacct", check=False).returncode != 0
    finally:
        slurm.start_accounting()
    wait_for(
        lambda: slurm.sacct(number).get(number, {}).get("State") == "COMPLETED",
        60,
        "accounting has the job's end",
    )


def test_without_accounting_sacct_fails_and_squeue_answers(slurm_without_accounting) -> None:
    cluster = slurm_without_accounting
    number = cluster.submit("exit 3")
    cluster.wait_for_job(number, "FAILED")
    done = cluster.run("sacct", "--jobs", number, check=False)
    assert done.returncode == 1
    assert "Slurm accounting storage is disabled" in done.stderr


def test_a_killed_node_is_noticed_and_comes_back(slurm_without_accounting) -> None:
    cluster = slurm_without_accounting
    number = cluster.submit(SLEEP, "--no-requeue", "--nodelist=n2")
    cluster.wait_for_job(number, "RUNNING")
    # slurmd, slurmstepd, the shell and sleep
    wait_for(lambda: len(cluster.processes("n2")) >= 4, 60, "the job's processes are there")
    cluster.kill_node("n2")
    try:
        assert cluster.processes("n2") == set()
        cluster.wait_for_job(number, "NODE_FAIL")
        assert "DOWN" in cluster.node_state("n2")
    finally:
        cluster.start_node("n2")
    assert cluster.node_state("n2") == "IDLE"


def test_a_node_declared_down_loses_its_job_at_once(slurm_without_accounting) -> None:
    cluster = slurm_without_accounting
    number = cluster.submit(SLEEP, "--nodelist=n1")
    cluster.wait_for_job(number, "RUNNING")
    cluster.kill_node("n1")
    try:
        cluster.declare_down("n1")
        cluster.wait_for_job(number, "PENDING")  # requeued
    finally:
        cluster.start_node("n1")
    cluster.wait_for_job(number, "RUNNING")
    cluster.run("scancel", number)


def test_stop_ends_every_process_and_job(slurm, tmp_path) -> None:
    cluster = PrivateCluster(tmp_path / "other", accounting=False)
    cluster.start()  # beside another one
    try:
        number = cluster.submit(f"(setsid {SLEEP} &) ; srun {SLEEP}")
        cluster.wait_for_job(number, "RUNNING")
        node = cluster.run("squeue", "--noheader", "--format=%N").stdout.strip()
        # slurmd; slurmstepd, its shell and srun; slurmstepd and sleep; the sleep set apart
        wait_for(lambda: len(cluster.processes(node)) >= 7, 60, "the job's processes are there")
        pids = all_processes(cluster)
    finally:
        cluster.stop()
    assert {pid for pid in pids if is_alive(pid)} == set()
    assert not list(machine.CGROUPS.glob(f"*/slurm_{node}/uid_*/job_{number}"))
    assert all(is_alive(pid) for pid in all_processes(slurm))


def test_a_failed_start_shows_the_logs_and_leaves_nothing(tmp_path, monkeypatch, slurm) -> None:
    write_files = private_cluster.write_files

    def spoil(root, *arguments, **options) -> None:
        write_files(root, *arguments, **options)
        (root / "etc/slurm.conf").write_text("ClusterName=private\nNoSuchKey=1\n")

    monkeypatch.setattr(private_cluster, "write_files", spoil)
    cluster = PrivateCluster(tmp_path, accounting=False)
    with pytest.raises(ClusterError, match=r"slurmctld ended by itself(?s:.*)NoSuchKey"):
        cluster.start()
    assert all_processes(cluster) == set()


def test_missing_packages_are_named(monkeypatch) -> None:
    monkeypatch.setattr(machine, "program", lambda name: name == "slurmd")
    assert missing_packages() == [
        *("mariadb-server", "munge", "slurm-client", "slurmctld", "slurmdbd", "util-linux")
    ]
    assert missing_packages(accounting=False) == [
        *("munge", "slurm-client", "slurmctld", "util-linux")
    ]


def test_a_host_name_of_the_network_is_refused(monkeypatch, tmp_path) -> None:
    answer = [(2, 1, 6, "", ("192.0.2.7", 0))]
    monkeypatch.setattr(machine.socket, "getaddrinfo", lambda *_, **__: answer)
    monkeypatch.setattr(private_cluster, "missing_packages", lambda _: [])
    with pytest.raises(MissingRequirement, match=r"resolves to 192\.0\.2\.7"):
        PrivateCluster(tmp_path).start()
