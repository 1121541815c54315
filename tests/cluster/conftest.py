"""Clusters to test on: started once for a test session, ended with it."""

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.cluster.slurm.private_cluster import MissingRequirement, PrivateCluster


@pytest.fixture(scope="session")
def slurm(tmp_path_factory) -> Iterator[PrivateCluster]:
    """A private SLURM of two nodes with accounting."""
    yield from _running(PrivateCluster(tmp_path_factory.mktemp("slurm")))


@pytest.fixture(scope="session")
def slurm_without_accounting(tmp_path_factory) -> Iterator[PrivateCluster]:
    """A private SLURM of two nodes where sacct fails."""
    yield from _running(PrivateCluster(tmp_path_factory.mktemp("slurm"), accounting=False))


def _running(cluster: PrivateCluster) -> Iterator[PrivateCluster]:
    try:
        cluster.start()
    except MissingRequirement as missing:
        _refuse(f"no private SLURM here: {missing}")
    try:
        yield cluster
    finally:
        cluster.stop()


def _refuse(reason: str) -> NoReturn:
    if os.environ.get("DEEPFAKE_REQUIRE_CLUSTER") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
