"""What is written for users is what the code does."""

import re
from pathlib import Path

from config import keys
from deepfake import config

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_keys_is_current():
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert text == keys.rewritten(text), "run `make docs`"


def test_every_key_names_the_stage_that_reruns():
    stages = {"all", "what changed", "nothing", *(p.stem for p in (ROOT / "rules").glob("*.smk"))}
    stages |= {"choose", "summary"}
    assert {stage for _, _, _, stage in config.keys()} <= stages


def test_every_command_of_the_readme_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))
    assert set(re.findall(r"^ +make ([a-z-]+)", readme, flags=re.M)) <= targets
    for path in re.findall(r"(?:scripts|config|rules|envs)/[A-Za-z_.]+\.(?:py|yaml|md)", readme):
        assert (ROOT / path).exists(), path
