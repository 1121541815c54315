"""Check and display file names: existing files, names that a table can hold, safe display.

The Snakefile needs this, so nothing heavy is imported.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterable

# What a table's line, a terminal or the direction of reading would take for more than a letter:
# control characters, line separators, bidirectional overrides; and bytes that are no UTF-8.
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_STEERS = re.compile(f"[{_CONTROL}\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
LONGEST = 200  # characters of a value in a message


def unwritable(name: str) -> str | None:
    """Why a table cannot hold a name as it is, or None."""
    if re.search(f"[{_CONTROL}]", name):
        return "has a control character"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "is not UTF-8"
    return None


def absent(path: str) -> str | None:
    """Why there is no file at a path, or None. A pipe or a device could block or never end."""
    if "\0" in path:  # each version of Python has other words for it
        return "cannot be read: embedded null byte"
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "is a link to no file" if os.path.islink(path) else "no such file"
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISDIR(mode):
        return "is a folder"
    return None if stat.S_ISREG(mode) else "is not a regular file"


def shown(text: str) -> str:
    r"""A text for a terminal or a message: control characters are escaped, like `\u202e`."""
    return _STEERS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def quoted(text: str) -> str:
    """A value for a message: quoted, escaped, and cut where it is long."""
    return repr(cut(text))


def cut(text: str) -> str:
    """A text, cut where it is long."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def nearest(word: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The known name that a word most likely misspells, whatever its capitals, or None.

    Args:
        cutoff: smallest similarity, from 0 to 1, by `difflib`.
    """
    forms = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.strip().casefold(), forms, n=1, cutoff=cutoff)
    return forms[found[0]] if found else None
