"""The files of a private SLURM: what the daemons read, and the commands that find them."""

import secrets
import shlex
import shutil
from pathlib import Path

CLIENTS = ("srun", "sbatch", "scancel", "squeue", "sacct", "sacctmgr", "sinfo", "scontrol")

# Times are short, so that what tests wait for comes soon. A requeued job starts again when its old
# credential has expired: cred_expire, 120 s by default.
# SlurmdParameters=config_overrides: nodes are as large as said here, whatever the machine has.
SLURM = """\
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/pid/slurmctld
SlurmdPidFile={root}/pid/%n
SlurmctldDebug=info
SlurmdDebug=info
SlurmdLogFile={root}/log/%n.steps.log
ProctrackType=proctrack/linuxproc
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
FirstJobId={first_job}
ReturnToService=2
JobRequeue=1
KillWait=2
MinJobAge=300
SlurmctldTimeout=10
SlurmdTimeout=10
InactiveLimit=0
WaitTime=0
MessageTimeout=10
TCPTimeout=2
SchedulerType=sched/backfill
SchedulerParameters={scheduling}
PriorityType=priority/basic
DefMemPerCPU=100
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
MaxArraySize=10001
EnforcePartLimits=ALL
PartitionName=main Nodes=ALL Default=YES MaxTime=60 DefaultTime=10 State=UP
PartitionName=short Nodes=n1 MaxTime=2 State=UP
"""
SCHEDULING = (
    "batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0,requeue_delay=1"
)
NODE = (
    "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} Boards=1"
    " SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory={memory} State=UNKNOWN\n"
)

# AccountingStoragePass is the munge socket: for slurmdbd SLURM does not look into AuthInfo.
# job_comment: the executor plugin puts the rule's name into the comment, and nowhere else.
WITH_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting_port}
AccountingStoragePass={root}/munge/socket
AccountingStoreFlags=job_comment
AccountingStorageEnforce=associations,limits,qos
"""
WITHOUT_ACCOUNTING = "AccountingStorageType=accounting_storage/none\n"

# NoInAddrAny is not in slurmdbd's manual of 22.05 and keeps it off 0.0.0.0 all the same.
SLURMDBD = """\
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
DbdAddr=127.0.0.1
DbdHost=localhost
DbdPort={accounting_port}
CommunicationParameters=NoInAddrAny
SlurmUser={user}
PidFile={root}/pid/slurmdbd
DebugLevel=info
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_acct_db
"""
DATABASE = """\
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE OR REPLACE USER 'slurm'@'localhost' IDENTIFIED BY '{password}';
CREATE OR REPLACE USER 'slurm'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'localhost', 'slurm'@'127.0.0.1';
"""

MEMORY = {
    "cgroup": "TaskPlugin=task/cgroup\n",
    "polling": "TaskPlugin=task/none\nJobAcctGatherParams=OverMemoryKill\n",
}
CGROUP = """\
CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
CgroupAutomount=no
ConstrainCores=no
ConstrainRAMSpace=yes
ConstrainSwapSpace=no
ConstrainDevices=no
AllowedRAMSpace=100
MinRAMSpace=1
"""


def write_files(
    root: Path,
    nodes: list[str],
    *,
    host: str,
    user: str,
    port_base: int,
    cpus: int,
    memory: int,
    memory_limit: str,
    accounting: bool,
) -> None:
    """Make the cluster's folders and write its configuration, munge key and wrappers."""
    for folder in ["bin", "etc", "log", "munge", "pid", "spool", "state"]:
        (root / folder).mkdir(parents=True, exist_ok=True)
    facts = {
        "root": root,
        "host": host,
        "user": user,
        "password": secrets.token_hex(),
        "controller_port": port_base + 1,
        "accounting_port": port_base + 2,
        "database_port": port_base + 3,
        # Job numbers name cgroups, and clusters side by side share the folder of those.
        "first_job": 1001 + port_base % 20_000 * 50,
        "scheduling": SCHEDULING,
    }
    slurm = SLURM + MEMORY[memory_limit] + (WITH_ACCOUNTING if accounting else WITHOUT_ACCOUNTING)
    slurm += "".join(
        NODE.format(node=node, host=host, port=port_base + 4 + number, cpus=cpus, memory=memory)
        for number, node in enumerate(nodes)
    )
    _write(root / "etc/slurm.conf", slurm.format(**facts))
    if memory_limit == "cgroup":
        _write(root / "etc/cgroup.conf", CGROUP)
    if accounting:
        _write(root / "etc/slurmdbd.conf", SLURMDBD.format(**facts), mode=0o600)
        _write(root / "etc/database.sql", DATABASE.format(**facts), mode=0o600)
    _write(root / "munge/key", secrets.token_hex(64), mode=0o600)
    for name in CLIENTS:
        variable = f"SLURM_CONF={shlex.quote(f'{root}/etc/slurm.conf')}"
        command = f'#!/bin/sh\n{variable} exec {shutil.which(name)} "$@"\n'
        _write(root / "bin" / name, command, mode=0o755)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.touch(mode)
    path.chmod(mode)
    path.write_text(text)
