"""Results of a run that its configuration no longer names: removed variants, feature sets, models.

No result is removed when a key changes: a key that is named again finds its results. `make tidy`
lists what no key names, and removes it after a yes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deepfake.features import registry as features
from deepfake.models.catalogue import SPECS
from deepfake.splits import protocols
from deepfake.workflow import variants
from deepfake.workflow.config import Config

FEATURES = (features.PIXELS, *features.NAMES)
PUBLISHED = "published"  # a folder of repeated runs, of which one is named like a model: logistic


def find(run: Path, config: Config) -> list[Path]:
    """Files and folders below a run's folder that its configuration does not name, sorted.

    Only what a run writes under the name of a variant, a feature set, a protocol or a model.
    """
    branches = variants.branches(config)
    used = {folder.rpartition("/")[2] for folder in branches}
    stored = run / variants.FOLDER
    found = [
        path
        for path in _listed(stored)
        if path.is_dir() and path.name not in used and variants.is_folder(path.name)
    ]
    for folder, branch in branches.items():
        found += _of_branch(Path(f"{run}{folder}"), branch.config)
    return sorted(found)


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links are not followed."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(size(one) for one in path.iterdir())


def _of_branch(folder: Path, config: Config) -> Iterator[Path]:
    """What stands in a branch under the name of a set, a protocol or a model that is not used."""
    for name in FEATURES:
        if name not in config.features:
            yield from filter(Path.is_dir, [folder / name])
            continue
        for protocol in protocols.ABOUT:
            place = folder / name / protocol
            if protocol not in config.split.protocols:
                yield from filter(Path.is_dir, [place])
                continue
            kinds = [kind for kind in _listed(place) if kind.name != PUBLISHED]
            for path in (one for kind in kinds for one in _listed(kind)):
                model = path.name.partition(".")[0]
                if model in SPECS and model not in config.sweep.names():
                    yield path


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
