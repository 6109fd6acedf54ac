"""Reads a Delta table with every independent reader there is here; they must agree.

usage: readers.py TABLE    prints the columns as JSON, then each row as JSON, sorted
TABLE is a folder, or s3://… or az://…, reached as AWS_* and AZURE_* in the environment say.
"""

import datetime
import decimal
import json
import os
import sys

import duckdb
import polars
from deltalake import DeltaTable, QueryBuilder
from duckdb_extensions import import_extension


def settings(table):
    """What deltalake and Polars need to reach the table: the environment's, by name."""
    names = [name for name in os.environ if name.startswith(("AWS_", "AZURE_"))]
    return {name: os.environ[name] for name in names} if "://" in table else {}


def secret(table):
    """The same for DuckDB, as a statement; none for a folder."""
    env = os.environ.get
    if table.startswith("s3://"):
        host = env("AWS_ENDPOINT", "").removeprefix("http://")
        return f"""create secret (type s3, key_id '{env("AWS_ACCESS_KEY_ID")}', secret '{env("AWS_SECRET_ACCESS_KEY")}',
            region '{env("AWS_REGION")}', endpoint '{host}', url_style 'path', use_ssl false)"""
    if table.startswith("az://"):
        # The delta extension looks for an emulator here, the azure extension where the connection string says.
        os.environ["AZURITE_BLOB_STORAGE_URL"] = env("AZURE_STORAGE_ENDPOINT", "").rpartition("/")[0]
        return f"""create secret (type azure, connection_string 'DefaultEndpointsProtocol=http;
            AccountName={env("AZURE_STORAGE_ACCOUNT_NAME")};AccountKey={env("AZURE_STORAGE_ACCOUNT_KEY")};
            BlobEndpoint={env("AZURE_STORAGE_ENDPOINT")}')""".replace("\n            ", "")
    return None


def rows(columns, records):
    """Rows as sorted tuples, columns by name, so that readers can be compared."""
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    return sorted((tuple(record[place] for place in order) for record in records), key=repr)


def by_duckdb(table):
    statement = secret(table)
    connection = duckdb.connect()
    for extension in ("httpfs", "azure", "delta") if "://" in table else ("delta",):
        import_extension(extension)
        connection.load_extension(extension)
    if statement:
        connection.execute(statement)
    answer = connection.execute("from delta_scan(?)", [table])
    columns = [column[0] for column in answer.description]
    return columns, rows(columns, map(utc, answer.fetchall()))


def by_polars(table):
    frame = polars.read_delta(table, storage_options=settings(table))
    return frame.columns, rows(frame.columns, map(utc, frame.rows()))


def by_deltalake(table):
    opened = DeltaTable(table, storage_options=settings(table))
    batches = QueryBuilder().register("published", opened).execute("select * from published")
    frame = polars.DataFrame(batches)
    return frame.columns, rows(frame.columns, map(utc, frame.rows()))


def utc(record):
    """Times in one zone: readers show the same instant in zones of their own."""
    instant = lambda value: isinstance(value, datetime.datetime) and value.tzinfo
    return [value.astimezone(datetime.timezone.utc) if instant(value) else value for value in record]


def read(table):
    """Columns in the table's order and sorted rows, equal in all readers."""
    columns, records = by_duckdb(table)
    for reader in (by_polars, by_deltalake):
        also, same = reader(table)
        assert also == columns, f"{reader.__name__} has other columns: {also}, DuckDB {columns}"
        assert len(same) == len(records), f"{reader.__name__} has {len(same)} rows, DuckDB {len(records)}"
        assert same == records, f"{reader.__name__} has other values than DuckDB"
    return columns, records


def canonical(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return value


def main():
    names, found = read(sys.argv[1])
    places = [sorted(names).index(name) for name in names]
    lines = ([canonical(record[place]) for place in places] for record in found)
    text = sorted(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    print(json.dumps(names), *text, sep="\n")


if __name__ == "__main__":
    main()
