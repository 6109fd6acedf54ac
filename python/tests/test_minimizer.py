"""What is minimized row by row has the values that a run publishes; what a run refuses to read is refused."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as parquet
import pytest
import tamis
from conftest import AS_OF, JOB, contacts, published

MARK = "Quizzical-Marker-77"


@pytest.fixture
def jobs(installation: Path) -> Path:
    """Returns the folder of the specs of an installation that has keys, and no published version."""
    with pytest.raises(LookupError):
        tamis.run(JOB, dir=installation / "jobs", as_of=AS_OF, demo=True, progress=_stopped)
    return installation / "jobs"


def _stopped(kind: str, text: str, size: int | None) -> None:
    if kind == "stage":
        raise LookupError(kind)


def batch(installation: Path) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(contacts(installation))


def minimizer(jobs: Path) -> tamis.Minimizer:
    return tamis.Minimizer(JOB, dir=jobs, as_of=AS_OF)


def replaced(of: pa.RecordBatch, column: str, values: pa.Array) -> pa.RecordBatch:
    at = of.schema.get_field_index(column)
    return of.set_column(at, column, values)


def with_cell(of: pa.RecordBatch, column: str, row: int, value: str) -> pa.RecordBatch:
    cells = of.column(column).to_pylist()
    cells[row] = value
    return replaced(of, column, pa.array(cells, pa.string()))


def test_values_are_those_that_a_run_publishes_row_by_row(installation: Path) -> None:
    report = tamis.run(JOB, dir=installation / "jobs", as_of=AS_OF, demo=True)
    manifest = report["manifest"]
    of_run = [row for file in published(installation) for row in parquet.read_table(file).to_pylist()]
    ready = minimizer(installation / "jobs")
    minimized = ready.minimize_only(batch(installation))
    assert ready.keys == manifest["keys"]
    (schema,) = {parquet.read_schema(file) for file in published(installation)}
    assert minimized.schema.equals(schema, check_metadata=False)

    # The retention of fields is the one thing that takes single values from a row of this job.
    passing = {field["name"] for field in manifest["fields"] if field.get("keep")}
    assert passing == {"email", "email_domain"}
    by_token: dict[str, list[dict[str, object]]] = {}
    for row in minimized.to_pylist():
        by_token.setdefault(row["contact"], []).append(row)
    for row in of_run:
        same = [
            other
            for other in by_token[row["contact"]]
            if all(row[name] == other[name] or (row[name] is None and name in passing) for name in row)
        ]
        assert len(same) >= 1, "a row that was published is not among those that were minimized"
        by_token[row["contact"]].remove(same[0])
    assert sum(row["email"] is not None for row in of_run) > 100

    # What is left over is what lists, retention and gates took.
    left = sum(len(rows) for rows in by_token.values())
    excluded = [c for c in contacts(installation) if c["IsDeleted"] in ("true", "1") or c["LeadSource"] == "Internal test"]
    unreadable = manifest["rejected"]["clock_unreadable"]
    assert minimized.num_rows == len(contacts(installation)) - len(excluded) - unreadable
    assert left == minimized.num_rows - len(of_run) > 100


def test_what_comes_out_says_that_nothing_was_decided(installation: Path, jobs: Path) -> None:
    said = minimizer(jobs).minimize_only(batch(installation)).schema.metadata[b"tamis"]
    for word in ("request", "retention", "correction", "gate"):
        assert word.encode() in said
    for word in ("No list", "No retention", "No gate"):
        assert word in (tamis.Minimizer.__doc__ or "")


def test_parts_of_a_batch_give_parts_of_the_whole(installation: Path, jobs: Path) -> None:
    ready, whole = minimizer(jobs), batch(installation)
    parts = [ready.minimize_only(whole.slice(at, 37)) for at in range(0, whole.num_rows, 37)]
    assert pa.Table.from_batches(parts).combine_chunks().to_batches() == [ready.minimize_only(whole)]
    assert ready.minimize_only(whole.slice(0, 0)).num_rows == 0


def test_values_of_other_types_are_those_of_their_text(installation: Path, jobs: Path) -> None:
    ready, text = minimizer(jobs), batch(installation)
    typed = text
    days = [datetime.date.fromisoformat(day) if day else None for day in text.column("Birthdate").to_pylist()]
    spend = [Decimal(number) if number else None for number in text.column("Yearly_Spend__c").to_pylist()]
    for column, values in {
        "Birthdate": pa.array(days, pa.date32()),
        "Yearly_Spend__c": pa.array(spend, pa.decimal128(38, 2)),
        "MailingCity": text.column("MailingCity").dictionary_encode(),
        "Email": text.column("Email").cast(pa.large_string()),
        "Department": text.column("Department").cast(pa.string_view()),
        "IsDeleted": compute.is_in(text.column("IsDeleted"), value_set=pa.array(["true", "1"])),
    }.items():
        typed = replaced(typed, column, values)
    assert ready.minimize_only(typed).equals(ready.minimize_only(text))


def test_columns_that_nobody_declares_are_left_out_or_refuse_the_batch(installation: Path, jobs: Path) -> None:
    more = batch(installation).append_column("New__c", pa.array([MARK] * 900))
    minimized = minimizer(jobs).minimize_only(more)
    assert minimized.equals(minimizer(jobs).minimize_only(batch(installation)))
    source = jobs / "sources/salesforce-contact.toml"
    source.write_text(source.read_text().replace("[read]\n", '[read]\non_drift = "refuse"\n'))
    with pytest.raises(tamis.InputError) as refused:
        minimizer(jobs).minimize_only(more)
    assert (refused.value.code, refused.value.exit) == ("column-unlisted", 3)


@pytest.mark.parametrize("column", ["Id", "Email", "LastActivityDate", "IsDeleted", "MobilePhone", "MailingCity"])
def test_a_batch_without_a_column_that_the_job_needs_is_refused(installation: Path, jobs: Path, column: str) -> None:
    with pytest.raises(tamis.InputError) as refused:
        minimizer(jobs).minimize_only(batch(installation).drop_columns([column]))
    assert refused.value.code == "column-missing"
    assert f"the batch has no column {column}" in refused.value.message


def test_names_that_are_one_are_refused(installation: Path, jobs: Path) -> None:
    twice = batch(installation).append_column("EMAIL", pa.array([MARK] * 900))
    with pytest.raises(tamis.InputError) as refused:
        minimizer(jobs).minimize_only(twice)
    assert refused.value.code == "column-twice" and MARK not in str(refused.value)


@pytest.mark.parametrize("cell", [f"{MARK}\0", f"{MARK}\ufffd", MARK * 60_000])
def test_cells_that_cannot_be_believed_are_refused_with_their_record_and_no_value(
    installation: Path, jobs: Path, cell: str
) -> None:
    with pytest.raises(tamis.InputError) as refused:
        minimizer(jobs).minimize_only(with_cell(batch(installation), "MailingCity", 41, cell))
    assert "the batch, record 42, column" in refused.value.message
    assert MARK not in str(refused.value)


def test_columns_of_types_that_are_no_value_are_refused(installation: Path, jobs: Path) -> None:
    whole = batch(installation)
    for column, values in {
        "MailingCity": pa.array([[MARK]] * 900),
        "Email": pa.array([MARK.encode()] * 900),
        "Id": pa.array([1.5] * 900),
        "Department": pa.array([{"a": MARK}] * 900),
    }.items():
        with pytest.raises(tamis.InputError) as refused:
            minimizer(jobs).minimize_only(replaced(whole, column, values))
        assert refused.value.code == "format-not-read"
        assert column in str(refused.value) and MARK not in str(refused.value)


def test_rows_without_a_subject_or_a_readable_clock_are_left_out(installation: Path, jobs: Path) -> None:
    ready, whole = minimizer(jobs), batch(installation)
    before = ready.minimize_only(whole)
    at = next(
        row for row, c in enumerate(contacts(installation)) if c["IsDeleted"] not in ("true", "1") and c["LeadSource"] != "Internal test"
    )
    for column, cell in [("Id", " "), ("CreatedDate", MARK)]:
        assert ready.minimize_only(with_cell(whole, column, at, cell)).num_rows == before.num_rows - 1


def test_what_is_no_batch_is_refused_without_its_values(installation: Path, jobs: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    for wrong in ({"Id": MARK}, pa.RecordBatch.from_arrays([broken], ["Id"])):
        with pytest.raises(TypeError) as refused:
            minimizer(jobs).minimize_only(wrong)
        assert MARK not in str(refused.value) and "utf" not in str(refused.value).lower()


def test_a_job_that_decides_by_more_than_a_row_is_refused(jobs: Path) -> None:
    job = jobs / "crm-contacts.toml"
    job.write_text(job.read_text().replace('reason = "test-record"', 'reason = "test-record"\nscope = "person"'))
    with pytest.raises(tamis.PolicyError) as refused:
        minimizer(jobs)
    assert (refused.value.code, refused.value.exit) == ("spec-unusable", 2)
    assert "row by row" in refused.value.message


def test_a_source_with_several_versions_of_a_record_is_refused(jobs: Path) -> None:
    source = jobs / "sources/salesforce-contact.toml"
    source.write_text(source.read_text() + '\n[newest]\nversion = "CreatedDate"\n')
    with pytest.raises(tamis.PolicyError, match="R75"):
        minimizer(jobs)


def test_specs_keys_and_times_are_as_for_a_run(installation: Path) -> None:
    jobs = installation / "jobs"
    with pytest.raises(tamis.PolicyError) as refused:
        minimizer(jobs)
    assert refused.value.code.startswith("key")
    with pytest.raises(tamis.PolicyError) as refused:
        tamis.Minimizer("no-such-job", dir=jobs)
    assert refused.value.code == "name-unknown"
    tamis.run(JOB, dir=jobs, as_of=AS_OF, demo=True)
    with pytest.raises(tamis.PolicyError) as refused:
        tamis.Minimizer(JOB, dir=jobs, as_of="2999-01-01T00:00:00Z")
    assert refused.value.code == "as-of-wrong"


def test_nothing_is_written(installation: Path, jobs: Path) -> None:
    def everything() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in installation.rglob("*") if path.is_file()}

    before = everything()
    minimizer(jobs).minimize_only(batch(installation))
    assert everything() == before
