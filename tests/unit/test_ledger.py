"""Tests of the ledger: every line is whole and stays, whoever writes beside."""

import fcntl
import subprocess
import sys

from deepfake.evaluation import ledger
from tests.unit.clips import SCRIPTS

ENTRY = {"run": "demo", "protocol": "grouped", "test": "abc", "rows": 7, "model": "svm"}
ENTRY |= {"candidate": '{"C": 1}', "code": "123", "features": "pixels"}
WRITER = """
import sys
from deepfake.evaluation import ledger
entry = {name: "x" * 300 for name in ledger.COLUMNS} | {"model": sys.argv[2]}
input()
for number in range(40):
    ledger.append(sys.argv[1], entry | {"rows": number})
"""


def test_every_entry_stays_in_order(tmp_path):
    file = tmp_path / "ledger.tsv"
    assert ledger.read(file) == []
    for model in ("svm", "forest", "svm"):
        ledger.append(file, ENTRY | {"model": model})
    found = ledger.read(file)
    assert [row["model"] for row in found] == ["svm", "forest", "svm"]
    assert found[0] | {"time": ""} == {k: str(v) for k, v in ENTRY.items()} | {"time": ""}
    assert file.read_text().splitlines()[0].split("\t") == list(ledger.COLUMNS)


def test_jobs_that_write_at_once_do_not_mix_their_lines(tmp_path):
    file = tmp_path / "ledger.tsv"
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file), f"m{number}"],
            stdin=subprocess.PIPE, env={"PYTHONPATH": str(SCRIPTS)}, text=True,
        )
        for number in range(3)
    ]  # fmt: skip
    for job in jobs:
        job.stdin.write("go\n")
        job.stdin.flush()
    assert [job.wait() for job in jobs] == [0, 0, 0]
    found = ledger.read(file)
    assert len(file.read_text().splitlines()) == 121
    for number in range(3):
        mine = [row["rows"] for row in found if row["model"] == f"m{number}"]
        assert mine == [str(n) for n in range(40)]


def test_a_scored_test_is_an_entry(tmp_path):
    file = tmp_path / "ledger.tsv"
    scored = {"run": "demo", "protocol": "grouped", "rows": 7, "features": "lbp", "model": "svm"}
    code = {"deepfake/models/svm.py": "0a", "numpy": "2.0"}
    ledger.add(file, **scored, videos=iter("ba"), candidate={"b": 1, "a": 2}, code=code)
    (found,) = ledger.read(file)
    assert found | {"time": ""} == scored | {
        "time": "",
        "rows": "7",
        "test": ledger.test_of("grouped", ["a", "b"]),
        "candidate": '{"a": 2, "b": 1}',
        "code": ledger.code_of(code),
    }


def test_a_file_system_without_locks_is_written_to_all_the_same(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    ledger.append(tmp_path / "ledger.tsv", ENTRY)
    assert len(ledger.read(tmp_path / "ledger.tsv")) == 1


def test_a_line_that_was_cut_short_is_no_entry(tmp_path):
    file = tmp_path / "ledger.tsv"
    ledger.append(file, ENTRY)
    file.write_text(file.read_text()[:-12] + "\n")
    ledger.append(file, ENTRY)
    assert len(ledger.read(file)) == 1


def test_lines_from_before_there_were_feature_sets_still_count(tmp_path):
    file = tmp_path / "ledger.tsv"
    ledger.append(file, ENTRY | {"features": "lbp"})
    ledger.append(file, ENTRY)
    lines = [line.rsplit("\t", 1)[0] for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines) + "\n")
    ledger.append(file, ENTRY | {"features": "noise"})
    assert [row["features"] for row in ledger.read(file)] == ["pixels", "pixels", "noise"]
    assert ledger.describe(ledger.read(file), "grouped", "abc").count("pixels svm 2 times") == 1


def test_a_test_is_its_protocol_and_videos_whatever_their_order_and_frames():
    same = ledger.test_of("grouped", ["b", "a", "a"])
    assert same == ledger.test_of("grouped", ["a", "b"])
    assert same not in (
        ledger.test_of("frame", ["a", "b"]),
        ledger.test_of("grouped", ["a"]),
    )


def test_the_count_is_of_this_test_in_all_runs():
    rows = [ENTRY, ENTRY | {"run": "again"}, ENTRY | {"model": "forest"}, ENTRY | {"test": "other"}]
    assert ledger.describe(rows, "grouped", "abc").startswith(
        "The test rows of the grouped split were scored 3 times in the runs again, demo: "
        "pixels forest once, pixels svm 2 times. Changes after looking at a test"
    )
    once = ledger.describe(rows[3:], "x", "other")
    assert "scored once: pixels svm once. Each model used" in once
