"""What is written for users is what the code does."""

import re
import subprocess
import sys

import pytest

from config import keys
from deepfake.dataset.layouts.registry import LAYOUTS
from deepfake.features import registry as features
from deepfake.models import registry as models
from deepfake.workflow import config
from tests.unit import documents
from tests.unit.documents import PAGES, ROOT

FOLDERS = "scripts|config|rules|envs|profiles|benchmarks|tests|docs"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# what a user makes, and what stands for any name
OURS_TO_MAKE = {"profiles/site.yaml"}
ENDINGS = (".py", ".html", ".tsv", ".smk", ".txt", ".json", ".svg")  # of files, not of keys
every_page = pytest.mark.parametrize("page", PAGES, ids=documents.name)


def test_the_table_of_keys_is_current():
    text = keys.PAGE.read_text(encoding="utf-8")
    assert text == keys.rewritten(text), "run `make docs`"


def test_every_key_names_the_stage_that_reruns():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, flags=re.M))
    stages = {stage for _, _, _, stage in config.keys()}
    assert len(stages & rules) > 10
    assert stages - rules == {"all", "what changed", "nothing"}


@every_page
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in documents.links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in documents.anchors(target), link


@every_page
def test_every_file_that_is_named_exists(page):
    named = re.findall(rf"(?<![\w/.<])(?:{FOLDERS})/[\w./-]+\.\w+", documents.text(page))
    for path in set(named) - OURS_TO_MAKE:
        beside = page.parent / path
        assert (ROOT / path).exists() or beside.exists(), path


@every_page
def test_every_make_target_exists_with_its_variables(page):
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.M))
    told = [*documents.commands(page), *documents.quoted(page)]
    for command in (line for line in told if line.startswith("make ")):
        words = re.sub(r"'[^']*'", "x", command.split("&&")[0]).split()[1:]
        for word in words:
            if "=" in word:
                variable = word.split("=")[0]
                assert re.search(rf"\$[($]{variable}\b", MAKEFILE), command
            else:
                assert word in targets, command


@every_page
def test_every_configuration_key_exists(page):
    known = {path for path, *_ in config.keys()}
    known |= {path.rsplit(".", count)[0] for path in known for count in (1, 2) if "." in path}
    sections = {path.split(".")[0] for path in known if "." in path}
    for word in documents.quoted(page):
        is_key = re.fullmatch(r"[a-z_]+(\.[A-Za-z_0-9]+)+", word) and word.split(".")[0] in sections
        if is_key and not word.endswith(ENDINGS):
            assert word in known, word


@every_page
def test_every_target_of_snakemake_is_a_rule(page):
    rules = set()
    for path in (ROOT / "rules").glob("*.smk"):
        rules |= set(re.findall(r"^rule (\w+):", path.read_text(encoding="utf-8"), flags=re.M))
    told = [*documents.commands(page), *documents.quoted(page)]
    for command in told:
        if match := re.match(r"(?:\.venv/bin/)?snakemake ([a-z_]+)\b", command):
            assert match[1] in rules, command


@every_page
def test_every_option_of_a_script_exists(page):
    for command in documents.commands(page):
        if match := re.match(r"\.venv/bin/python (scripts/\w+\.py) (.*)", command):
            path, words = match.groups()
            helped = subprocess.run(
                [sys.executable, ROOT / path, "--help"], capture_output=True, text=True, check=True
            ).stdout
            for option in re.findall(r"(?<!\S)--[a-z-]+", words):
                assert option in helped, command
            for layout in re.findall(r"--layout (\w+)", words):
                assert layout in LAYOUTS


def test_every_layout_model_and_feature_set_has_its_line():
    configuration = documents.text("docs/configuration.md")
    methods = documents.text("docs/methods.md")
    assert [name for name in LAYOUTS if f"\n| `{name}` |" not in configuration] == []
    sets = (features.PIXELS, *features.NAMES)
    assert [name for name in (*models.NAMES, *sets) if f"\n| `{name}` |" not in methods] == []
    for name in features.NAMES:
        row = next(line for line in methods.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"| {features.length(name, 320):,} |" in row


def test_the_readme_is_short_and_its_first_commands_are_those_that_are_tested():
    readme = documents.text("README.md")
    assert len(readme.split()) <= 900
    assert documents.commands("README.md")[:2] == ["make demo", "make test"]
    assert "exec make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readmes_commands_for_own_videos_are_the_tutorials():
    """Which tests/workflow/test_tutorial.py runs."""
    tutorial = documents.commands("docs/tutorial.md")
    own = [line for line in documents.commands("README.md") if line.startswith(".venv/bin/")]
    assert len(own) == 3
    assert set(own) <= set(tutorial)
