"""Reads a Delta table with every independent reader there is here; they must agree.

usage: readers.py TABLE    prints the number of rows and the columns with their types in each reader
"""

import sys

import duckdb
import polars
from deltalake import DeltaTable, QueryBuilder
from duckdb_extensions import import_extension

import_extension("delta")


def rows(columns, records):
    """Rows as sorted tuples, columns by name, so that readers can be compared."""
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    return sorted((tuple(record[place] for place in order) for record in records), key=repr)


def by_duckdb(table):
    connection = duckdb.connect()
    connection.load_extension("delta")
    answer = connection.execute("from delta_scan(?)", [table])
    columns = [column[0] for column in answer.description]
    return columns, rows(columns, answer.fetchall())


def by_polars(table):
    frame = polars.read_delta(table)
    return frame.columns, rows(frame.columns, frame.rows())


def by_deltalake(table):
    batches = QueryBuilder().register("published", DeltaTable(table)).execute("select * from published")
    frame = polars.DataFrame(batches)
    return frame.columns, rows(frame.columns, frame.rows())


def read(table):
    """Columns in the table's order and sorted rows, equal in all readers."""
    columns, records = by_duckdb(table)
    for reader in (by_polars, by_deltalake):
        also, same = reader(table)
        assert also == columns, f"{reader.__name__} has other columns: {also}, DuckDB {columns}"
        assert len(same) == len(records), f"{reader.__name__} has {len(same)} rows, DuckDB {len(records)}"
        assert same == records, f"{reader.__name__} has other values than DuckDB"
    return columns, records


if __name__ == "__main__":
    names, found = read(sys.argv[1])
    print(len(found), *names)
