from typing import Callable, Optional

__version__: str

def carry_out(
    words: list[str], progress: Optional[Callable[[str, str, Optional[int]], object]] = None
) -> tuple[int, Optional[str], Optional[str]]:
    """Carries out a command; returns its exit code, its answer and its error, both as JSON."""

def protect_process() -> None:
    """Keeps memory of this process from dumps and debuggers, and new files from other users, as the program does."""
