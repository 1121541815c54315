"""Tests of what a cluster's accounting says that jobs used."""

import os

from cluster import lsf, slurm, usage_table


def test_memory_that_was_not_sampled_is_unknown_and_not_0():
    told = (
        "7|rule_faces_wildcards_b0001||65|2026-11-30T23:59:00|2026-12-01T00:01:30\n"
        "7.batch|||65|2026-12-01T00:01:30|2026-12-01T00:01:30\n"
        "8|rule_faces_wildcards_b0002||61|2026-11-30T23:59:00|2026-11-30T23:59:06\n"
        "8.batch||138200K|61|2026-11-30T23:59:06|2026-11-30T23:59:06\n"
        "9|rule_matrix||10|2026-11-30T23:59:00|Unknown\n9.batch||0|10||\n"
    )
    found = slurm.used_from(told)
    assert [(rule, memory and round(memory)) for rule, memory, *_ in found] == [
        ("faces", None), ("faces", 135), ("matrix", None),
    ]  # fmt: skip
    faces, matrix = (line.split() for line in usage_table.from_accounting(found).splitlines()[1:])
    assert faces == ["faces", "2", "135", "1.1", "2.5"]  # the longest, over midnight
    assert matrix == ["matrix", "1", "unknown", "0.2", "unknown"]


def test_what_bjobs_does_not_know_of_a_job_is_unknown_too(tmp_path, monkeypatch):
    lines = (
        "Snakemake_rule_original_run:published=svm-1___(run-1)|612 Mbytes|70 second(s)",
        "Snakemake_rule_compile___(run-1)|-|3 second(s)",
    )
    command = tmp_path / "bjobs"
    command.write_text("#!/bin/sh\ncat <<'E'\n" + "\n".join(lines) + "\nE\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert lsf.used(["run-1"]) == [
        ("original_run", 612.0, 70.0, None),
        ("compile", None, 3.0, None),
    ]
