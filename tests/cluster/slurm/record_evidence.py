"""Make jobs fail in every way and write down what Snakemake and SLURM say: evidence/.

    .venv/bin/python -m tests.cluster.slurm.record_evidence [CASE ...]

Parsers are tested against these texts; record them again after an update of Snakemake, of its
SLURM plugin or of SLURM. Needs memory limits of the kernel, so root on cgroup v1.
"""

import getpass
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cluster.slurm.private_cluster import SACCT_FIELDS, PrivateCluster, wait_for

EVIDENCE = Path(__file__).with_name("evidence")
WAIT = "echo $SLURM_JOB_ID > started; sleep 600"  # until the fault comes

# What the rule does. It says something to its log first, as a real one would.
COMMANDS = {
    "script_error": "echo 'clips/a.mp4: cannot be decoded' >> {log}; exit 1",
    "out_of_memory": "python3 -c 'bytearray(600 << 20)' 2>> {log}",
    "timeout": WAIT,
    "scancel": WAIT,
    "node_failure": WAIT,
    "no_output": "true",
}
# With sacct the plugin (2.8.0) waits for ever for a cancelled job: sacct says "CANCELLED by 1000",
# and the plugin knows only "CANCELLED", which is what squeue says.
OPTIONS = {"scancel": ["--slurm-status-command", "squeue"]}
SNAKEFILE = """\
rule faces:
    output: "faces/{{batch}}.npz"
    log: "logs/faces/{{batch}}.log"
    resources: mem_mb=300, runtime=5
    shell: {command!r}
"""
# The second way is that of the workflow's own profiles.
WAYS = {"": [], "quiet.": ["--quiet", "rules", "--show-failed-logs", "--keep-going"]}


def main(cases: list[str]) -> None:
    EVIDENCE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, PrivateCluster(Path(folder) / "slurm") as cluster:
        for case in cases:
            works = {way: Path(folder) / f"{case}.{way}work" for way in WAYS}
            with ThreadPoolExecutor() as pool:
                runs = [pool.submit(record, cluster, case, way, works[way]) for way in WAYS]
                if COMMANDS[case] == WAIT:
                    jobs = [_started(work) for work in works.values()]
                    FAULTS[case](cluster, jobs)
                for run in runs:
                    run.result()
            for node in set(cluster.nodes) - set(cluster.daemons):
                cluster.start_node(node)


def record(cluster: PrivateCluster, case: str, way: str, work: Path) -> None:
    """Run the toy workflow to its failure and save what there is to read."""
    work.mkdir()
    (work / "Snakefile").write_text(SNAKEFILE.format(command=COMMANDS[case]))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "faces/b0001.npz", "--executor", "slurm"),
            *("--jobs", "4", "--cores", "4", "--latency-wait", "5", "--slurm-no-requeue"),
            *("--slurm-init-seconds-before-status-checks", "8", "--nocolor"),
            *("--default-resources", "slurm_account=test", "slurm_partition=main"),
            *OPTIONS.get(case, []),
            *WAYS[way],
        ],
        cwd=work,
        env=cluster.environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    job = re.search(r"SLURM jobid (\d+)", done.stdout)[1]
    wait_for(lambda: cluster.sacct(job)[job]["ReqMem"] == "300M", 60, "accounting has the job")
    (log,) = work.glob(f".snakemake/slurm_logs/**/{job}.log")
    (master_log,) = work.glob(".snakemake/log/*.log")
    texts = {
        "snakemake": done.stdout + f"(exit code {done.returncode})\n",
        "sacct": cluster.run("sacct", "-j", job, "--parsable2", f"--format={SACCT_FIELDS}").stdout,
        "scontrol": cluster.run("scontrol", "show", "job", job, "-o").stdout,
        "joblog": log.read_text(),
        "masterlog": master_log.read_text(),
    }
    for kind, text in texts.items():
        (EVIDENCE / f"{case}.{way}{kind}.txt").write_text(scrubbed(text, work))
    print(case, way, job, flush=True)


def scrubbed(text: str, work: Path) -> str:
    """The text without this machine's paths and names."""
    python = Path(sys.executable)
    for own, example in {
        str(work): "/run/example",
        str(work.parent): "/run/example",
        str(python.parents[1]): "/run/example/venv",
        str(Path(__file__).parents[3]): "/run/example",
        str(Path.home()): "/home/me",
    }.items():
        text = text.replace(own, example)
    user = re.escape(getpass.getuser())
    text = re.sub(rf"\b(UserId|GroupId)={user}\(\d+\)", r"\1=me(1000)", text)
    text = re.sub(rf"(?m)^  User: {user}$", "  User: me", text)
    text = re.sub(r"(?m)^  Platform: .*", "  Platform: Linux", text)
    text = re.sub(r"CANCELLED by \d+", "CANCELLED by 1000", text)
    return re.sub(rf"\b{re.escape(socket.gethostname())}\b", "host", text)


def _started(work: Path) -> str:
    def number() -> str:
        return (work / "started").read_text().strip() if (work / "started").exists() else ""

    return wait_for(number, 120, "the job's command runs")


def _time_out(cluster: PrivateCluster, jobs: list[str]) -> None:
    for job in jobs:
        cluster.run("scontrol", "update", f"JobId={job}", "EndTime=now+2")


def _cancel(cluster: PrivateCluster, jobs: list[str]) -> None:
    cluster.run("scancel", *jobs)


def _lose_nodes(cluster: PrivateCluster, _: list[str]) -> None:
    for node in cluster.nodes:
        cluster.kill_node(node)


FAULTS: dict[str, Callable[[PrivateCluster, list[str]], None]] = {
    "timeout": _time_out,
    "scancel": _cancel,
    "node_failure": _lose_nodes,
}

if __name__ == "__main__":
    main(sys.argv[1:] or list(COMMANDS))
