"""Counts the rows of a table with a deltalake that stops at reader version 1: old_reader.py TABLE."""

import sys

import deltalake

table = deltalake.DeltaTable(sys.argv[1])
print(table.version(), table.to_pyarrow_table().num_rows)
