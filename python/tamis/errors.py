"""What tamis refuses, as exceptions: one for each kind of error, which is one exit code of the program."""

from __future__ import annotations

from typing import Any, ClassVar


class TamisError(Exception):
    """An error of tamis. Its text never holds a value of the data.

    Attributes:
        code: Name of the error, as in docs/errors.md.
        exit: Exit code of the program for this kind of error.
        message: What happened, and where.
        help: What to do next, if there is something to say.
        findings: What is wrong in the specs, if the error is about specs.
        published: The version that was published before the error, if one was.
        report: What the command had found out before the error, if anything.
    """

    kinds: ClassVar[dict[int, type[TamisError]]] = {}

    def __init__(self, error: dict[str, Any], exit_code: int, report: Any) -> None:
        lines = [f"[{error['code']}] {error['message']}"]
        lines += [f"{f['file']}:{f['line']}: {f['message']}" for f in error["findings"] if not f["hint"]]
        lines += [f"help: {error['help']}"] if error["help"] else []
        super().__init__("\n".join(lines))
        self.code: str = error["code"]
        self.exit: int = exit_code
        self.message: str = error["message"]
        self.help: str | None = error["help"]
        self.findings: list[dict[str, Any]] = error["findings"]
        self.published: int | None = error["published"]
        self.report: Any = report
        self._error = error

    def __reduce__(self) -> tuple[type[TamisError], tuple[dict[str, Any], int, Any]]:
        """Lets the error pass between processes, as from a pool of them."""
        return type(self), (self._error, self.exit, self.report)

    @staticmethod
    def of(error: dict[str, Any], exit_code: int, report: Any) -> TamisError:
        """Returns the error as an exception of its kind."""
        return TamisError.kinds.get(exit_code, TamisError)(error, exit_code, report)


class PolicyError(TamisError):
    """The specs, the keys or the arguments are wrong (exit code 2)."""


class InputError(TamisError):
    """The export or a list of requests cannot be used as it is (exit code 3)."""


class BrakeError(TamisError):
    """A gate or a limit stopped the run before anything was published (exit code 4)."""


class UnknownOutcome(TamisError):
    """It is not known whether the version was published; the next run finds out (exit code 5)."""


class EvidenceError(TamisError):
    """Ledger, manifests, state or published files do not agree (exit code 6)."""


class InternalFault(TamisError):
    """A fault of tamis; nothing was published in part (exit code 70)."""


class StorageError(TamisError):
    """A store is away, or the work was stopped; try again (exit code 75)."""


TamisError.kinds.update(
    {2: PolicyError, 3: InputError, 4: BrakeError, 5: UnknownOutcome, 6: EvidenceError, 70: InternalFault, 75: StorageError}
)
