"""An installation of its own for each test: the bundled specs and exports, with keys and state made on the spot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(os.environ["TAMIS_REPOSITORY"])
AS_OF = "2026-11-22T02:00:00Z"


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """Returns the folder that has `jobs`."""
    shutil.copytree(REPOSITORY / "jobs", tmp_path / "jobs")
    shutil.copytree(REPOSITORY / "fixtures" / "quickstart", tmp_path / "fixtures" / "quickstart")
    return tmp_path
