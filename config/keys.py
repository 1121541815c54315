"""Write what documents and editors know of the keys, from the code that checks them; `make docs`.

The tables of docs/configuration.md, and schema.json, by which an editor completes and checks the
keys of a configuration as they are typed.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from deepfake.preprocessing.perturbations import registry  # noqa: E402
from deepfake.workflow import config  # noqa: E402

PAGE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "config" / "schema.json"
MARKS = "<!-- {}: written by `make docs` -->\n", "<!-- end of {} -->\n"


def table() -> str:
    """The keys as a Markdown table."""
    lines = ["| key | default | meaning | reruns from |", "|---|---|---|---|"]
    lines += [
        f"| `{path}` | `{default}` | {what} | {stage} |"
        for path, default, what, stage in config.keys()
    ]
    return "\n".join(lines) + "\n"


def perturbations() -> str:
    """What each perturbation does, as a Markdown table."""
    lines = ["| key | what happens to a clip |", "|---|---|"]
    lines += [f"| `{name}` | {record.about} |" for name, record in registry.ALL.items()]
    return "\n".join(lines) + "\n"


def rewritten(text: str) -> str:
    """A page with its tables renewed."""
    for name, lines in (("keys", table()), ("perturbations", perturbations())):
        start, end = (mark.format(name) for mark in MARKS)
        before, rest = text.split(start)
        text = before + start + lines + end + rest.split(end)[1]
    return text


def schema() -> str:
    """The keys as a JSON schema, as text. What only the code can check is not in it."""
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A run of the deepfake video workflow",
        **_plain(config.Config.model_json_schema()),
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _plain(node: Any) -> Any:
    """A schema without the titles that repeat names, and with single values for lists of one."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {}
    for name, part in node.items():
        if name in ("properties", "$defs"):
            made[name] = {key: _plain(section) for key, section in part.items()}
        elif name not in ("title", "reruns"):
            made[name] = part if name == "default" else _plain(part)
    if made.get("type") == "array" and "items" in made:
        about = {name: made.pop(name) for name in ("default", "description") if name in made}
        made = {"anyOf": [made["items"], made], **about}
    return made


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
