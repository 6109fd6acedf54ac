from typing import Callable, Optional

import pyarrow  # type: ignore[import-untyped]

__version__: str

Refused = tuple[int, str]

def carry_out(
    words: list[str], progress: Optional[Callable[[str, str, Optional[int]], object]] = None
) -> tuple[int, Optional[str], Optional[str]]:
    """Carries out a command; returns its exit code, its answer and its error, both as JSON."""

def protect_process() -> None:
    """Keeps memory of this process from dumps and debuggers, and new files from other users, as the program does."""

class RowMinimizer:
    def minimize(self, batch: pyarrow.RecordBatch) -> tuple[Optional[pyarrow.RecordBatch], Optional[Refused]]:
        """Minimizes a batch, or returns the exit code and the error as JSON."""
    def key_ids(self) -> tuple[str, str, str]:
        """Returns the ids of the keys in use: identity, token, and the name of the epoch."""

def row_minimizer(
    dir: str, roots: list[tuple[str, str]], job: str, as_of: Optional[str] = None
) -> tuple[Optional[RowMinimizer], Optional[Refused]]:
    """Makes a job ready, or returns the exit code and the error as JSON."""
