"""Tokens and treatments alone, for batches of your own pipeline."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Mapping, Optional

from . import _native
from .errors import TamisError

if TYPE_CHECKING:
    import pyarrow  # type: ignore[import-untyped]


class Minimizer:
    """Makes the published fields of a job of batches that you hold, row by row, and decides nothing about them.

    What comes out is **not** what a run publishes. No list was applied: rows of erased persons are there, and values that were
    corrected are as they were. No retention was applied: rows and fields that are past keeping are there. No gate was
    applied: groups may be small, and columns may be full of values that could not be treated. Nothing is written to state
    or ledger. The schema of each batch that comes out says so under the key ``tamis``.

    Rows are left out only for what they are by themselves: without a subject, with a clock or an exclude that cannot be read,
    or excluded by the job. A job that decides by more than that (a purpose on consent, a sale with minors, a ``[notice]``, a
    source with ``[newest]``, an exclude of persons) is refused.

    Tokens are those of a run with the same keys: compare ``keys`` with ``report["manifest"]["keys"]``.

    Args:
        job: Name of the job.
        dir: Folder with policy.toml, sources/ and the jobs. Keys are found by the policy's ``[keys]``.
        roots: Other places for roots of the policy, by name.
        as_of: The instant at which ages are counted and dates are in the future; now, where it is not given.

    Raises:
        PolicyError: Specs, keys or arguments cannot be used, or the job cannot be minimized row by row.
    """

    def __init__(
        self,
        job: str,
        *,
        dir: str | os.PathLike[str] = "jobs",
        roots: Mapping[str, str] | None = None,
        as_of: str | None = None,
    ) -> None:
        ready, refused = _native.row_minimizer(os.fsdecode(dir), list((roots or {}).items()), job, as_of)
        if ready is None:
            raise _error(refused)
        self._ready = ready

    @property
    def keys(self) -> dict[str, str]:
        """Ids of the keys in use, as a manifest has them; nothing of the keys."""
        return dict(zip(("identity", "token", "epoch"), self._ready.key_ids()))

    def minimize_only(self, batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
        """Returns the published fields of a batch, and applies no list, retention or gate.

        The batch has columns of the export, by their names; a column that the source does not declare is left out, or refuses
        the batch where the source says so. Text is best: values of other types have the text that they have in Parquet files.

        Raises:
            InputError: A column that the job needs is missing or of a type that is not read, or a record cannot be read. The
                message names the record, from 1, and never a value.
            TypeError: It is no RecordBatch.
        """
        minimized, refused = self._ready.minimize(batch)
        if minimized is None:
            raise _error(refused)
        return minimized


def _error(refused: Optional[tuple[int, str]]) -> TamisError:
    assert refused is not None, "either the one or the other is there"
    exit_code, error = refused
    return TamisError.of(json.loads(error), exit_code, None)
