"""What this machine has and does: packages, ports, names, processes, cgroups. Nothing of SLURM."""

import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

PROGRAMS = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "setpriv": "util-linux",
}
ACCOUNTING_PROGRAMS = {
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
}
CGROUPS = Path("/sys/fs/cgroup")
PORTS = 20  # in a block; its first port is the block's lock
LAST_PORT = 32_000  # above it the kernel hands out ports of its own choice

Answer = TypeVar("Answer")


class MissingRequirement(RuntimeError):
    """This machine cannot hold a private cluster; the message says what it lacks."""


def program(name: str) -> str | None:
    """Where a program is, also where an ordinary user's PATH leaves out the sbin folders."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def missing_packages(accounting: bool = True) -> list[str]:
    """The Debian packages that are not installed here, sorted."""
    programs = PROGRAMS | (ACCOUNTING_PROGRAMS if accounting else {})
    return sorted({package for name, package in programs.items() if not program(name)})


def wait_for(predicate: Callable[[], Answer], seconds: float, what: str) -> Answer:
    """Poll until `predicate` answers something true, and return that.

    Raises:
        TimeoutError: nothing true within `seconds`; names `what` and the last answer.
    """
    deadline = time.monotonic() + seconds
    while not (answer := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s; the last answer was {answer!r}")
        time.sleep(0.1)
    return answer


# Names and ports


def host() -> str:
    """The machine's short name, once it is sure that SLURM will listen on loopback only.

    SLURM's daemons bind to what the name resolves to. They also resolve 127.0.0.1 with
    AI_ADDRCONFIG, which fails where loopback is the only address.
    """
    name = socket.gethostname().partition(".")[0]
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(name, None)}
    except socket.gaierror as error:
        addresses = {f"nothing ({error})"}
    if not all(_is_loopback(address) for address in addresses):
        raise MissingRequirement(
            f"the host name {name} resolves to {', '.join(sorted(addresses))}, and a private "
            f"cluster must listen on loopback only: add the line '127.0.0.1 {name}' to /etc/hosts"
        )
    try:
        socket.getaddrinfo("127.0.0.1", None, flags=socket.AI_ADDRCONFIG)
    except socket.gaierror:
        raise MissingRequirement(
            "this machine has no address besides loopback, and SLURM does not start without: "
            "ip address add 192.0.2.1/32 dev lo"
        ) from None
    return name


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def lock_ports(first: int) -> tuple[socket.socket, int]:
    """Take the first free block of PORTS ports from `first` on.

    Returns:
        A socket bound to the block's first port, which keeps other clusters off the block, those
        of other processes too, for as long as it is open; and that port.
    """
    for base in range(first, LAST_PORT, PORTS):
        lock = _bound(base)
        if lock and all(_is_free(port) for port in range(base + 1, base + PORTS)):
            return lock, base
        if lock:
            lock.close()
    raise MissingRequirement(f"no {PORTS} free ports in a row between {first} and {LAST_PORT}")


def _bound(port: int) -> socket.socket | None:
    bound = socket.socket()
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        return None
    return bound


def _is_free(port: int) -> bool:
    if bound := _bound(port):
        bound.close()
    return bound is not None


def connects(port: int) -> bool:
    """Whether something listens on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


# Processes


def processes_with(variables: dict[str, str]) -> set[int]:
    """Pids of the processes that have these environment variables, and of their descendants.

    Zombies are left out.
    """
    marks = {f"{name}={value}" for name, value in variables.items()}
    parents = _parents()
    found = {pid for pid in parents if marks <= _environment(pid)}
    while children := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= children
    return found


def _parents() -> dict[int, int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if after_name[0] not in "ZX":
                parents[int(folder.name)] = int(after_name[1])
    return parents


def _environment(pid: int) -> set[str]:
    try:
        return set(Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0"))
    except OSError:
        return set()


def kill(pids: set[int]) -> None:
    """SIGKILL; those that are gone already are left alone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# Cgroups


def can_limit_memory() -> bool:
    """Whether SLURM can have the kernel kill at a memory limit: root and cgroup v1."""
    return os.geteuid() == 0 and os.access(CGROUPS / "memory/cgroup.procs", os.W_OK)


def remove_cgroups(node: str) -> None:
    """Remove what a killed slurmstepd left in cgroup v1; what holds a process stays."""
    for top in CGROUPS.glob(f"*/slurm_{node}"):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
