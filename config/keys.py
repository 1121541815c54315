"""Write the table of keys in README.md from the code that checks them; `make docs` calls this."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))

from deepfake import config  # noqa: E402

START, END = "<!-- keys: written by `make docs` -->\n", "<!-- end of keys -->\n"


def table() -> str:
    """The keys as a Markdown table."""
    lines = ["| key | default | meaning | reruns from |", "|---|---|---|---|"]
    lines += [
        f"| `{path}` | `{default}` | {what} | {stage} |"
        for path, default, what, stage in config.keys()
    ]
    return "\n".join(lines) + "\n"


def rewritten(text: str) -> str:
    """A README with its table renewed."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    readme = HERE / "README.md"
    readme.write_text(rewritten(readme.read_text(encoding="utf-8")), encoding="utf-8")
