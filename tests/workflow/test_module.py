"""The workflow as a module of another one, in another folder."""

import os
import subprocess
import sys

import yaml

from tests.workflow import forked
from tests.workflow.running import DEFAULTS, ROOT, scan

SNAKEFILE = f"""
configfile: "run.yaml"


module deepfake:
    snakefile:
        "{ROOT}/Snakefile"
    config:
        config


use rule * from deepfake as deepfake_*


rule mine:
    default_target: True
    input:
        "results/asked/summary.txt",
    output:
        "mine.txt",
    params:
        known=lambda wildcards: [*rules.deepfake_report.params.job({{}})["outputs"]],
    shell:
        "cp {{input}} {{output}} # known: {{params.known}}"
"""


def test_another_workflow_plans_a_run_from_its_own_folder(tmp_path, demo_clips):
    scan("folders", "demo", demo_clips, tmp_path / "videos.tsv", videos_per_job=5)
    settings = {"run": "asked", "sheet": "videos.tsv", **DEFAULTS}
    settings["variants"] = {"wide": {"faces": {"margin": 0.3}}}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (tmp_path / "Snakefile").write_text(SNAKEFILE, encoding="utf-8")
    done = forked.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--dry-run", "--printshellcmds"],
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout
    counts = dict(cells for line in done.stdout.splitlines() if len(cells := line.split()) == 2)
    assert counts["mine"] == counts["deepfake_summary"] == counts["deepfake_matrix"] == "1"
    assert counts["deepfake_faces"] == "3"
    (known,) = (
        line.split("# known: ")[1] for line in done.stdout.splitlines() if "# known" in line
    )
    assert "deepfake_summary" in known
    assert "variant" not in known  # else the first variant would write the page of the base again
