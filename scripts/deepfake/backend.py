"""TensorFlow as every job has it: on the processor, quiet, with sums that do not depend on it."""

from __future__ import annotations

import os
import tempfile
from types import ModuleType


def tensorflow(threads: int) -> ModuleType:
    """TensorFlow with so many threads; once loaded, a process keeps their number.

    Raises:
        RuntimeError: it is in use with another number of threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its sums depend on the processor
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    # no file in the home folder, and no user's settings from it
    os.environ["KERAS_HOME"] = f"{tempfile.gettempdir()}/deepfake-keras-{os.getuid()}"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf
