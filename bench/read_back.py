"""CPU seconds that three fixed queries over a result take, in DuckDB or Polars: the least of five turns each, in a process
of its own.

usage: read_back.py duckdb|polars PARQUET_GLOB
"""

import resource
import sys

TURNS = 5


def duckdb_queries(files):
    import duckdb

    table = f"read_parquet('{files}')"
    return [
        lambda text=text: duckdb.execute(text).fetchall()
        for text in (
            f"select country, count(*), count(distinct account) from {table} group by 1",
            f"select count(contact), min(email), max(phone), min(account) from {table} where birth_year > 1970",
            f"select max(hash(contact, email)), count(lead_source), max(created_month) from {table}",
        )
    ]


def polars_queries(files):
    import polars as pl

    table = pl.scan_parquet(files)
    column = pl.col
    queries = (
        table.group_by("country").agg(pl.len(), column("account").n_unique()),
        table.filter(column("birth_year") > 1970).select(
            column("contact").count(), column("email").min(), column("phone").max(), column("account").min()
        ),
        table.select(
            (column("contact").hash() ^ column("email").hash()).max(),
            column("lead_source").count(),
            column("created_month").max(),
        ),
    )
    return [query.collect for query in queries]


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def least(query):
    taken = []
    for _ in range(TURNS):
        before = cpu()
        query()
        taken.append(cpu() - before)
    return min(taken)


engine, files = sys.argv[1:3]
queries = {"duckdb": duckdb_queries, "polars": polars_queries}[engine](files)
print(*(f"{least(query):.3f}" for query in queries))
