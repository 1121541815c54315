"""A private SLURM on this machine: real daemons, loopback only, in a folder to throw away.

    with PrivateCluster(folder) as cluster:
        number = cluster.submit("hostname")

It is a fixture, not a cluster to compute on: its nodes have what CPUs and memory the caller says.
The daemons run in the foreground as children of this process, so each is ended by its own pid, and
the kernel ends them if this process dies. Written for SLURM 22.05, which Debian 12 has.
"""

import getpass
import shlex
import socket
import subprocess
from collections.abc import Callable
from os import defpath, environ
from pathlib import Path
from typing import Self

from tests.cluster.slurm import machine
from tests.cluster.slurm.configuration import write_files
from tests.cluster.slurm.machine import MissingRequirement, missing_packages, wait_for

SACCT_FIELDS = "JobID,State,ExitCode,ReqMem,MaxRSS,Elapsed,Timelimit,NodeList,Comment"
SQUEUE_FIELDS = {"JobID": "%i", "State": "%T", "Reason": "%r", "Name": "%j", "Comment": "%k"}
PATIENCE = 120  # seconds for a daemon to come up on a busy machine; it takes one or two


class ClusterError(RuntimeError):
    """A daemon or a command failed; the message ends with what it said."""


class PrivateCluster:
    """munge, slurmctld, a slurmd for each node and, with accounting, mariadb and slurmdbd.

    Args:
        root: folder for all its files; made if it is not there. Not to be used twice.
        nodes: how many slurmd, called n1, n2 and so on; at most 16.
        cpus_per_node: what each node says it has.
        mem_per_node: likewise, in MB.
        accounting: with slurmdbd; without it sacct fails, as on clusters that have none.
        port_base: where to look for free ports; several clusters may run side by side.

    `memory_limit` is "cgroup" (the kernel kills: OUT_OF_MEMORY) for root where cgroup v1 can be
    written, else "polling" (slurmstepd looks once a second and kills: FAILED).
    """

    def __init__(
        self,
        root: Path,
        *,
        nodes: int = 2,
        cpus_per_node: int = 2,
        mem_per_node: int = 6000,
        accounting: bool = True,
        port_base: int = 20_000,
    ) -> None:
        self.root = Path(root).resolve()
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.cpus_per_node, self.mem_per_node = cpus_per_node, mem_per_node
        self.accounting = accounting
        self.port_base = port_base
        self.memory_limit = "cgroup" if machine.can_limit_memory() else "polling"
        self.user = getpass.getuser()
        self.daemons: dict[str, subprocess.Popen] = {}
        self._lock: socket.socket | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    # Up and down

    def start(self) -> None:
        """Bring everything up and return when all nodes are idle.

        Call it in a thread that outlives the cluster: the kernel ends the daemons with the thread.

        Raises:
            MissingRequirement: this machine lacks a package, or a name or address of loopback.
            ClusterError: a daemon did not come up; with the tails of all logs.
        """
        if missing := missing_packages(self.accounting):
            raise MissingRequirement(f"not installed: {', '.join(missing)}")
        host = machine.host()
        try:
            self._lock, self.port_base = machine.lock_ports(self.port_base)
            write_files(
                self.root,
                self.nodes,
                host=host,
                user=self.user,
                port_base=self.port_base,
                cpus=self.cpus_per_node,
                memory=self.mem_per_node,
                memory_limit=self.memory_limit,
                accounting=self.accounting,
            )
            self._start_munge()
            if self.accounting:
                self._start_database()
                self.start_accounting()
                self._add_account()
            self._start_controller()
            for node in self.nodes:
                self._launch(node, "slurmd", "-D", "-N", node, SLURMD_NODENAME=node)
            for node in self.nodes:
                self._wait_for_node(node)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every job and daemon by pid. The folder stays, for its logs."""
        for node in self.nodes:
            self.kill_node(node)
        for name in ["slurmctld", "slurmdbd", "mariadbd", "munged"]:
            self._end(name)
        if self.memory_limit == "cgroup":
            for node in self.nodes:
                machine.remove_cgroups(node)
        if self._lock:
            self._lock.close()
            self._lock = None

    # Faults

    def kill_node(self, node: str) -> None:
        """What a power cut does: slurmd, slurmstepd and all processes of their jobs, killed -9.

        SLURM takes notice after some 27 s, or when told with `declare_down`.
        """
        if slurmd := self.daemons.pop(node, None):
            slurmd.kill()
            slurmd.wait()

        def none_left() -> bool:
            machine.kill(processes := self.processes(node))
            return not processes

        wait_for(none_left, 30, f"the processes of {node} are gone")

    def declare_down(self, node: str) -> None:
        """Have slurmctld take a node for lost at once: its jobs are NODE_FAIL or requeued."""
        self.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=killed")

    def start_node(self, node: str) -> None:
        """Start a killed node again and wait until SLURM would use it."""
        self._launch(node, "slurmd", "-D", "-N", node, SLURMD_NODENAME=node)
        self._wait_for_node(node)

    def stop_controller(self) -> None:
        """End slurmctld: no command is answered, running jobs go on."""
        self._end("slurmctld")

    def start_controller(self) -> None:
        """Start slurmctld from its saved state."""
        self._start_controller()

    def restart_controller(self) -> None:
        """End slurmctld and start it from its saved state."""
        self.stop_controller()
        self.start_controller()

    def limit(self, **limits: int) -> None:
        """Set limits of this user in the account, such as MaxSubmitJobs=3; -1 removes one."""
        words = [f"{name}={value}" for name, value in limits.items()]
        chosen = ("where", f"user={self.user}", "account=test")
        self.run("sacctmgr", "--immediate", "--quiet", "modify", "user", *chosen, "set", *words)

    def stop_accounting(self) -> None:
        """End slurmdbd: sacct fails, jobs go on."""
        self._end("slurmdbd")

    def start_accounting(self) -> None:
        """Start slurmdbd; the database is up all the time."""
        self._launch("slurmdbd", "slurmdbd", "-D")
        self._wait_until(lambda: self._answers("sacctmgr", "show", "cluster"), "slurmdbd answers")

    # Use

    def environment(self) -> dict[str, str]:
        """This process's environment with the cluster's configuration, its commands first on PATH.

        The commands are wrappers that set SLURM_CONF, since the executor plugin drops every
        variable called SLURM_ before it starts srun inside a job.
        """
        kept = {name: value for name, value in environ.items() if not name.startswith("SLURM")}
        path = f"{self.root}/bin:{environ.get('PATH', defpath)}"
        return kept | {"SLURM_CONF": f"{self.root}/etc/slurm.conf", "PATH": path}

    def run(
        self, *command: str | Path, check: bool = True, timeout: float = PATIENCE, **options
    ) -> subprocess.CompletedProcess:
        """Run a command on the cluster, in its folder; stdout and stderr are kept as text.

        Raises:
            ClusterError: it did not end with 0, unless `check` is false.
        """
        options = {"cwd": self.root, "env": self.environment(), "text": True} | options
        done = subprocess.run(command, capture_output=True, timeout=timeout, **options)
        if check and done.returncode:
            words = shlex.join(map(str, command))
            raise ClusterError(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def submit(self, script: str, *options: str, **run_options) -> str:
        """Hand the lines of a shell script to sbatch; returns the job's number."""
        command = ["sbatch", "--parsable", *options, f"--wrap={script}"]
        return self.run(*command, **run_options).stdout.strip()

    def squeue(self) -> dict[str, dict[str, str]]:
        """All jobs that slurmctld knows, by number; those that ended too, for MinJobAge."""
        form = f"--format={'|'.join(SQUEUE_FIELDS.values())}"
        return _rows(self.run("squeue", "--states=all", "--noheader", form), list(SQUEUE_FIELDS))

    def sacct(self, jobid: str, *options: str) -> dict[str, dict[str, str]]:
        """What accounting has of a job and its steps, by JobID; empty until it has something."""
        words = ["--parsable2", "--noheader", f"--format={SACCT_FIELDS}", *options]
        return _rows(self.run("sacct", "--jobs", jobid, *words), SACCT_FIELDS.split(","))

    def wait_for_job(self, jobid: str, state: str, seconds: float = PATIENCE) -> None:
        """Wait until slurmctld says that a job is in a state, such as RUNNING or COMPLETED."""
        try:
            wait_for(lambda: self.squeue()[jobid]["State"] == state, seconds, f"{jobid} is {state}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; squeue: {self.squeue()[jobid]}") from None

    def node_state(self, node: str) -> str:
        """IDLE, MIXED, ALLOCATED, DOWN* and others; empty while slurmctld does not answer."""
        done = self.run("scontrol", "--oneliner", "show", "node", node, check=False)
        return done.stdout.partition(" State=")[2].partition(" ")[0]

    def processes(self, node: str) -> set[int]:
        """Pids of a node's slurmd and slurmstepd, and of all that their jobs started."""
        marks = {"SLURM_CONF": f"{self.root}/etc/slurm.conf", "SLURMD_NODENAME": node}
        return machine.processes_with(marks)

    def log_tails(self, lines: int = 12) -> str:
        """The last lines of every daemon's log."""
        tails = []
        for log in sorted((self.root / "log").glob("*.log")):
            tails += [f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(tails)

    # Daemons

    def _launch(self, name: str, program: str, *words: str, **variables: str) -> None:
        with (self.root / f"log/{name}.log").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                [machine.program("setpriv"), "--pdeathsig=KILL", machine.program(program), *words],
                cwd=self.root / "etc",
                env=self.environment() | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _end(self, name: str) -> None:
        if daemon := self.daemons.pop(name, None):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _wait_until(self, predicate: Callable[[], bool], what: str) -> None:
        def answered() -> bool:
            for name, daemon in self.daemons.items():
                if daemon.poll() is not None:
                    raise ClusterError(f"{name} ended by itself\n{self.log_tails()}")
            return predicate()

        try:
            wait_for(answered, PATIENCE, what)
        except TimeoutError as error:
            raise ClusterError(f"{error}\n{self.log_tails()}") from None

    def _wait_for_node(self, node: str) -> None:
        usable = ("IDLE", "MIXED", "ALLOCATED")
        self._wait_until(lambda: self.node_state(node) in usable, f"{node} is up")

    def _answers(self, *command: str) -> bool:
        try:
            return self.run(*command, check=False, timeout=5).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def _start_munge(self) -> None:
        folder = self.root / "munge"
        words = [f"--{name}-file={folder / name}" for name in ["key", "pid", "seed", "log"]]
        words += [f"--socket={folder}/socket", "--num-threads=2", "--foreground", "--force"]
        self._launch("munged", "munged", *words)
        self._wait_until((folder / "socket").exists, "munged listens")

    def _start_database(self) -> None:
        data = self.root / "database"
        own = ["--no-defaults", f"--user={self.user}", f"--datadir={data}"]
        log = "--innodb-log-file-size=16M"
        self.run(machine.program("mariadb-install-db"), *own, log, "--skip-test-db")
        options = (
            f"socket={data}/socket pid-file={data}/pid init-file={self.root}/etc/database.sql"
            f" bind-address=127.0.0.1 port={self.port_base + 3} innodb-buffer-pool-size=64M"
            " innodb-lock-wait-timeout=900 innodb-flush-log-at-trx-commit=0 skip-log-bin"
        )
        words = [*own, log, *(f"--{option}" for option in options.split())]
        self._launch("mariadbd", "mariadbd", *words)
        self._wait_until(lambda: machine.connects(self.port_base + 3), "mariadbd listens")

    def _add_account(self) -> None:
        for words in [
            "add cluster private",
            "add account test",
            f"add user {self.user} account=test",
            f"modify user {self.user} set defaultaccount=test",
        ]:
            self.run("sacctmgr", "--immediate", "--quiet", *words.split())

    def _start_controller(self) -> None:
        self._launch("slurmctld", "slurmctld", "-D", "-i")
        self._wait_until(lambda: self._answers("scontrol", "show", "config"), "slurmctld answers")


def _rows(done: subprocess.CompletedProcess, fields: list[str]) -> dict[str, dict[str, str]]:
    rows = [dict(zip(fields, line.split("|"), strict=False)) for line in done.stdout.splitlines()]
    return {row[fields[0]]: row for row in rows}
