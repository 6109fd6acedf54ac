"""What functions give is what the program prints; what it refuses is an exception."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import tamis
from conftest import AS_OF, JOB, REPOSITORY, contacts, export, published, replace_export


def run(installation: Path, **options: object) -> tamis.Report:
    return tamis.run(JOB, dir=installation / "jobs", as_of=AS_OF, demo=True, **options)  # type: ignore[arg-type]


def program(installation: Path, *words: str) -> tuple[int, str]:
    command = [os.environ["TAMIS_PROGRAM"], "--json", "--dir", str(installation / "jobs"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_run_publishes_what_its_report_says(installation: Path) -> None:
    report = run(installation)
    rows = sum(parquet.read_metadata(file).num_rows for file in published(installation))
    assert report["outcome"] == "published"
    assert rows == report["manifest"]["rows_out"] > 0


def test_answers_are_those_of_the_program(installation: Path) -> None:
    run(installation)
    jobs = installation / "jobs"
    plan = tamis.plan(JOB, dir=jobs, as_of=AS_OF)
    exit_code, printed = program(installation, "plan", JOB, "--as-of", AS_OF)
    theirs = json.loads(printed)
    # Each plan says how long it took and what it used.
    different = {key for key in plan if plan[key] != theirs[key]}  # type: ignore[literal-required]
    assert exit_code == plan["exit"] == 0
    assert different <= {"manifest", "spent"}
    assert plan["manifest"]["fields"] == theirs["manifest"]["fields"]
    assert tamis.verify(dir=jobs) == json.loads(program(installation, "verify")[1])
    assert tamis.check(dir=jobs)["time_zones"] == json.loads(program(installation, "check")[1])["time_zones"]
    assert tamis.status(dir=jobs)["jobs"] == json.loads(program(installation, "status")[1])["jobs"]


def test_a_sweep_applies_a_request_that_came_after_the_run(installation: Path) -> None:
    before = run(installation)["manifest"]["rows_out"]
    asked = [f"E-2026-{900 + at},2026-11-21,,{contact['Id']}\n" for at, contact in enumerate(contacts(installation)[:40])]
    later = installation / "fixtures/quickstart/requests/erasure/later.csv"
    later.write_text("Case,RequestedAt,Email,ContactId\n" + "".join(asked))
    swept = tamis.sweep(dir=installation / "jobs", as_of="2026-11-23T02:00:00Z")
    (dataset,) = swept["datasets"]
    assert dataset["rows_out"] < before


def test_faults_of_specs_are_findings_with_their_places(installation: Path) -> None:
    policy = installation / "jobs/policy.toml"
    policy.write_text(policy.read_text().replace("min_k = 5", "min_kay = 5"))
    with pytest.raises(tamis.PolicyError) as refused:
        tamis.check(dir=installation / "jobs")
    (finding,) = [f for f in refused.value.findings if "min_kay" in f["message"]]
    assert (refused.value.exit, finding["code"]) == (2, "unknown-key")
    assert finding["line"] > 1 and finding["help"]


def test_a_cut_export_is_an_input_error_and_nothing_is_published(installation: Path) -> None:
    replace_export(installation, export(installation)[:-40] + '"')
    with pytest.raises(tamis.InputError) as refused:
        run(installation)
    assert (refused.value.exit, refused.value.published) == (3, None)
    assert refused.value.code in str(refused.value)
    assert "@" not in str(refused.value)
    assert published(installation) == []


def test_what_does_not_hold_is_an_evidence_error_with_its_report(installation: Path) -> None:
    run(installation)
    (file,) = published(installation)
    file.chmod(0o600)
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    with pytest.raises(tamis.EvidenceError) as found:
        tamis.verify(dir=installation / "jobs")
    assert found.value.exit == 6
    assert any(file.name in fault for fault in found.value.report["faults"])


def test_an_unknown_option_value_is_refused_and_is_no_other_option(installation: Path) -> None:
    with pytest.raises(tamis.PolicyError):
        tamis.plan(JOB, dir=installation / "jobs", as_of="--threads")


def test_the_name_of_a_job_is_no_option(installation: Path) -> None:
    for name in ["--due", "--help", "-h"]:
        with pytest.raises(tamis.PolicyError) as refused:
            tamis.run(name, dir=installation / "jobs", demo=True)
        assert refused.value.code == "name-unknown"


def test_a_wrong_argument_is_named(installation: Path) -> None:
    with pytest.raises(tamis.PolicyError, match="--threads"):
        tamis.plan(JOB, dir=installation / "jobs", threads=0)


def test_an_error_passes_between_processes() -> None:
    with pytest.raises(tamis.PolicyError) as refused:
        tamis.check(dir="no-such-folder")
    passed = pickle.loads(pickle.dumps(refused.value))
    assert type(passed) is tamis.PolicyError
    assert (str(passed), vars(passed)) == (str(refused.value), vars(refused.value))


def test_progress_is_told_in_the_thread_that_asked(installation: Path) -> None:
    heard: list[tuple[str, str, int | None]] = []
    threads = set()

    def progress(kind: str, text: str, size: int | None) -> None:
        heard.append((kind, text, size))
        threads.add(threading.get_ident())

    run(installation, progress=progress)
    stages = [text for kind, text, _ in heard if kind == "stage"]
    assert "read" in stages and "publish" in stages
    assert stages.index("read") < stages.index("publish")
    assert threads == {threading.get_ident()}


def test_ctrl_c_ends_a_run_before_its_commit_and_the_next_run_goes_on(installation: Path) -> None:
    # Long enough that the signal comes while Rust works and no Python does.
    header, *records = export(installation).splitlines(keepends=True)
    replace_export(installation, header + "".join(records) * 40)
    # A few values that cannot be treated are more than ten when each comes forty times.
    job = installation / "jobs/crm-contacts.toml"
    job.write_text(job.read_text().replace('"email-domain"', '"email-domain", max_untreated = "1%"')
                   .replace("length = 2", 'length = 2, max_untreated = "1%"'))
    reading = threading.Event()

    def press() -> None:
        reading.wait()
        time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    def begun(kind: str, text: str, size: int | None) -> None:
        if kind == "stage" and text == "read":
            reading.set()

    presser = threading.Thread(target=press)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(installation, progress=begun)
    finally:
        reading.set()
        presser.join()
    assert published(installation) == []
    assert tamis.status(dir=installation / "jobs")["jobs"][0]["version"] is None
    assert run(installation)["outcome"] == "published"


def test_ctrl_c_in_the_callback_ends_a_run_before_its_commit(installation: Path) -> None:
    def interrupted(kind: str, text: str, size: int | None) -> None:
        if kind == "stage" and text == "read":
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(installation, progress=interrupted)
    assert tamis.status(dir=installation / "jobs")["jobs"][0]["version"] is None


def test_what_progress_raises_ends_a_run_before_its_commit(installation: Path) -> None:
    def broken(kind: str, text: str, size: int | None) -> None:
        raise LookupError(kind)

    with pytest.raises(LookupError):
        run(installation, progress=broken)
    assert published(installation) == []


def test_other_threads_go_on_while_tamis_works(installation: Path) -> None:
    turns, ended = 0, threading.Event()

    def count() -> None:
        nonlocal turns
        while not ended.is_set():
            turns += 1
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    run(installation)
    ended.set()
    other.join()
    assert turns > 20


def test_the_types_of_answers_are_those_of_the_program(tmp_path: Path) -> None:
    """`make_reports` writes them; the file in the package must be what it writes now."""
    made = tmp_path / "reports.py"
    kept = REPOSITORY / "python/tamis/reports.py"
    subprocess.run([REPOSITORY / "python/make_reports", made, sys.executable], check=True, capture_output=True)
    if "TAMIS_BLESS" in os.environ:
        shutil.copyfile(made, kept)
    assert made.read_text() == kept.read_text()


def test_the_example_of_the_docs_runs_as_it_is_written(installation: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/python.md").read_text(), re.DOTALL)
    for example in examples:
        said = subprocess.run([sys.executable, "-c", example], cwd=installation, capture_output=True, text=True, check=True)
    assert examples and said.stdout.startswith("900 rows in")
