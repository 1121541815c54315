"""Load TensorFlow for a job: CPU only, quiet, with sums that do not depend on the processor."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from deepfake.core import library_folders


def tensorflow(threads: int) -> ModuleType:
    """TensorFlow with so many threads; once loaded, a process keeps their number.

    Raises:
        RuntimeError: it is in use with another number of threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its sums depend on the processor
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    library_folders.keep_out_of_home()
    with _absent("matplotlib", "pandas", "sklearn"):
        import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


@contextmanager
def _absent(*names: str) -> Iterator[None]:
    """Let packages be as if they were not installed, where they are not loaded yet.

    Keras loads them for what we do not use, and does without: a third of TensorFlow's start.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # an entry of None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
