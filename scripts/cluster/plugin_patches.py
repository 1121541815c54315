"""Changes of Snakemake's executor plugins that no option makes, set in the main process of a run.

A SLURM job of this workflow is one process on one node, so it starts Snakemake once. The plugin
(2.8.0) starts it twice: the first only starts the second with `srun`.

When a node is lost, the plugin asks where its job ran, and excludes the answer from then on. Of a
job that SLURM has put back into the queue the answer is "None assigned", two words, of which sbatch
takes the second for its script: all later submissions would fail.

The interval between two status queries depends on the number of jobs. In the plugins it grows while
no job ends, and starts with the same seconds for 2 jobs and for 200. Here it starts with the
profile's few seconds; with more than FEW_JOBS jobs it is at least MANY_JOBS_INTERVAL.

LSF reserves a job's memory for the job, with its unit. The plugin (0.3.3) divides it by the threads
unless the environment sets otherwise, and uses MB where LSF_UNIT_FOR_LIMITS is not set. The keys
of the configuration may have empty values.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
from typing import Any

from snakemake.logging import logger
from snakemake_interface_common.exceptions import WorkflowError

from cluster import lsf_config
from cluster.scheduler_commands import CommandFailed

_SUBMITTED = " has been submitted with "
SLURM, LSF = "snakemake_executor_plugin_slurm", "snakemake_executor_plugin_lsf"
FEW_JOBS = 20  # up to this number the profile's interval is used
MANY_JOBS_INTERVAL = float(os.environ.get("DEEPFAKE_POLL", 40))  # seconds, for more jobs


def install() -> None:
    """Change the plugins that Snakemake has loaded."""
    if SLURM in sys.modules:
        sys.modules[SLURM].Executor.additional_general_args = _run_directly
        sys.modules[SLURM].get_submit_command = _submit_command
    if LSF in sys.modules:
        sys.modules[LSF].Executor.get_mem = _memory
        sys.modules[LSF].Executor.get_lsf_config = staticmethod(_configuration)
    for name in {SLURM, LSF} & sys.modules.keys():
        sys.modules[name].Executor.sleep = _sleep
    logger.addFilter(_shortened)


def _shortened(record: logging.LogRecord) -> bool:
    """Shorten the line of a submission: paths relative to the working folder."""
    if isinstance(record.msg, str) and _SUBMITTED in record.msg:
        short = record.msg.replace(_SUBMITTED, " submitted with ")
        record.msg = short.replace(f"{os.getcwd()}/", "")
    return True


def _run_directly(executor: Any) -> str:
    """Options of the Snakemake in a job: it runs the job itself."""
    return "--executor local --jobs 1"


def _submit_command(job: Any, params: Any, settings: Any = None, **how: Any) -> str:
    """The words of sbatch, which exclude lost nodes by their names only."""
    from snakemake_executor_plugin_slurm.submit_string import get_submit_command

    nodes = {name for name in how.pop("failed_nodes", None) or () if len(name.split()) == 1}
    return get_submit_command(job, params, settings, failed_nodes=nodes, **how)


async def _sleep(executor: Any) -> None:
    """Wait until the next query."""
    planned = executor.next_seconds_between_status_checks
    await asyncio.sleep(pause(planned, len(executor.active_jobs)))


def _memory(executor: Any, job: Any) -> str:
    """The memory to reserve, as `rusage[mem=...]` takes it; every job has `mem_mb`."""
    tasks = executor.get_cpus(job) if lsf_config.reserves_per_task(executor.lsf_config) else 1
    return f"{math.ceil(job.resources.get('mem_mb') / tasks)}MB"


def _configuration() -> dict[str, str]:
    """LSF's configuration, or an error of one line that names the missing part."""
    try:
        return lsf_config.plugin_keys()
    except CommandFailed as error:
        message = f"{error}; `make check-cluster PROFILE=lsf` gives details"
        raise WorkflowError(message) from None


def pause(planned: float, jobs: int) -> float:
    """Seconds until the next query, from the plugin's interval and the number of jobs."""
    return planned if jobs <= FEW_JOBS else max(planned, MANY_JOBS_INTERVAL)
