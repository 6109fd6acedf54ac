"""What was measured before: `bench/results/` has one file per day and kind of machine, committed by whoever measures."""

import datetime
import json
import os
import re
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
# More than this is said to be slower.
SLOWER = 1.1


def machine():
    """The kind of machine: its processor and how many there are."""
    model = "unknown"
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        model = found.group(1) if found else model
    return re.sub(r"[^a-z0-9]+", "-", f"{model} {os.cpu_count()}".lower()).strip("-")


def compare(figures):
    """Prints each case beside the last committed figures of the same kind of machine."""
    before = sorted(RESULTS.glob(f"*_{machine()}.json"))
    if not before:
        print(f"no earlier figures of {machine()}")
        return
    known = json.loads(before[-1].read_text())
    print(f"beside {before[-1].name}, CPU s")
    for rows, cases in figures.items():
        for case, of in cases.items():
            then = known.get(str(rows), {}).get(case)
            if then:
                ratio = of["cpu"] / then["cpu"]
                note = "   SLOWER" if ratio > SLOWER else ""
                print(f"  {rows:>12} {case:<20}{then['cpu']:9.2f} -> {of['cpu']:7.2f}{note}")


def keep(figures):
    """Writes today's figures beside those of other sizes; `git add` is up to whoever measured."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.date.today()}_{machine()}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    figures = known | {str(rows): cases for rows, cases in figures.items()}
    path.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    print(f"written: {path}")
