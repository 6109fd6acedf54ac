"""Reads a published table with a program that has nothing of ours, and prints it in one canonical form.

    read_table.py duckdb|polars|deltalake PATH

First line: number of rows and the columns, as JSON. Then one line of JSON per row, sorted. Needs `requirements.txt`.
"""

import datetime
import decimal
import json
import sys


def duckdb(path):
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("delta")
    connection = duckdb.connect()
    connection.execute("LOAD delta")
    return connection.execute("SELECT * FROM delta_scan(?)", [path]).to_arrow_table()


def polars(path):
    import polars

    return polars.scan_delta(path).collect().to_arrow()


def deltalake(path):
    from deltalake import DeltaTable

    return DeltaTable(path).to_pyarrow_table()


def canonical(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return value


def main():
    engine, path = sys.argv[1:]
    table = {"duckdb": duckdb, "polars": polars, "deltalake": deltalake}[engine](path)
    print(json.dumps([table.num_rows, table.column_names]))
    rows = zip(*(column.to_pylist() for column in table.columns))
    lines = (json.dumps([canonical(value) for value in row], ensure_ascii=False, separators=(",", ":")) for row in rows)
    sys.stdout.write("".join(line + "\n" for line in sorted(lines)))


main()
