"""An installation of its own for each test: the bundled specs and exports, with keys and state made on the spot."""

from __future__ import annotations

import csv
import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(os.environ["TAMIS_REPOSITORY"])
AS_OF = "2026-11-22T02:00:00Z"
JOB = "crm-contacts"


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """Returns the folder that has `jobs`."""
    shutil.copytree(REPOSITORY / "jobs", tmp_path / "jobs")
    shutil.copytree(REPOSITORY / "fixtures" / "quickstart", tmp_path / "fixtures" / "quickstart")
    return tmp_path


def export(installation: Path) -> str:
    """Returns the text of the export of contacts."""
    with zipfile.ZipFile(_archive(installation)) as archive:
        return archive.read("Contact.csv").decode()


def replace_export(installation: Path, text: str) -> None:
    """Puts another export of contacts in the place of the bundled one."""
    path = _archive(installation)
    with zipfile.ZipFile(path) as archive:
        others = {name: archive.read(name) for name in archive.namelist() if name != "Contact.csv"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**others, "Contact.csv": text.encode()}.items():
            archive.writestr(name, content)


def contacts(installation: Path) -> list[dict[str, str]]:
    """Returns the records of the export of contacts."""
    return list(csv.DictReader(io.StringIO(export(installation))))


def published(installation: Path) -> list[Path]:
    """Returns the files of the published table."""
    return sorted((installation / "target/quickstart/lake").rglob("*.parquet"))


def _archive(installation: Path) -> Path:
    exports = installation / "fixtures/quickstart/exports"
    (found,) = (path for path in exports.rglob("*.zip") if "Contact.csv" in zipfile.ZipFile(path).namelist())
    return found
