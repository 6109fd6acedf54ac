"""What the bundled job must publish, worked out from the export by other means, and compared with a table.

usage: quickstart.py FIXTURE KEYS AS_OF [TABLE]
prints rows in, rows out and each reason as JSON; with TABLE, fails unless all readers find exactly those rows.
"""

import csv
import io
import json
import sys
import zipfile
from collections import Counter
from datetime import date, datetime, time, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import tokens

ZONE = ZoneInfo("Europe/Berlin")
DOMAIN, EPOCH, K = "sales-analytics", "2026a", 5
NOTHING = {date(1, 1, 1), date(1, 1, 3), date(1900, 1, 1), date(2154, 12, 31), date(9999, 12, 31)}
COUNTRIES = {"germany": "DE", "deutschland": "DE", "france": "FR", "austria": "AT", "österreich": "AT"}
QUASI = ("city", "postal_area", "age_band", "country")


def years_later(moment, years):
    local = moment.astimezone(ZONE)
    try:
        return local.replace(year=local.year + years)
    except ValueError:
        return local.replace(year=local.year + years, day=28)


def day(text):
    value = date.fromisoformat(text) if text else None
    return None if value in NOTHING else value


def stamp(text):
    value = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc) if text else None
    return None if value and value.date() in NOTHING else value


def clock(moment, as_of):
    if moment is None or moment > years_later(as_of, 1):
        return None
    return min(moment, as_of)


def clocks(row, as_of):
    """Usable clocks of a row; none when one cannot be read."""
    try:
        active, created = day(row["LastActivityDate"]), stamp(row["CreatedDate"])
    except ValueError:
        return None
    first = datetime.combine(active, time(), ZONE) if active else None
    return [moment for moment in (clock(first, as_of), clock(created, as_of)) if moment]


def age_band(text, as_of):
    born = day(text)
    if born is None:
        return None
    today = as_of.astimezone(ZONE).date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    bands = [(60, "60+"), (45, "45-59"), (30, "30-44"), (18, "18-29")]
    return next((name for edge, name in bands if age >= edge), "<18")


def spend(text):
    bands = [(50000, "50000+"), (10000, "10000-49999"), (1000, "1000-9999"), (0, "0-999")]
    return next((name for edge, name in bands if float(text) >= edge), "<0") if text else None


class Job:
    def __init__(self, fixture, keys, as_of):
        self.as_of = datetime.fromisoformat(as_of.replace("Z", "+00:00"))
        self.identity_key, self.token_key = tokens.key(keys, "identity.key"), tokens.key(keys, f"token-{EPOCH}.key")
        newest = max(p.parent for p in Path(fixture, "exports").glob("*/_DONE"))
        archives = [zipfile.ZipFile(path) for path in sorted(newest.glob("WE_*.zip"))]
        self.contacts, self.tasks = (list(self.member(archives, name)) for name in ("Contact.csv", "Task.csv"))
        self.requested = set()
        for path in Path(fixture, "requests", "erasure").glob("*.csv"):
            with open(path, newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    self.requested |= {self.identity(row["Email"], "email/1"), self.identity(row["ContactId"])}
        self.requested.discard(None)

    @staticmethod
    def member(archives, name):
        for archive in archives:
            if name in archive.namelist():
                yield from csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""))

    def identity(self, value, kind="salesforce-id/1"):
        return tokens.of_value(self.identity_key, kind, value)

    def token(self, value, kind="salesforce-id/1"):
        of = self.identity(value, kind)
        return None if of is None else tokens.token(self.token_key, DOMAIN, EPOCH, of)

    def person_clocks(self):
        latest = {}
        seen = [(row["Id"], moment) for row in self.contacts for moment in clocks(row, self.as_of) or []]
        for row in self.tasks:
            active = day(row["ActivityDate"])
            moment = clock(datetime.combine(active, time(), ZONE), self.as_of) if active else None
            if row["WhoId"] and moment:
                seen.append((row["WhoId"], moment))
        for person, moment in seen:
            latest[person] = max(moment, latest.get(person, moment))
        return latest

    def reason(self, row, latest):
        named = {self.identity(row["Id"]), self.identity(row["MasterRecordId"]), self.identity(row["Email"], "email/1")}
        if named & self.requested:
            return "erased"
        if row["IsDeleted"] == "1":
            return "excluded:deleted-in-crm"
        if row["LeadSource"].casefold() == "internal test":
            return "excluded:test-record"
        if clocks(row, self.as_of) is None:
            return "rejected"
        if latest is None or self.as_of >= years_later(latest, 3):
            return "expired"
        return None

    def published(self, row, latest):
        fresh = self.as_of < years_later(latest, 1)
        mail = row["Email"] if fresh else ""
        created = stamp(row["CreatedDate"])
        country = row["MailingCountry"]
        normal = tokens.email(mail) if mail else None
        return {
            "contact": self.token(row["Id"]),
            "email": self.token(mail, "email/1"),
            "email_domain": normal.rpartition("@")[2] if normal else None,
            "account": self.token(row["AccountId"]),
            "postal_area": row["MailingPostalCode"][:2] if len(row["MailingPostalCode"]) > 2 else None,
            "city": row["MailingCity"] or None,
            "age_band": age_band(row["Birthdate"], self.as_of),
            "department": row["Department"] or None,
            "lead_source": row["LeadSource"] or None,
            "yearly_spend": spend(row["Yearly_Spend__c"]),
            "created_month": created.astimezone(ZONE).date().replace(day=1) if created else None,
            "has_mobile": bool(row["MobilePhone"]),
            "country": COUNTRIES.get(country.casefold(), "other") if country else None,
        }

    def run(self):
        """Rows to publish, and the reasons of all others."""
        latest, kept, reasons = self.person_clocks(), [], Counter()
        for row in self.contacts:
            reason = self.reason(row, latest.get(row["Id"]))
            if reason:
                reasons[reason] += 1
            else:
                kept.append(self.published(row, latest[row["Id"]]))
        groups = Counter(tuple(row[name] for name in QUASI) for row in kept)
        rows = [row for row in kept if groups[tuple(row[name] for name in QUASI)] >= K]
        reasons["suppressed"] = len(kept) - len(rows)
        return rows, reasons


def main():
    fixture, keys, as_of, *table = sys.argv[1:]
    job = Job(fixture, keys, as_of)
    rows, reasons = job.run()
    if table:
        import readers

        columns, found = readers.read(table[0])
        expected = readers.rows(list(rows[0]), [tuple(row.values()) for row in rows])
        assert columns == list(rows[0]), f"columns are {columns}, expected {list(rows[0])}"
        assert found == expected, f"{len(set(found) ^ set(expected))} rows differ"
    print(json.dumps({"rows_in": len(job.contacts), "rows_out": len(rows), "reasons": dict(sorted(reasons.items()))}))


if __name__ == "__main__":
    main()
