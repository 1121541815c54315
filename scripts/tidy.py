"""List results that a run's configuration no longer names, and remove them when asked to.

    python scripts/tidy.py --config config/faceforensics.yaml

`make tidy` calls it. Whatever a configuration names again was kept until here.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from deepfake.core import schema
from deepfake.workflow import config, unused_results

ROOT = Path(__file__).resolve().parent.parent


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "config.yaml")
    arguments = parser.parse_args(words)
    try:
        made = config.load(schema.read_mapping(arguments.config), str(arguments.config))
    except schema.ConfigError as error:
        sys.exit(str(error))
    run = Path("results", made.run)
    if not run.is_dir():
        sys.exit(f"{run}: there is no such folder; nothing of this run is here")
    found = unused_results.find(run, made)
    if not found:
        print(f"{run}: {arguments.config} names all that is there")
        return
    sizes = [unused_results.size(path) for path in found]
    for path, size in zip(found, sizes, strict=True):
        print(f"{size / 1e6:10,.1f} MB  {path}")
    if any(Path(".snakemake", "locks").glob("*")):
        sys.exit("a run works in this folder (.snakemake/locks): nothing is removed now")
    print(f"{len(found)} files or folders, {sum(sizes) / 1e6:,.1f} MB, that {arguments.config}")
    print("does not name. Remove them? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print("nothing is removed")
        return
    for path in found:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    print("removed")


if __name__ == "__main__":
    main()
