"""Variants of a run: other values of the keys above the models, as branches of one plan.

A stage of a variant is addressed by the values that decide it and differ from the run's own, like
`faces.margin=0.3`. So what two variants have equal is computed once, a new variant moves no file,
and one that is taken out and named again finds its results. The Snakefile calls this, so nothing
heavy is imported.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import create_model

from deepfake.core import schema
from deepfake.core.schema import ConfigError, Section

FOLDER = "variants"  # below the run's
BASE = "base"  # the run's own values
NAME = re.compile(r"[A-Za-z0-9._=+-]{1,200}")
# The sections that decide each stage: frames and faces; then everything from the rows on. Frames
# are kept only until their faces are cut. Were they shared, a new variant's would be newer than the
# faces of the others, and Snakemake would cut those again.
STAGES = {"faces": ("frames", "faces"), "models": ("frames", "faces", "training")}
SECTIONS = STAGES["models"]
LONGEST = 120  # characters of a folder's name
MOST = 50  # variants of a run

Values = Mapping[str, Any]  # of keys, by their path


@dataclass(frozen=True)
class Branch:
    """A folder of a run with results of its own.

    Attributes:
        folder: below the run's: "" of the base, else like "/variants/faces.margin=0.3".
        config: the settings of what is made there.
        stages: which of STAGES are made there.
        folder_of: by stage, the folder that has what is made from there.
        names: of the variants whose models are there.
        rows: of the base, how many rows all variants have, as multiples of its own; else 0.
    """

    folder: str
    config: Any
    stages: frozenset[str]
    folder_of: Mapping[str, str]
    names: tuple[str, ...]
    rows: float = 0.0

    @property
    def title(self) -> str:
        """The variants whose models are here; the folder, where it has only faces."""
        return ", ".join(self.names) or self.folder.rpartition("/")[2]


def branches(config: Any, name: str = "variants") -> dict[str, Branch]:
    """The branches of a run by their folder, the base first; only that without variants.

    Args:
        config: a `config.Config`. name: the file it came from, for messages.

    Raises:
        ConfigError: one line for each wrong key of a variant.
    """
    own = _flat(_sections(config))
    changes = {BASE: {}}
    changes |= {
        variant: {path: value for path, value in _flat(made).items() if own[path] != value}
        for variant, made in _variants(config, name).items()
    }
    found: dict[str, dict] = {}
    for variant, changed in changes.items():
        for stage, sections in STAGES.items():
            here = _within(changed, sections)
            branch = found.setdefault(_folder(here), {"of": here, "stages": set(), "names": []})
            branch["stages"].add(stage)
        branch["names"].append(variant)
    made = {
        folder: Branch(
            folder,
            _with(config, branch["of"]),
            frozenset(branch["stages"]),
            {stage: _folder(_within(branch["of"], STAGES[stage])) for stage in STAGES},
            tuple(branch["names"]),
        )
        for folder, branch in found.items()
    }
    rows = [_rows(branch.config) for branch in made.values() if branch.names]
    made[""] = replace(made[""], rows=sum(rows) / rows[0] if len(rows) > 1 else 0.0)
    return made


def is_folder(name: str) -> bool:
    """Whether a folder below FOLDER has the name that a branch's has: it says a value of a key."""
    return "=" in name and NAME.fullmatch(name) is not None


def _rows(config: Any) -> int:
    """Rows of a video."""
    return config.frames.per_video * (1 + config.training.copies.count)


