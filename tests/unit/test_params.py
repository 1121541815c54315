"""Every param of every rule that comes from the configuration is found under its key.

The rules' params are computed from a configuration whose values are the keys themselves, so that
each value says which key `make why` has to name when it changes.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from deepfake.workflow import config, config_diff, variants
from tests.unit.clips import SCRIPTS

RULES = SCRIPTS.parent / "rules"
KEYS = [path for path, *_ in config.keys()]
MODELS = sorted({path.split(".")[1] for path in KEYS if path.startswith("sweep.")})
PARAMS = re.compile(r"^rule (\w+):\n(?:(?!^rule ).*\n)*?        job=(lambda wildcards: "
                    r"(?:.*\n)+?)    message:", re.M)  # fmt: skip


def mark(key: str) -> str:
    return f"<{key}>"


def marked() -> SimpleNamespace:
    """A configuration with a mark for every value."""
    whole = SimpleNamespace()
    for path in KEYS:
        *sections, last = path.split(".")
        here = whole
        for section in sections:
            here.__dict__.setdefault(section, SimpleNamespace())
            here = getattr(here, section)
        setattr(here, last, mark(path))
    return whole


def plain(section: SimpleNamespace, *names: str) -> dict[str, Any]:
    return {
        name: plain(value) if isinstance(value, SimpleNamespace) else value
        for name, value in vars(section).items()
        if name in names or not names
    }


class Plan:
    """What rules take from the plan, of a marked configuration."""

    batches = {"b0001": []}
    published = {"svm-1": SimpleNamespace(model="svm", candidate={"C": 1}, test_size=None)}

    def videos(self, batch: str) -> list:
        return self.batches[batch]

    def __init__(self, whole: SimpleNamespace) -> None:
        self._sweep = plain(whole.sweep)
        self.candidates = {model: [grid] for model, grid in self._sweep.items()}

    def chosen(self, model: str, chunk: str) -> dict[int, dict]:
        return {0: self._sweep[model]}

    def family(self, chunk: str) -> dict:
        return self._sweep["forest"]

    def scalings(self, model: str, chunk: str | None = None) -> list[str]:
        return [grid] if (grid := self._sweep[model].get("scaling")) else []

    def in_columns(self, model: str, name: str) -> str:
        return mark("search.max_gram_rows")

    def scalings_published(self, name: str) -> list[str]:
        return ["standard"]

    def members(self, model: str, name: str | None = None) -> list[str]:
        return self._sweep["average"]["members"] if model == "average" else [model]

    def parts(self, model: str, chunk: str | None = None) -> dict[str, tuple[int, int]]:
        return {"t000": (0, 9)}

    def swept(self, splits: list[str] | None = None) -> dict[str, list[str]]:
        return {"protocol": ["grouped"], "features": ["pixels"], "model": ["svm"]}


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the rules' params may use: the functions of the rules, and a marked configuration."""
    found: dict[str, Any] = {"sys": sys}
    for file in ("common", "branches", "files"):
        exec(compile((RULES / f"{file}.smk").read_text("utf-8"), file, "exec"), found)
    whole = marked()
    found |= {"CONFIG": whole, "PLAN": Plan(whole), "plain": plain, "CLASSIFYING": False}
    branch = variants.Branch("", whole, frozenset(), dict.fromkeys(variants.STAGES, ""), ())
    found |= {"BRANCHES": {"": branch}, "plan_at": lambda _: Plan(whole)}
    found |= {"RUN": "results/x", "LEDGER": "ledger.tsv", "LACKING": {}, "COMPARED": []}
    sides = {"by": mark("transfer.by"), "train": ["a"], "test": ["b"]}
    found["LEFT_OUT"] = {"transfer-b": {"cross": sides, "reason": ""}}
    options = SimpleNamespace(bundle="b", prior=0.5, person="ada")
    found |= {"OPTIONS": options, "OTHERS": [], "UNREAD": []}
    found["person_file"] = SimpleNamespace(digest=lambda folder: "0")
    found["code"] = lambda *_: {}
    found["modules"] = lambda _: []
    found["perturbation_modules"] = list
    found["copy_modules"] = lambda _: []
    found["files_of_rules"] = lambda _: {}
    found["compared_folders"] = list
    found["searched_under"] = lambda _: []
    found["settings"] = SimpleNamespace(deciding=plain)
    return found


LAMBDAS = {
    name: textwrap.dedent(text).strip().removesuffix(",")
    for file in sorted(RULES.glob("*.smk"))
    for name, text in PARAMS.findall(file.read_text(encoding="utf-8"))
}


class Wildcards(SimpleNamespace):
    """As Snakemake's: values by name, and `get`."""

    def get(self, name: str, default: str) -> str:
        return getattr(self, name, default)


def wildcards_of(model: str) -> Wildcards:
    found = {"model": model, "protocol": "cross", "features": "pixels", "batch": "b0001"}
    found |= {"chunk": "c000", "fold": "0", "part": "t000", "scaling": "none", "published": "svm-1"}
    return Wildcards(**found, subset="x", compression="c23")


def configured(settings: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Path and key of every value that comes from the configuration."""
    for path, value in config_diff.flat(settings).items():
        for key in re.findall(r"<([\w.]+)>", repr(value)):
            yield path, key


def test_every_rule_with_a_script_has_its_params_looked_at():
    text = "".join(file.read_text(encoding="utf-8") for file in RULES.glob("*.smk"))
    scripts = re.findall(r'"\.\./scripts/\w+\.py"', text)
    assert len(LAMBDAS) == len(scripts) > 25


def params(names: dict[str, Any], rule: str, model: str) -> dict[str, Any]:
    """A job's params, its candidates by their number, as `make why` compares them."""
    found = eval(LAMBDAS[rule], names)(wildcards_of(model))
    if isinstance(found.get("candidates"), list):
        found["candidates"] = dict(enumerate(found["candidates"]))
    return found


@pytest.mark.parametrize("rule", LAMBDAS)
@pytest.mark.parametrize("model", MODELS)
def test_every_configured_param_is_found_under_its_key(names, rule, model):
    if rule == "train" and model != "mesonet":
        return
    job = params(names, rule, model)
    for path, key in configured(job):
        assert config_diff.key(path, job.get("keys", {})) == key, path


def test_the_sides_of_a_split_that_leaves_one_out_are_no_keys_of_the_protocol_cross(names):
    wildcards = wildcards_of("svm")
    wildcards.protocol = "transfer-b"
    new = eval(LAMBDAS["split"], names)(wildcards)
    assert "split.cross.by" not in {key for _, key in configured(new)}
    old = eval(repr(new).replace("<transfer", "<before transfer").replace("['a']", "['c']"))
    assert config_diff.differences(old, new) == [
        "key transfer.by: <before transfer.by> -> <transfer.by>",
        "setting split.cross.train: [c] -> [a]",
    ]


def test_a_changed_value_is_told_by_its_key_in_every_rule(names):
    """All keys at once: each line of a difference names a key."""
    told = set()
    for rule in LAMBDAS:
        new = params(names, rule, "mesonet" if rule == "train" else "svm")
        old = eval(repr(new).replace("<", "<before "))
        lines = config_diff.differences(old, new)
        assert len(lines) == len({key for _, key in configured(new)})
        assert all(re.match(r"key ([\w.]+): .*<before \1>.* -> .*<\1>", line) for line in lines)
        told |= {line.split(":")[0].removeprefix("key ") for line in lines}
    assert told == set(KEYS)
