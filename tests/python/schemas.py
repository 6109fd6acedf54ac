"""Validates spec files against the JSON Schema that their first line names, with PyPI jsonschema.

usage: schemas.py FILE...    fails when one does not agree, or when a key too many is let through
"""

import json
import sys
import tomllib
from pathlib import Path

from jsonschema import Draft202012Validator


def main():
    for name in sys.argv[1:]:
        path = Path(name)
        text = path.read_text(encoding="utf-8")
        schema = json.loads((path.parent / text.splitlines()[0].removeprefix("#:schema ")).read_text())
        Draft202012Validator.check_schema(schema)
        validator, spec = Draft202012Validator(schema), tomllib.loads(text)
        faults = [f"{path}: {fault.json_path}: {fault.message}" for fault in validator.iter_errors(spec)]
        assert not faults, "\n".join(faults)
        assert not validator.is_valid(spec | {"no-such-key": 1}), f"{path}: its schema lets any key through"
    print(f"{len(sys.argv) - 1} spec files agree")


main()
