"""openpyxl as a second reader and writer of workbooks.

    workbooks.py write FOLDER [iso]      # a workbook of openpyxl, with specs that publish every cell of it as text
    workbooks.py take FOLDER WORKBOOK    # the same specs for a workbook of somebody else
    workbooks.py has                     # says whether openpyxl is there
    workbooks.py compare FOLDER          # what was published from it is what openpyxl reads
"""

import datetime
import json
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import polars

try:
    import openpyxl
except ModuleNotFoundError:
    openpyxl = None

POLICY = """spec = 1
controller = "Acme GmbH"
[roots]
raw = "../raw"
lake = "../out/lake"
state = "../out/state"
[keys]
dir = "../out/keys"
epoch = "2026a"
[purposes.reporting]
description = "Reports"
lawful_basis = "legitimate-interests"
reference = "LIA-1"
max_keep = "P200Y"
min_k = 1
categories = ["identity", "business"]
recipients = ["team"]
[recipients.team]
kind = "internal"
"""


def written(value):
    """The text that R58 has for a value, by Python's own means."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        number = format(Decimal(repr(value)), "f")
        return number.rstrip("0").rstrip(".") if "." in number else number
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, datetime.datetime):
        whole = value.isoformat(timespec="seconds")
        return whole + (f".{value.microsecond // 1000:03}" if value.microsecond else "")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


def values(n, iso):
    """One row of values of every kind."""
    day = datetime.date(1950 + n, 1 + n % 12, 1 + n % 28)
    moment = datetime.datetime(2000 + n, 12 - n % 12, 28 - n % 28, n % 24, n, 59 - n, 250_000 if n % 4 == 0 else 0)
    texts = ["Zoë Muster", "007", "<&> \"'", "line\nbreak", "=1+1", "😀 日本", "1e5", "x" * 3000]
    numbers = [0, -7, 10**14 + n, 0.1, -2.5, 1e-7, 123456.789, 1 / 3, 1e21, 2.0]
    row = [f"p{n}", datetime.date(2026, 5, 1), texts[n % len(texts)], numbers[n % len(numbers)], n % 2 == 0, day, moment]
    row += [datetime.time(n % 24, n, 30), None if iso else datetime.timedelta(hours=n * 5, seconds=n)]
    return [None if n % 7 == at and at > 1 else value for at, value in enumerate(row)]


NAMES = ["Id", "Active", "Text", "Number", "Yes", "Day", "Moment", "Time", "Length"]


def write(folder, iso):
    book = openpyxl.Workbook()
    book.iso_dates = iso
    sheet = book.active
    sheet.title = "People"
    sheet.append(NAMES)
    for n in range(40):
        sheet.append(values(n, iso))
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"
            if isinstance(cell.value, datetime.timedelta):
                cell.number_format = "[hh]:mm:ss"
            if isinstance(cell.value, datetime.datetime):
                cell.number_format = "yyyy-mm-dd hh:mm:ss.000"
    hidden = book.create_sheet("Notes")
    hidden.sheet_state = "hidden"
    (folder / "raw").mkdir(parents=True)
    book.save(folder / "raw" / "people.xlsx")
    specs(folder, "People", NAMES, "Id", "Active", "%Y-%m-%d")


def take(folder, workbook):
    (folder / "raw").mkdir(parents=True)
    shutil.copy(workbook, folder / "raw" / "people.xlsx")
    sheet = seen(folder)
    names = [cell.value for cell in sheet[1]]
    clock = next(name for name in names if name.endswith("Created On"))
    specs(folder, sheet.title, names, names[0], clock, "%Y-%m-%dT%H:%M:%S")


def specs(folder, sheet, names, key, clock, form):
    (folder / "jobs" / "sources").mkdir(parents=True)
    (folder / "jobs" / "policy.toml").write_text(POLICY)
    quoted = json.dumps
    source = ["spec = 1", 'name = "people"', "[read]", 'format = "xlsx"', f"sheet = {quoted(sheet)}", "[subject]", f"key = {quoted(key)}", f"clock = [{quoted(clock)}]", "[columns]"]
    job = ["spec = 1", 'name = "people"', 'source = "people"', 'input = "raw:people.xlsx"', 'purpose = "reporting"', 'recipient = "team"', 'output = "lake:people"', "[retention]", 'keep = "P150Y"', 'scope = "row"', "[fields]"]
    for at, name in enumerate(names):
        kind = f'type = "timestamp", formats = [{quoted(form)}], zone = "UTC", ' if name == clock and "T" in form else ""
        kind = kind or (f'type = "date", formats = [{quoted(form)}], ' if name == clock else "")
        of = 'identifier = "person@test", category = "identity"' if name == key else 'category = "business"'
        source.append(f'{quoted(name)} = {{ {kind}{of}, quasi = false, allow_raw = "made up for a test", purposes = ["reporting"] }}')
        if name == clock:
            continue
        job.append(f'c{at} = {{ from = {quoted(name)}, treat = "as-is" }}')
    job += ["person = { from = " + quoted(key) + ', treat = "pseudonymize", subject = true }', "[limits]", 'max_removed = "100%"']
    (folder / "jobs" / "sources" / "people.toml").write_text("\n".join(source) + "\n")
    (folder / "jobs" / "people.toml").write_text("\n".join(job) + "\n")


def seen(folder):
    book = openpyxl.load_workbook(folder / "raw" / "people.xlsx", data_only=True)
    return next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")


def compare(folder):
    rows = list(seen(folder).iter_rows(values_only=True))
    names = rows[0]
    published = polars.read_delta(str(folder / "out" / "lake" / "people")).to_dicts()
    by_id = {row["c0"]: row for row in published}
    assert len(by_id) == len(rows) - 1, (len(by_id), len(rows))
    cells = 0
    for row in rows[1:]:
        found = by_id[row[0]]
        for at, value in enumerate(row):
            if f"c{at}" not in found:
                continue
            # openpyxl gives a day of its own style as a moment at midnight.
            expected = written(value)
            got = found[f"c{at}"]
            if isinstance(value, datetime.datetime) and got is not None and "T" not in got:
                expected = expected.removesuffix("T00:00:00")
            assert got == expected, (names[at], row[0], got, expected)
            cells += 1
    print(cells)


if __name__ == "__main__":
    if sys.argv[1] == "has":
        sys.exit(print("yes" if openpyxl else "no"))
    folder = Path(sys.argv[2])
    match sys.argv[1]:
        case "write":
            write(folder, sys.argv[3:] == ["iso"])
        case "take":
            take(folder, Path(sys.argv[3]))
        case "compare":
            compare(folder)
