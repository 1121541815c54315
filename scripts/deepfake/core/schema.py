"""Check YAML against typed sections; report each problem in a plain line.

Nothing heavy is imported: the Snakefile is parsed again in every cluster job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from deepfake.core.filenames import nearest


class ConfigError(ValueError):
    """What is wrong with a configuration: one line a problem, each with its key path."""


class Section(BaseModel):
    """Base of every section: unknown keys are refused.

    Attributes:
        renamed: keys of earlier versions, and the path of the key that each became.
    """

    renamed: ClassVar[dict[str, str]] = {}
    model_config = ConfigDict(extra="forbid", frozen=True)


def key(default: Any, what: str, reruns: str, **limits: Any) -> Any:
    """A key with its default, its meaning, and the first stage that reruns when it changes."""
    return Field(default, description=what, json_schema_extra={"reruns": reruns}, **limits)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _number_or_word(value: Any) -> Any:
    """PyYAML reads `1e-3` as a string; a grid means the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _not_a_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


NotBool = BeforeValidator(_not_a_boolean)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), NotBool]
Int = Annotated[int, NotBool]
Float = Annotated[float, NotBool]
Words = Annotated[list[str], BeforeValidator(_as_list)]  # a single value is a list of one
Count = Annotated[int, Field(ge=1, le=10**9), NotBool]
NumberOrWord = BeforeValidator(_number_or_word)


def several(item: Any) -> Any:
    """A list of values; a single value is a list of one."""
    return Annotated[list[item], BeforeValidator(_as_list)]


def grid(item: Any) -> Any:
    """A list of values to try, one at least."""
    return Annotated[several(item), Field(min_length=1)]


Checked = TypeVar("Checked", bound=Section)


def check(model: type[Checked], values: Any, name: str) -> Checked:
    """Values as a section, with every default filled in.

    Args:
        model: the section. values: as YAML gave them.
        name: the file they came from, for messages.

    Raises:
        ConfigError: one line for each wrong key, with file and key path.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = _explain(error.errors(), model)
        lines = [f"{name}: {' '.join(line.splitlines())}" for line in found]
        raise ConfigError("\n".join(lines)) from None


def _explain(problems: list[Any], model: type[Section]) -> list[str]:
    """One line a key: its path, its value, what is wrong with it."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        path, known, renamed = _locate(problem["loc"], model)
        value = problem["input"]
        prefix = f"{path}: " if path else ""
        if problem["type"] == "extra_forbidden":
            last = path.split(".")[-1]
            near = nearest(last, known)
            what = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
            if last in renamed:
                what = f"it is {renamed[last]} now"
            prefix = prefix + "unknown key; "
        elif problem["type"] == "missing":
            what = f"missing; {_description(model, path)}"
        elif problem["type"] == "model_type":
            what = "should be a mapping of keys"
        else:
            what = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
            what = what.split(", unable to parse")[0]
            if isinstance(value, str | int | float) or value is None:
                prefix += f"{shown(value)} "
        found.setdefault(prefix, []).append(what)
    # a value that fits no branch of a union is one problem
    return [prefix + " or ".join(whats) for prefix, whats in found.items()]


def shown(value: str | int | float | None) -> str:
    """A value for a message, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"


class _Strict(yaml.SafeLoader):
    """Safe YAML in which no key appears twice; PyYAML would take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        known = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in known:
                what = f"the key {shown(key.value)} appears twice"
                raise yaml.MarkedYAMLError(problem=what, problem_mark=key.start_mark)
            known.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> Any:
    """The content of a YAML file: no objects, no key twice.

    Raises:
        ConfigError: one line with the file and, if known, the line.
    """
    try:
        return _Strict(Path(path).read_text(encoding="utf-8")).get_single_data()
    except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        what = getattr(error, "problem", None) or getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: {where}{' '.join(str(what).split())[:200]}") from None


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The keys in a file of YAML, or of JSON where its name ends so.

    Raises:
        ConfigError: one line with the file and, if known, the line.
    """
    if str(path).endswith(".json"):
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ConfigError(f"{path}: line {error.lineno}: {error.msg}") from None
        except (ValueError, OSError, RecursionError) as error:
            what = getattr(error, "strerror", None) or error
            raise ConfigError(f"{path}: {what}") from None
    else:
        values = read_yaml(path)
    if not isinstance(values, dict):
        what = "is empty" if values is None else "is no mapping of keys"
        raise ConfigError(f"{path}: {what}")
    return values


def _description(model: type[Section], path: str) -> str:
    """What a key of the top level is for."""
    field = model.model_fields.get(path)
    return (field.description if field else None) or "this key is required"


def _locate(loc: tuple[int | str, ...], model: Any) -> tuple[str, list[str], dict[str, str]]:
    """A key path like `sweep.svm.C[1]`, and the keys known and renamed beside its last part."""
    path, known, renamed = "", list(model.model_fields), model.renamed
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        if model is None:
            break  # the rest names a branch of a union, not a key
        known, renamed = list(model.model_fields), model.renamed
        path += f".{part}" if path else part
        field = model.model_fields.get(part)
        model = _section(field.annotation) if field else None
    return path, known, renamed


def _section(annotation: Any) -> type[Section] | None:
    """The section that a field holds, through `X | None`."""
    for kind in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def keys(model: type[Section], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Every key as (path, default, meaning, first stage that reruns), in order."""
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section:
            yield from keys(section, f"{prefix}{name}.")
        else:
            required = field.is_required()
            shown = "" if required else json.dumps(field.default).replace('"', "")
            yield prefix + name, shown, field.description, field.json_schema_extra["reruns"]
