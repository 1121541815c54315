"""Write deepfake.yaml, the conda form of requirements.txt: the same pins, inline.

Snakemake copies a conda file to a folder of its own, so it cannot point to another file.
`make lock` calls this; a test holds the two files together.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
HEAD = """\
# The same pins as requirements.txt, for `snakemake --software-deployment-method conda`.
# Written by `make lock`; do not edit.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.12
  - pip
  - pip:
"""


def pins(requirements: str) -> list[str]:
    """The pinned requirements of a locked file, with their markers, without their hashes."""
    lines = (line.split("\\")[0].strip() for line in requirements.splitlines())
    return [line for line in lines if re.match(r"[A-Za-z0-9]", line)]


def text(requirements: str) -> str:
    """The conda file for a locked file."""
    return HEAD + "".join(f'      - "{pin}"\n' for pin in pins(requirements))


if __name__ == "__main__":
    locked = (HERE / "requirements.txt").read_text(encoding="utf-8")
    (HERE / "deepfake.yaml").write_text(text(locked), encoding="utf-8")
