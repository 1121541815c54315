"""Names of files as text: where they lead, whether a table can hold them, how a terminal shows
them. Not what is in the files.

The Snakefile needs this, so nothing heavy is imported.
"""

from __future__ import annotations

import os
import re
import stat

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
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "is a link to no file" if os.path.islink(path) else "no such file"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISDIR(mode):
        return "is a folder"
    return None if stat.S_ISREG(mode) else "is not a regular file"


def shown(text: str) -> str:
    r"""A text for a terminal or a message: what could steer it is escaped, like `\u202e`."""
    return _STEERS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def quoted(text: str) -> str:
    """A value for a message: quoted, escaped, and cut where it is long."""
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")
