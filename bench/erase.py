"""What erasing costs: `bench/run` calls this after the main job, and `bench/run --erase` alone.

- A thousand subjects (and ten) erased from the published dataset: CPU, wall, bytes read and rewritten by `tamis sweep`,
  next to DuckDB and Polars writing the whole table again without as many subjects. Tokens spread over all files, so a
  thousand subjects touch every file, and ten a few.
- A list of a million entries (ten with `--most`) against the export: the run that takes the list in, the run after it,
  and the peers' anti-joins with the same list.
"""

import csv
import json
import shutil
import statistics

MORE = """
[lists.more]
input = "more:*.csv"
effect = "erase"
match = { ContactId = "salesforce-id", Email = "email" }
request = "Case"
received = "RequestedAt"
may_be_empty = true
"""

REWRITE = {
    "duckdb": """
import duckdb, sys
table, tokens, out = sys.argv[1:4]
duckdb.execute(
    "copy (select * from read_parquet($table) where contact not in (select column0 from read_csv($tokens, header = false, "
    "all_varchar = true))) to $out (format parquet, compression zstd)", {"table": table, "tokens": tokens, "out": out})
""",
    "polars": """
import polars as pl, sys
table, tokens, out = sys.argv[1:4]
gone = pl.read_csv(tokens, has_header=False, new_columns=["token"], infer_schema=False)
kept = pl.scan_parquet(table).join(gone.lazy(), left_on="contact", right_on="token", how="anti", maintain_order="left")
kept.sink_parquet(out, compression="zstd")
""",
}


def ids(folder, count):
    """Every n-th id of the export, so that they are spread over it."""
    with open(folder / "contacts.csv", newline="", encoding="utf-8") as source:
        rows = csv.DictReader(source)
        every = max(1, sum(1 for _ in open(folder / "contacts.csv", "rb")) // (count * 2))
        return [row["Id"] for number, row in enumerate(rows) if number % every == 0][: count * 2]


def with_more(bench, folder, out):
    """The case's specs with a second list, empty at first."""
    command, result = bench.tamis(folder, "tamis", out)
    policy = out / "specs" / "policy.toml"
    text = policy.read_text()
    text = bench.replace(text, "[keys]", 'more = "../more"\n\n[keys]')
    policy.write_text(text + MORE)
    (out / "more").mkdir()
    return command, result


def write_list(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as sink:
        lines = csv.writer(sink, lineterminator="\n")
        lines.writerow(["Case", "RequestedAt", "ContactId", "Email"])
        lines.writerows(rows)


def subjects(bench, folder, python, count):
    """Erases so many subjects from a dataset that has just been published."""
    out = bench.FOLDER / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command, result = with_more(bench, folder, out)
    bench.measure(command, out / "log")
    wanted = ids(folder, count)[:count]
    write_list(out / "more" / "1.csv", ([f"B-{n}", "2026-05-01", contact, ""] for n, contact in enumerate(wanted)))
    table = sum(part.stat().st_size for part in result.parent.glob(result.name))
    sweep = [*command[:3], "sweep", "--as-of", bench.AS_OF, "--json"]
    figures = {"tamis sweep": bench.measure(sweep, out / "report.json")}
    report = json.loads((out / "report.json").read_text())["datasets"][0]
    figures["tamis sweep"] |= {"read": report["bytes_read"], "written": report["bytes_written"]}
    published = [part for part in result.parent.glob(result.name) if "-sweep-" not in part.name]
    old = out / "published"
    old.mkdir()
    for part in published:
        shutil.copy(part, old / part.name)
    tokens = out / "tokens.csv"
    pick = "import polars as pl, sys; t = pl.scan_parquet(sys.argv[1]).select('contact').unique().collect()['contact'].sort();"
    pick += "n = int(sys.argv[2]); print(*t.gather_every(max(1, len(t) // n))[:n], sep='\\n')"
    with open(tokens, "w", encoding="utf-8") as sink:
        bench.run(python, "-c", pick, old / "*.parquet", count, stdout=sink)
    for name, script in REWRITE.items():
        file, target = out / f"{name}_rewrite.py", out / f"{name}.parquet"
        file.write_text(script)
        measured = bench.measure([python, file, old / "*.parquet", tokens, target], out / "log")
        figures[f"{name} rewrite"] = measured | {"read": table, "written": target.stat().st_size}
    return report, figures


def long_list(bench, folder, python, entries):
    """A list that names many people, few of them in the export."""
    out = bench.FOLDER / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command, _ = with_more(bench, folder, out)
    rows = ([f"L-{n}", "2026-05-01", "", f"nobody{n}@list.example"] for n in range(entries))
    write_list(out / "more" / "1.csv", rows)
    figures = {"tamis, list taken in": bench.measure(command, out / "log")}
    figures["tamis, list known"] = bench.measure(command, out / "log")
    both = out / "erasure.csv"
    shutil.copy(out / "more" / "1.csv", both)
    with open(both, "a", encoding="utf-8") as sink, open(folder / "erasure.csv", encoding="utf-8") as own:
        columns = next(own).strip().split(",")
        for row in csv.DictReader(own, fieldnames=columns):
            sink.write(f"{row['Case']},{row['RequestedAt']},{row['ContactId']},{row['Email']}\n")
    for name in ("duckdb", "polars"):
        script = bench.HERE / f"{name}_job.py"
        command = [python, script, folder / "contacts.csv", both, out / f"{name}.parquet"]
        figures[name] = bench.measure(command, out / "log")
    return figures


def table(title, turns):
    print(f"\n{title}, medians")
    names = [name for name in ("cpu", "wall", "peak", "read", "written") if name in next(iter(turns[0].values()))]
    heads = {"cpu": "CPU s", "wall": "wall s", "peak": "peak MB", "read": "read MB", "written": "written MB"}
    print(f"  {'':<24}" + "".join(f"{heads[name]:>12}" for name in names))
    for case in turns[0]:
        of = [statistics.median(turn[case][name] for turn in turns) for name in names]
        scaled = [value / 1_000_000 if name in ("read", "written") else value for name, value in zip(names, of)]
        print(f"  {case:<24}" + "".join(f"{value:12.2f}" for value in scaled))


def measure(bench, rows, rounds, python, most):
    folder = bench.export(rows, False)
    results = {}
    for count in (10, 1000):
        turns = [subjects(bench, folder, python, count) for _ in range(rounds)]
        report = turns[0][0]
        gone = report["rows_in"] - report["rows_out"]
        title = f"{count} subjects erased: {gone} of {report['rows_in']:,} rows, "
        title += f"{report['rewritten']} of {report['files']} files written anew"
        table(title, [turn[1] for turn in turns])
        results[f"{count} subjects"] = [turn[1] for turn in turns]
    for entries in (1_000_000, 10_000_000) if most else (1_000_000,):
        turns = [long_list(bench, folder, python, entries) for _ in range(rounds)]
        table(f"a list of {entries:,} against {rows:,} rows", turns)
        results[f"list of {entries}"] = turns
    return results
