"""Keep folders that libraries create out of the home folder."""

from __future__ import annotations

import os
import tempfile


def keep_out_of_home() -> None:
    """Give Keras and matplotlib folders for temporary files, before either is imported.

    So they take no settings from a user's home folder either.
    """
    for variable, name in (("KERAS_HOME", "keras"), ("MPLCONFIGDIR", "matplotlib")):
        os.environ[variable] = f"{tempfile.gettempdir()}/deepfake-{name}-{os.getuid()}"
