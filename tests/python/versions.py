"""Prints `name==version` of every package installed."""

from importlib.metadata import distributions

for package in distributions():
    print(f"{package.metadata['Name'].replace('_', '-')}=={package.version}")
