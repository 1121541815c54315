"""What other tools read of the repository: editors, catalogs, reference managers."""

import copy
import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

from config import keys

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `1e-3` is a number."""


EditorLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


def read(path: Path) -> dict:
    return EditorLoader(path.read_text(encoding="utf-8")).get_single_data()


def errors(values: dict) -> list[str]:
    schema = json.loads(keys.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(values)]


def test_the_schema_is_current():
    assert keys.SCHEMA.read_text(encoding="utf-8") == keys.schema(), "run `make docs`"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configurations_name_the_schema_and_fit_it(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={keys.SCHEMA.name}"
    assert errors(read(path)) == []


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("featurs", "pixels"),
        ("features", "pixel"),
        ("seed", "seven"),
        ("frames", {"every": 0}),
        ("sweep", {"svm": {"kernel": "sigmoid"}}),
    ],
)
def test_the_schema_marks_a_wrong_key_or_value(section, value):
    values = read(ROOT / "config" / "config.yaml")
    assert errors(copy.deepcopy(values) | {section: value})


def test_a_single_value_fits_the_schema_where_a_list_of_one_does():
    values = read(ROOT / "config" / "config.yaml")
    values |= {"features": "lbp", "sweep": {"svm": {"kernel": "rbf", "C": 1}}}
    assert errors(values) == []


def test_every_place_names_the_same_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", log, flags=re.M)
    assert headings == ["Upcoming", f"{version}, {cited['date-released']}"]
    assert cited["version"] == version


def test_hooks_run_what_make_check_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (local,) = hooks["repos"]
    entries = [hook["entry"].split()[0] for hook in local["hooks"]]
    assert local["repo"] == "local"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for tool in {Path(entry).name for entry in entries} - {"python"}:
        assert f"$(BIN)/{tool} " in makefile


def test_the_pipeline_runs_a_script_of_the_repository():
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    (run,) = (step["run"] for step in steps["jobs"]["test"]["steps"] if "run" in step)
    assert "make test" in (ROOT / run).read_text(encoding="utf-8")
