"""Render a template and data to one self-contained HTML page: no script, request or other file.

Every value is escaped by Jinja2, and a Content-Security-Policy in the page forbids scripts and the
network if an unescaped value remains. Templates are in templates/, one a page, over base.html.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from functools import cache
from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from deepfake.core import filenames
from deepfake.inference.reasons import NAMES

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **facts: object) -> str:
    """A page as text.

    Args:
        template: name of a file in templates/.
        facts: its data; a name that the template uses and that is missing is an error.
    """
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return _environment().get_template(template).render(style=style, **facts)


@cache
def _environment() -> jinja2.Environment:
    """It keeps compiled templates: a page of a batch's next video takes a third of the time."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "visible": filenames.shown}
    environment.filters["verdict_name"] = lambda verdict: NAMES.get(verdict, verdict)
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment


def write(path: str | Path, template: str, **facts: object) -> None:
    """Render a page into a file; undecodable bytes of a name are replaced."""
    Path(path).write_text(render(template, **facts), encoding="utf-8", errors="replace")


def percent(share: float) -> str:
    """A share between 0 and 1 as a whole percentage, never rounded to certainty."""
    whole = round(100 * share)
    return f"{min(max(whole, 1), 99) if 0 < share < 1 else whole} %"


def slug(name: str) -> str:
    """A file name for a video: readable, safe and unique."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(name).stem).strip("-")[:60]
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{stem or 'video'}-{digest}"


def jpeg(picture: np.ndarray, quality: int = 80) -> Markup:
    """A picture as a data URI. Args: picture: uint8 RGB of shape (height, width, 3)."""
    stored = io.BytesIO()
    Image.fromarray(picture).save(stored, "JPEG", quality=quality)
    return data_uri(stored.getvalue(), "image/jpeg")


def data_uri(data: bytes, kind: str) -> Markup:
    """Bytes as a data URI, safe in an attribute."""
    return Markup(f"data:{kind};base64,{base64.b64encode(data).decode()}")