def _variants(config: Any, name: str) -> dict[str, dict]:
    """The sections of each variant, as plain builtins."""
    if not isinstance(config.variants, dict):
        raise ConfigError(f"{name}: variants: should be a mapping of names to keys")
    product = {key: value for key, value in config.variants.items() if key in SECTIONS}
    named = {key: value for key, value in config.variants.items() if key not in product}
    model, made = _section_model(type(config)), {}
    for variant, changed in (*named.items(), *_product(product, name)):
        where = f"{name}: variants.{variant}"
        if not NAME.fullmatch(str(variant)) or variant == BASE:
            raise ConfigError(
                f"{name}: variants: {schema.shown(variant)}: a variant's name has letters, digits, "
                f"dots and dashes, and is not {BASE}"
            )
        if not isinstance(changed, dict) or not changed:
            raise ConfigError(f"{where}: should be a mapping of keys, like faces: {{margin: 0.3}}")
        if other := sorted(map(str, changed.keys() - set(SECTIONS))):
            raise ConfigError(
                f"{where}: {other[0]} is no section that a variant changes, which are "
                f"{', '.join(SECTIONS)}; feature sets and models are compared within a run"
            )
        if str(variant) in made:
            raise ConfigError(f"{where}: named twice, by itself and as one of the combinations")
        merged = _merged(_sections(config), changed)
        made[str(variant)] = _sections(schema.check(model, merged, where))
    if len(made) > MOST:
        raise ConfigError(f"{name}: variants: {len(made)} are more than {MOST}")
    return made


def _product(lists: dict, name: str) -> Iterator[tuple[str, dict]]:
    """Every combination of values of the keys under SECTIONS, by what it sets."""
    flat = _flat(lists)
    if lists and not flat:
        raise ConfigError(f"{name}: variants.{next(iter(lists))}: names no key with its values")
    for path, values in flat.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{name}: variants.{path}: should be a list of values, like [0, 0.3]")
    for values in itertools.product(*flat.values()) if flat else ():
        chosen = dict(zip(flat, values, strict=True))
        yield _address(chosen), _nested(chosen)


@functools.cache
def _section_model(config: type[Section]) -> type[Section]:
    """The sections that a variant changes, and no other key."""
    fields = {name: (config.model_fields[name].annotation, ...) for name in SECTIONS}
    return create_model("Variant", __base__=Section, **fields)


def _sections(values: Any) -> dict[str, Any]:
    return values.model_dump(mode="json", include=set(SECTIONS))


def _flat(values: Values, path: str = "") -> dict[str, Any]:
    found = {}
    for key, value in values.items():
        is_section = isinstance(value, dict)
        found |= _flat(value, f"{path}{key}.") if is_section else {f"{path}{key}": value}
    return found


def _nested(values: Values) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in values.items():
        *sections, key = path.split(".")
        here = found
        for section in sections:
            here = here.setdefault(section, {})
        here[key] = value
    return found


def _merged(values: dict, changed: dict) -> dict:
    return values | {
        key: _merged(values[key], value)
        if isinstance(value, dict) and isinstance(values.get(key), dict)
        else value
        for key, value in changed.items()
    }


def _within(changed: Values, sections: tuple[str, ...]) -> dict[str, Any]:
    return {path: value for path, value in changed.items() if path.split(".")[0] in sections}


def _with(config: Any, changed: Values) -> Any:
    """A configuration with other values; published runs are repeated by the base alone."""
    if not changed:
        return config
    merged = _merged(_sections(config), _nested(changed))
    made = _section_model(type(config)).model_validate(merged)
    update = {name: getattr(made, name) for name in SECTIONS}
    update["report"] = config.report.model_copy(update={"published": []})
    return config.model_copy(update=update)


def _folder(changed: Values) -> str:
    return f"/{FOLDER}/{_address(changed)}" if changed else ""


def _address(changed: Values) -> str:
    """What differs, as a folder's name: faces.margin=0.3+frames.per_video=32."""
    parts = [f"{path}={_text(changed[path])}" for path in sorted(changed)]
    text = "+".join(parts)
    if len(text) <= LONGEST and NAME.fullmatch(text):
        return text
    exact = json.dumps([(path, changed[path]) for path in sorted(changed)], default=str)
    return f"values={hashlib.sha256(exact.encode()).hexdigest()[:16]}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "_".join(map(_text, value)) or "none"
    return value if isinstance(value, str) else json.dumps(value, default=str)  # YAML has dates
