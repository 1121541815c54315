"""What differs between the settings of a job now and then, in the words of the configuration.

Knows nothing of files or of Snakemake: see scripts/why.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deepfake.core import codehash
from deepfake.workflow import config

KEYS = "keys"  # entry of a job's params: see `key`
ABSENT = object()  # the value of a setting on the side that lacks it
Path = tuple[str, ...]
Settings = dict[Path, Any]


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """A line for each setting, module or package that is not what it was, each once.

    Args:
        old, new: a job's params; `new` has the entry KEYS where `key` needs it.
    """
    keys = new.get(KEYS, {})
    before, after = flat(old), flat(new)
    lines = [
        _line(path, before.get(path, ABSENT), after.get(path, ABSENT), keys)
        for path in dict.fromkeys((*after, *before))
        if not _same(before.get(path, ABSENT), after.get(path, ABSENT))
    ]
    return list(dict.fromkeys(lines))


def flat(settings: dict[str, Any]) -> Settings:
    """Every setting under its path; of a numbered collection, all values of each setting."""
    return dict(_walk({name: value for name, value in settings.items() if name != KEYS}, ()))


def key(path: Path, keys: Mapping[str, str]) -> str | None:
    """The configuration's key that a setting of a job comes from, or None.

    A setting stands in params under its key, or `keys` says where it comes from.

    Args:
        path: of the setting in a job's params.
        keys: by a path or the start of one, the key or section that stands there; "" is the whole
            configuration. Paths and keys are joined by dots. Of several starts the longest counts.
    """
    for end in range(len(path), 0, -1):
        if (start := ".".join(path[:end])) in keys:
            path = (*filter(None, keys[start].split(".")), *path[end:])
            break
    name = ".".join(path)
    return name if name in {known for known, *_ in config.keys()} else None


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and all(isinstance(name, int) for name in value):
        members = [member for _, member in sorted(value.items())]
        for name in dict.fromkeys(name for member in members for name in member):
            yield (*path, name), _distinct(member[name] for member in members if name in member)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, (*path, name))
    else:
        yield path, value


def _distinct(values: Iterable[Any]) -> list[Any]:
    distinct: list[Any] = []
    for value in values:
        if not any(_same(value, other) for other in distinct):
            distinct.append(value)
    return distinct


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # as Snakemake compares them: 1 and 1.0 differ


def _line(path: Path, old: Any, new: Any, keys: Mapping[str, str]) -> str:
    last = path[-1]
    change = f"{_shown(old)} -> {_shown(new)}"
    if "/" in last:  # a template is a module too
        return f"module {last} {_happened(old, new)}"
    if last in codehash.PACKAGES.values():
        return f"package {last}: {change}"
    if isinstance(old, list) and isinstance(new, list) and _are_rows([*old, *new]):
        added = sum(row not in old for row in new)
        gone = sum(row not in new for row in old)
        return f"{'.'.join(path)}: {added} added, {gone} gone, of {len(new)}"
    name = key(path, keys)
    return f"key {name}: {change}" if name else f"setting {'.'.join(path)}: {change}"


def _are_rows(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)


def _happened(old: Any, new: Any) -> str:
    if old is ABSENT:
        return "is imported now"
    return "is not imported any more" if new is ABSENT else "changed"


def _shown(value: Any, width: int = 60) -> str:
    """A value as the configuration's own documentation writes it."""
    if value is ABSENT:
        return "(none)"
    text = json.dumps(value, default=str).replace('"', "")
    return text if len(text) <= width else f"{text[: width - 3]}..."
