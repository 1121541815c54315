"""Clusters to test on: started once for a test session, ended with it."""

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.cluster.slurm.private_cluster import ClusterError, MissingRequirement, PrivateCluster

# mariadbd 10.11 sometimes dies of a fault of its own (signal 11) while slurmdbd makes its tables.
STARTS = 2


@pytest.fixture(scope="session")
def slurm(tmp_path_factory) -> Iterator[PrivateCluster]:
    """A private SLURM of two nodes with accounting."""
    yield from _running(tmp_path_factory)


@pytest.fixture(scope="session")
def slurm_without_accounting(tmp_path_factory) -> Iterator[PrivateCluster]:
    """A private SLURM of two nodes where sacct fails."""
    yield from _running(tmp_path_factory, accounting=False)


def _running(tmp_path_factory, **options: bool) -> Iterator[PrivateCluster]:
    cluster = _started(tmp_path_factory, options)
    try:
        yield cluster
    finally:
        cluster.stop()


def _started(tmp_path_factory, options: dict[str, bool]) -> PrivateCluster:
    """A cluster that is up: one that failed to start is tried once more, in another folder."""
    for attempt in range(1, STARTS + 1):
        cluster = PrivateCluster(tmp_path_factory.mktemp("slurm"), **options)
        try:
            cluster.start()
        except MissingRequirement as missing:
            _refuse(f"no private SLURM here: {missing}")
        except ClusterError:
            if attempt == STARTS:
                raise
        else:
            return cluster
    raise AssertionError("STARTS is less than 1")


def _refuse(reason: str) -> NoReturn:
    if os.environ.get("DEEPFAKE_REQUIRE_CLUSTER") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
