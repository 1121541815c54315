"""Set several runs beside each other: scores, settings that differ, paired differences.

    python scripts/compare.py results/a results/b --out results/compared

`make compare RUNS='results/a results/b'` calls it. Folders of finished runs are all that is read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deepfake.core import tables
from deepfake.evaluation import comparison
from deepfake.models.catalogue import SPECS
from deepfake.report import comparison as page
from deepfake.report import pages


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a finished run")
    parser.add_argument("--out", type=Path, required=True, help="folder for the table and the page")
    parser.add_argument("--level", type=float, default=0.95, help="of the intervals (default 0.95)")
    arguments = parser.parse_args(words)
    names = list(dict.fromkeys(str(Path(name)) for name in arguments.runs))
    if len(names) < 2:
        parser.error("name two runs or more; the others are compared with the first")
    if not 0 < arguments.level < 1:
        parser.error(f"--level {arguments.level:g}: must be between 0 and 1, like 0.95")
    ranks = {name: spec.rank for name, spec in SPECS.items()}
    try:
        runs = [comparison.read(name, ranks) for name in names]
        rows = comparison.table(runs, level=arguments.level)
    except comparison.ComparisonError as error:
        sys.exit(str(error))
    arguments.out.mkdir(parents=True, exist_ok=True)
    tables.write(rows, arguments.out / "comparison.tsv", comparison.COLUMNS)
    facts = page.facts(runs, rows, arguments.level)
    pages.write(arguments.out / "comparison.html", "comparison.html", **facts)
    print(page.text(facts))
    print(f"{arguments.out}/comparison.html, comparison.tsv")


if __name__ == "__main__":
    main()
