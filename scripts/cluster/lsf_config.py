"""The parts of an LSF cluster's configuration that a run needs.

`badmin showconf mbd` and `lsclusters` give the places of its files, such as lsb.params.
"""

from __future__ import annotations

from pathlib import Path

from cluster.scheduler_commands import CommandFailed, run_command

FOLDERS = ("LSB_SHAREDIR", "LSF_CONFDIR")
PER_TASK = "RESOURCE_RESERVE_PER_TASK"  # lsb.params: memory is reserved for each task of a job


def facts() -> dict[str, str]:
    """The configuration of mbatchd; a key may have an empty value.

    Raises:
        CommandFailed: badmin does not answer.
    """
    return _pairs(run_command("badmin", "showconf", "mbd"))


def cluster() -> str:
    """The cluster's name.

    Raises:
        CommandFailed: lsclusters does not answer, or names none.
    """
    try:
        return run_command("lsclusters").splitlines()[1].split()[0]
    except IndexError:
        raise CommandFailed("lsclusters: names no cluster") from None


def file(known: dict[str, str], name: str) -> Path:
    """The path of a cluster's lsb.params."""
    return Path(known["LSF_CONFDIR"], "lsbatch", name, "configdir", "lsb.params")


def parameters(path: Path) -> dict[str, str]:
    """The keys of lsb.params.

    Raises:
        CommandFailed: it cannot be read.
    """
    try:
        return _pairs(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None


def plugin_keys() -> dict[str, str]:
    """The configuration under the key names of the executor plugin (0.3.3).

    Raises:
        CommandFailed: a part is not available; the message says which.
    """
    known = facts()
    for key in FOLDERS:
        if not known.get(key):
            raise CommandFailed(f"badmin showconf mbd does not name {key}")
    name = cluster()
    events = str(Path(known["LSB_SHAREDIR"], name, "logdir", "lsb.events"))
    read = parameters(file(known, name))
    wanted = {key: read[key] for key in ("DEFAULT_QUEUE", PER_TASK) if read.get(key)}
    return known | wanted | {"LSF_CLUSTER": name, "LSB_EVENTS": events, "LSF_MEMFMT": "perjob"}


def reserves_per_task(read: dict[str, str]) -> bool:
    """Whether memory is reserved for each task of a job, and not for each host."""
    return read.get(PER_TASK, "").upper() == "Y"


def _pairs(text: str) -> dict[str, str]:
    """The lines KEY = value of a text, without comments."""
    lines = (line.split("#")[0].partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, sign, value in lines if sign}
