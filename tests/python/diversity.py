"""Which groups of the job in fixtures/corpora/adult stay under k and l, worked out from the definitions in whole numbers.

usage: diversity.py EXPORT ERASED KEYS TERMS [TABLE]
ERASED is a file of the ids that a sweep has erased after the run, TERMS is JSON with k, l, kind and sensitive; with TABLE
all readers must find exactly the rows of the groups that stay. Prints what the gates have to say as JSON.

The definitions are those of Machanavajjhala, Kifer, Gehrke and Venkitasubramaniam, "l-diversity: Privacy beyond
k-anonymity" (ACM TKDD 1(1), 2007): a group is distinct l-diverse with l different values, and entropy l-diverse when the
entropy of its values is log(l) or more. A person counts once with a value; null is a value.
"""

import csv
import json
import sys
from bisect import bisect_right
from collections import defaultdict
from math import exp, floor, log, prod

import readers
import tokens

DOMAIN, EPOCH, KIND = "reporting", "2026a", "person@adult/1"
EDGES = [20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80]


def band(age):
    place = bisect_right(EDGES, age)
    if place == 0:
        return f"<{EDGES[0]}"
    return f"{EDGES[-1]}+" if place == len(EDGES) else f"{EDGES[place - 1]}-{EDGES[place] - 1}"


def published(path):
    """Rows as (person, age band, sex, race, occupation, marital status) with the values of the export."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            value = {name: None if text in ("", "?") else text for name, text in row.items()}
            yield row["Id"], band(int(row["age"])), value["sex"], value["race"], value["occupation"], value["marital"]


def counts(rows, place):
    """How many persons have each value."""
    persons = defaultdict(set)
    for row in rows:
        persons[row[place]].add(row[0])
    return sorted(len(of) for of in persons.values())


def diverse(found, terms):
    """The entropy of n_1, … is log(l) or more exactly when n^n is l^n times the product of n_i^n_i, or more."""
    if terms["kind"] == "distinct":
        return len(found) >= terms["l"]
    n = sum(found)
    return n**n >= terms["l"] ** n * prod(c**c for c in found)


def spread(found, terms):
    """The number of values, or of equally frequent ones with the same entropy, in hundredths."""
    if terms["kind"] == "distinct":
        return 100 * len(found)
    n = sum(found)
    return floor(100 * exp(log(n) - sum(c * log(c) for c in found) / n) + 1e-6)


class Groups:
    def __init__(self, rows, terms):
        self.rows = defaultdict(list)
        for row in rows:
            self.rows[row[1:4]].append(row)
        persons = lambda group: len({row[0] for row in self.rows[group]})
        self.smallest = min(map(persons, self.rows))
        self.below_k = {group for group in self.rows if persons(group) < terms["k"]}
        places = [{"occupation": 4, "marital": 5}[name] for name in terms["sensitive"]]
        of = {group: [counts(rows, place) for place in places] for group, rows in self.rows.items()}
        self.below_l = {group for group, found in of.items() if not all(diverse(counted, terms) for counted in found)}
        self.least = min(spread(counted, terms) for found in of.values() for counted in found)

    def count(self, which):
        return sum(len(self.rows[group]) for group in which)

    def kept(self):
        return [row for group, rows in self.rows.items() if group not in self.below_k | self.below_l for row in rows]


def main():
    export, erased, keys, terms, *table = sys.argv[1:]
    terms = json.loads(terms)
    groups = Groups(published(export), terms)
    with open(erased, encoding="utf-8") as file:
        erased = set(file.read().split())
    if erased:
        # What the run suppressed is not there for the sweep, even if entropy would have risen by now.
        groups = Groups((row for row in groups.kept() if row[0] not in erased), terms)
    kept, left = groups.kept(), groups.below_l - groups.below_k
    if table:
        identity_key, token_key = tokens.key(keys, "identity.key"), tokens.key(keys, f"token-{EPOCH}.key")
        token = lambda person: tokens.token(token_key, DOMAIN, EPOCH, tokens.of_value(identity_key, KIND, person, None))
        columns, found = readers.read(table[0])
        assert columns == ["person", "age_band", "sex", "race", "occupation", "marital"], columns
        expected = readers.rows(columns, [(token(row[0]), *row[1:]) for row in kept])
        assert found == expected, f"{len(found)} rows are published, {len(expected)} expected"
    print(json.dumps({
        "groups": len(groups.rows),
        "smallest": groups.smallest,
        "below_k": len(groups.below_k),
        "below_l": len(groups.below_l),
        "least": f"{groups.least // 100}.{groups.least % 100:02}",
        "rows_below_l": groups.count(groups.below_l),
        "left_below_l": [len(left), groups.count(left)],
        "rows_out": len(kept),
    }))


if __name__ == "__main__":
    main()
