"""Figures as SVG inside a page. They use its text colour, so light, dark and print work.

Drawn by matplotlib without a display. The same data give the same text: no dates, no random ids.
"""

from __future__ import annotations

import io
import re

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

INK = "#010203"  # stands for the page's text colour
FAKE, REAL, DOUBT = "#d1495b", "#2e86ab", "#8d99ae"
MODEL_COLOURS = ("#8d6a9f", "#3f9a73", "#c77d0a", "#2e86ab", "#d1495b", "#8d99ae")

matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 9,
        "legend.frameon": False,
        "savefig.transparent": True,
    }
)


def new(width: float, height: float) -> Figure:
    """An empty figure of so many inches; draw into it, then `svg` it."""
    return Figure(figsize=(width, height), layout="constrained")


def axes(figure: Figure, *where, **how):
    """Add axes; arguments as of `Figure.add_subplot`."""
    return figure.add_subplot(*where, **how)


def svg(figure: Figure, name: str, description: str) -> Markup:
    """The figure as an SVG element for a page.

    Args:
        figure: drawn. name: unique in the page; ids inside begin with it.
        description: what it shows, for screen readers.
    """
    stored = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(stored, format="svg", metadata={"Date": None, "Creator": None})
    text = stored.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\1{name}-", text)
    text = re.sub(r'font: ([\d.]+px) [^;"]*', r"font-size: \1", text)
    widest = f"max-width: {1.5 * figure.get_figwidth():g}in"
    head = (
        f'<svg class="figure" style="{widest}" role="img" aria-label="{Markup.escape(description)}"'
    )
    for side in ("width", "height"):  # its viewBox is left: it fills its place
        text = re.sub(rf' {side}="[\d.]+pt"', "", text, count=1)
    return Markup(text.replace("<svg", head, 1))


def standalone(figure: Markup) -> str:
    """A figure of `svg` as its own file, with its own colour and font."""
    text = str(figure).replace("currentColor", "black")
    return text.replace("<svg", '<svg font-family="sans-serif"', 1) + "\n"
