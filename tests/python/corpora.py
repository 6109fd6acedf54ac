"""What the job in fixtures/corpora must publish of a real file, worked out by other means, and compared with the table.

usage: corpora.py EXPORT REQUESTS KEYS AS_OF TABLE
prints rows in, rows out and each reason as JSON; fails unless all readers find exactly the rows expected
"""

import csv
import json
import sys
from collections import Counter
from datetime import datetime, timezone

import readers
import tokens

DOMAIN, EPOCH, K = "reporting", "2026a", 5
MAILS = ["email_work", "email_home", "email_other"]
PHONES = ["phone_work", "phone_home", "phone_other"]
GENDERS = {"female": "f", "male": "m"}


def months_later(moment, months):
    years, month = divmod(moment.month - 1 + months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=moment.year + years, month=month + 1, day=day)
        except ValueError:
            pass
    return moment.replace(year=moment.year + years, month=month + 1)


def records(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


class Job:
    def __init__(self, requests, keys, as_of):
        self.as_of = datetime.fromisoformat(as_of.replace("Z", "+00:00"))
        self.identity_key, self.token_key = tokens.key(keys, "identity.key"), tokens.key(keys, f"token-{EPOCH}.key")
        self.requested = set()
        for row in records(requests):
            self.requested |= {self.identity(row["Email"], "email/1"), self.identity(row["Phone"], "phone/1")}
        self.requested.discard(None)

    def identity(self, value, kind):
        return tokens.of_value(self.identity_key, kind, value, "US")

    def token(self, value, kind):
        of = self.identity(value, kind)
        return None if of is None else tokens.token(self.token_key, DOMAIN, EPOCH, of)

    def reason(self, row):
        carried = {self.identity(row[name], "email/1") for name in MAILS}
        carried |= {self.identity(row[name], "phone/1") for name in PHONES}
        if carried & self.requested:
            return "erased"
        if row["status"] == "in-contract":
            return "excluded:under-contract"
        if self.as_of >= months_later(datetime.fromisoformat(row["last_seen"]), 3):
            return "expired"
        return None

    def published(self, row):
        seen = datetime.fromisoformat(row["first_seen"]).astimezone(timezone.utc)
        mail = tokens.email(row["email_other"])
        return {
            "person": self.token(row["id"], "contact@atomic/1"),
            "email": self.token(row["email_other"], "email/1"),
            "phone": self.token(row["phone_home"], "phone/1"),
            "company": self.token(row["company_id"], "contact.company_id/1"),
            "gender": GENDERS.get(row["gender"], "x"),
            "status": row["status"],
            "newsletter": row["has_newsletter"] == "true",
            "first_seen": seen,
            "last_seen_week": monday(row["last_seen"]),
            "mail_domain": mail.rpartition("@")[2] if mail else None,
            "has_tags": bool(row["tags"].strip()),
            "title_start": row["title"][:4] if len(row["title"]) > 4 else None,
        }


def monday(text):
    day = datetime.fromisoformat(text).astimezone(timezone.utc).date()
    return day.fromordinal(day.toordinal() - day.weekday())


def main():
    export, requests, keys, as_of, table = sys.argv[1:]
    job, kept, reasons, rows_in = Job(requests, keys, as_of), [], Counter(), 0
    for row in records(export):
        rows_in += 1
        reason = job.reason(row)
        if reason:
            reasons[reason] += 1
        else:
            kept.append(job.published(row))
    groups = Counter((row["gender"], row["title_start"]) for row in kept)
    rows = [row for row in kept if groups[row["gender"], row["title_start"]] >= K]
    reasons["suppressed"] = len(kept) - len(rows)
    columns, found = readers.read(table)
    assert columns == list(rows[0]), f"columns are {columns}, expected {list(rows[0])}"
    expected = readers.rows(columns, [tuple(row.values()) for row in rows])
    assert found == expected, f"{len(set(found) ^ set(expected))} rows differ"
    print(json.dumps({"rows_in": rows_in, "rows_out": len(rows), "reasons": dict(sorted(reasons.items()))}))


if __name__ == "__main__":
    main()
