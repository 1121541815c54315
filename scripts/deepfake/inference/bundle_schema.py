"""Whether a bundle holds the arrays that its model needs. Not how a bundle is read.

What a model needs it says itself, in its module: `LAYOUTS`, and `check` for what shapes alone do
not say. So a change there concerns the bundles of that model alone.
"""

from __future__ import annotations

from deepfake.models import average
from deepfake.models import registry as models
from deepfake.models.layout import Layout, check_shapes, demand
from deepfake.models.names import NAMES
from deepfake.models.registry import Fitted

AVERAGE = "average"  # holds its members' arrays under their names


def arrays(model: str, described: set[str], candidate: dict) -> dict[str, tuple[str, int]]:
    """The arrays that a model must hold, by those that it says to hold: dtype and dimensions.

    Raises:
        Refused: it holds others.
    """
    layout = _layout_of_average(described, candidate) if model == AVERAGE else None
    layout = layout or _layout(model, described)
    return {name: (dtype, len(shape)) for name, (dtype, shape) in layout.items()}


def check(model: str, arrays: dict, length: int, record: dict) -> None:
    """Whether a model's arrays and settings fit each other.

    Args:
        arrays: of dtypes and dimensions as `arrays` says. length: of a row of features.
        record: of bundle.json.

    Raises:
        Refused: they do not.
    """
    if model != AVERAGE:
        check_shapes(arrays, _layout(model, set(arrays)), length)
        models.module(model).check(arrays, length, record)
        return
    whole = Fitted(model, record["candidate"], arrays, record["settings"])
    for name in record["candidate"]["members"]:
        one, calibrated = average.member(whole, name)
        demand(calibrated["slope"] >= 0, f"settings.{name}.calibration.slope is negative")
        check(
            name,
            one.arrays,
            length,
            record | {"candidate": one.candidate, "settings": one.settings},
        )


def _layout(model: str, described: set[str]) -> Layout:
    """The layout of a model that has arrays of these names."""
    known = () if model == AVERAGE else models.module(model).LAYOUTS
    layout = next((layout for layout in known if set(layout) == described), None)
    names = ", ".join(sorted(described))
    demand(layout is not None, f"a {model} does not hold the arrays {names}")
    return layout


def _layout_of_average(described: set[str], candidate: dict) -> Layout | None:
    """The layouts of all members as one, or None where there are arrays of no member."""
    members = candidate["members"]
    demand(isinstance(members, dict) and len(members) > 1, "an average of less than two")
    found: Layout = {}
    for name in members:
        known = [one for one in NAMES if one != AVERAGE]
        demand(name in known, f"averages a {name!r}; known are {', '.join(known)}")
        start = f"{name}."
        own = {key.removeprefix(start) for key in described if key.startswith(start)}
        found |= {f"{start}{key}": array for key, array in _layout(name, own).items()}
    return found if set(found) == described else None
