"""A whole workflow through snakemake, its LSF executor plugin and the emulated LSF.

It takes most of a minute: the plugin looks after its jobs 20 seconds after the start for the
first time, and waits 10 seconds longer after every look that found no job done.
"""

import re
import subprocess
import sys
from os import environ
from pathlib import Path

SNAKEFILE = """
rule gather:
    input: "light.txt", "hungry.txt"
    output: "all.txt"
    shell: "cat {input} >{output}"

rule light:
    output: "light.txt"
    shell: "echo light >{output}"

rule hungry:
    output: "hungry.txt"
    threads: 2
    params: attempt=lambda wildcards, resources: resources.attempt_
    resources:
        mem_mb=lambda wildcards, attempt: 300 * attempt,
        lsf_extra=lambda wildcards, attempt: f"-M {300 * attempt}",
        attempt_=lambda wildcards, attempt: attempt,
    shell:
        "{sys.executable} -ESc 'import time; held = bytearray(250 << 20); time.sleep(2)' && "
        "echo {params.attempt} >{output}"
"""
OPTIONS = [
    *("--executor", "lsf", "--jobs", "4", "--retries", "1", "--seconds-between-status-checks", "1"),
    *("--default-resources", "mem_mb=300", "runtime=5", "lsf_project=people", "lsf_queue=short"),
    "lsf_extra='-M 300'",
]


def test_a_job_over_its_memory_limit_is_submitted_again_with_more(make_lsf, tmp_path) -> None:
    lsf = make_lsf(SECONDS_PER_MINUTE=60, SLOTS=3)
    where = tmp_path / "run"
    where.mkdir()
    (where / "Snakefile").write_text("import sys\n" + SNAKEFILE)
    env = {name: value for name, value in environ.items() if not name.startswith("SNAKEMAKE_")}
    words = [sys.executable, "-m", "snakemake", *OPTIONS]
    env |= {"PATH": lsf.path}
    run = subprocess.run(words, cwd=where, env=env, capture_output=True, text=True, timeout=300)

    assert run.returncode == 0, run.stderr
    assert (where / "all.txt").read_text() == "light\n2\n"
    assert "LSF status is: 'EXIT'" in run.stderr

    hungry = [call for call in lsf.calls("bsub") if "rule_hungry" in call[1]]
    uuid = re.search(r"\((.+)\)", hungry[0][1])[1]
    log = where / ".snakemake" / "lsf_logs" / "rule_hungry" / "unique" / f"{uuid}.log"
    assert [call[:-1] for call in hungry] == [
        [
            *("-J", f"Snakemake_rule_hungry___({uuid})", "-o", str(log), "-e", str(log)),
            *("-env", "all", "-P", "people", "-q", "short", "-W", "5", "-n", "2"),
            *("-R", f"rusage[mem={memory / 2}]", "-R", "span[hosts=1]", "-M", f"{memory}"),
            *("-cwd", str(where)),
        ]
        for memory in (300, 600)
    ]
    assert [re.search(r"--attempt (\d)", call[-1])[1] for call in hungry] == ["1", "2"]

    jobs = [lsf.job(int(path.stem)) for path in Path(lsf.root, "jobs").glob("*.json")]
    ends = sorted((job["stat"], job["exit_reason"]) for job in jobs)
    assert ends == [("DONE", "")] * 3 + [("EXIT", "TERM_MEMLIMIT")]
    first, second = log.read_text().split("Sender: LSF System")[1:]
    assert "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.\n" in first
    assert "\nSuccessfully completed.\n" in second
