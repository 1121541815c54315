"""Clips that several kinds of tests use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def demo_clips(tmp_path_factory) -> Path:
    """Six stand-ins in three pairs: 12 short clips."""
    folder = tmp_path_factory.mktemp("clips")
    command = [sys.executable, ROOT / "scripts/make_demo.py", "--out", folder]
    subprocess.run([*command, "--pairs", "3", "--frames", "22"], check=True)
    return folder


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """The folder of real clips in the layout of FaceForensics++."""
    folder = os.environ.get("DEEPFAKE_TEST_CLIPS", "")
    if not folder:
        pytest.skip("DEEPFAKE_TEST_CLIPS names no folder of clips")
    return Path(folder)
