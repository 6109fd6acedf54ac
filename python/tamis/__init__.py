"""tamis from Python: its commands as functions, by the same library that the program is made of.

A function takes the folder of the specs and returns what the command prints with ``--json``, as a typed dictionary. What the
program refuses is raised as an exception with the code of the error and the exit code of the program::

    import tamis

    report = tamis.run("contacts", dir="jobs")
    print(report["manifest"]["rows_out"])

While tamis works other Python threads go on. Ctrl-C ends a run or a sweep before its commit: nothing is published.
"""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Iterator, Mapping, Optional, Union

from . import _native
from ._native import protect_process
from .errors import (
    BrakeError,
    EvidenceError,
    InputError,
    InternalFault,
    PolicyError,
    StorageError,
    TamisError,
    UnknownOutcome,
)
from .reports import CheckReport, Report, Status, SweepReport, VerifyReport

__version__: str = _native.__version__

Path = Union[str, "os.PathLike[str]"]
Progress = Callable[[str, str, Optional[int]], object]

__all__ = [
    "BrakeError",
    "CheckReport",
    "EvidenceError",
    "InputError",
    "InternalFault",
    "PolicyError",
    "Progress",
    "Report",
    "Status",
    "StorageError",
    "SweepReport",
    "TamisError",
    "UnknownOutcome",
    "VerifyReport",
    "check",
    "plan",
    "protect_process",
    "run",
    "status",
    "sweep",
    "verify",
]


def check(*, dir: Path = "jobs", roots: Mapping[str, str] | None = None) -> CheckReport:
    """Checks the specs. Hints are in the report.

    Raises:
        PolicyError: The specs have faults; they are in its ``findings``.
    """
    return _asked(["check"], dir, roots, None)


def plan(
    job: str,
    *,
    dir: Path = "jobs",
    roots: Mapping[str, str] | None = None,
    as_of: str | None = None,
    threads: int | None = None,
    memory_mib: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Returns what a run of the job would do, and writes nothing.

    A plan that a gate would stop is a report, too: its ``exit`` is not 0 and ``stops`` says why.

    Args:
        job: Name of the job.
        dir: Folder with policy.toml, sources/ and the jobs.
        roots: Other places for roots of the policy, by name.
        as_of: The instant at which time limits are judged, as in 2026-11-24T02:00:00Z.
        threads: Threads that work; as many as there are cores where it is not given.
        memory_mib: Rows are kept in memory up to this budget.
        progress: Is called with a kind ("stage", "advance", "warning" or "note"), a text, and a count of bytes.
    """
    words = ["plan", *_work(as_of, threads, memory_mib), "--", job]
    return _asked(words, dir, roots, progress)


def run(
    job: str,
    *,
    dir: Path = "jobs",
    roots: Mapping[str, str] | None = None,
    as_of: str | None = None,
    threads: int | None = None,
    memory_mib: int | None = None,
    demo: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Runs the job, and returns the report on the version that it published. The arguments are those of :func:`plan`.

    Args:
        demo: Makes keys for trying out and the state where there are none.

    Raises:
        TamisError: Nothing was published, or ``published`` of the error is the version that was.
        KeyboardInterrupt: Ctrl-C came before the commit; nothing was published.
    """
    words = ["run", *(["--demo"] if demo else []), *_work(as_of, threads, memory_mib), "--", job]
    return _asked(words, dir, roots, progress)


def sweep(
    *,
    dir: Path = "jobs",
    roots: Mapping[str, str] | None = None,
    as_of: str | None = None,
    threads: int | None = None,
    memory_mib: int | None = None,
    progress: Progress | None = None,
) -> SweepReport:
    """Applies requests and time limits to all published tables, and deletes old files that are due.

    Raises:
        TamisError: Something could not be swept; ``report`` of the error says what was.
    """
    words = ["sweep", *_work(as_of, threads, memory_mib)]
    return _asked(words, dir, roots, progress)


def verify(
    *, dir: Path = "jobs", roots: Mapping[str, str] | None = None, head: str | None = None
) -> VerifyReport:
    """Checks ledger, manifests and published files, without keys.

    Args:
        dir: Folder with policy.toml, sources/ and the jobs.
        roots: Other places for roots of the policy, by name.
        head: A ledger head noted earlier, as SEQ:DIGEST; finds entries that were cut off since.

    Raises:
        EvidenceError: Something does not hold; ``report`` of the error has all faults.
    """
    return _asked(["verify", *_option("--head", head)], dir, roots, None)


def status(*, dir: Path = "jobs", roots: Mapping[str, str] | None = None) -> Status:
    """Returns how each job stands, and how far requests have come."""
    return _asked(["status"], dir, roots, None)


def _work(as_of: str | None, threads: int | None, memory_mib: int | None) -> Iterator[str]:
    yield from _option("--as-of", as_of)
    yield from _option("--threads", threads)
    yield from _option("--memory", memory_mib)


def _option(name: str, value: object) -> Iterator[str]:
    # With `=` a value that begins with a dash is no other option.
    if value is not None:
        yield f"{name}={value}"


def _asked(words: list[str], dir: Path, roots: Mapping[str, str] | None, progress: Progress | None) -> Any:
    places = [f"--root={name}={url}" for name, url in (roots or {}).items()]
    exit_code, answer, error = _native.carry_out([f"--dir={os.fsdecode(dir)}", *places, *words], progress)
    report = None if answer is None else json.loads(answer)
    if error is not None:
        raise TamisError.of(json.loads(error), exit_code, report)
    return report
