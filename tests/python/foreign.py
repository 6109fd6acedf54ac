"""Does to a table what other programs do: foreign.py TABLE ACTION [WHERE]. Prints the version it left."""

import sys

import deltalake
import polars

table = deltalake.DeltaTable(sys.argv[1])
match sys.argv[2]:
    case "vacuum":
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    case "properties":
        table.alter.set_table_properties({"delta.logRetentionDuration": "interval 60 days"})
    case "append-only":
        table.alter.set_table_properties({"delta.appendOnly": "true"}, raise_if_not_exists=False)
    case "delete":
        table.delete(sys.argv[3] if len(sys.argv) > 3 else "city = 'City 1'")
    case "append":
        polars.read_delta(sys.argv[1]).write_delta(sys.argv[1], mode="append")
    case "read":
        print(sorted(polars.read_delta(sys.argv[1])["contact"].to_list()))
        sys.exit()
print(deltalake.DeltaTable(sys.argv[1]).version())
