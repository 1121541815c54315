"""Emulated LSFs for one test each, with minutes and intervals short enough to wait for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.cluster.lsf.cluster import EmulatedLsf

FAST = {
    "SECONDS_PER_MINUTE": 1,
    "SECONDS_AFTER_USR2": 0.3,
    "JOB_TERMINATE_INTERVAL": 0.3,
    "POLL_SECONDS": 0.05,
}


@pytest.fixture
def make_lsf(tmp_path) -> Iterator[Callable[..., EmulatedLsf]]:
    """Makes an emulated LSF; its settings and missing commands are the arguments."""
    with ExitStack() as stack:

        def make(*without: str, **settings: object) -> EmulatedLsf:
            folder = tmp_path / "lsf"
            return stack.enter_context(EmulatedLsf(folder, without, **FAST | settings))

        yield make


@pytest.fixture
def lsf(make_lsf) -> EmulatedLsf:
    """An emulated LSF of two slots that counts memory limits in MB."""
    return make_lsf()
