"""Tests of the tab-separated tables."""

import math
from pathlib import Path

import numpy as np
import pytest

from deepfake.core import tables


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "table.tsv"


def round_trip(place: Path, *values: object) -> list[str]:
    tables.write([{"value": value, "end": "x"} for value in values], place, ("value", "end"))
    rows = tables.read(place)
    assert all(row["end"] == "x" for row in rows)
    return [row["value"] for row in rows]


def test_floats_read_back_as_the_same_number(place: Path) -> None:
    numbers = [0.1, 1 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, 2.0**53 + 2, math.pi]
    found = [float(cell) for cell in round_trip(place, *numbers)]
    assert found == numbers
    assert math.copysign(1, found[5]) == -1


def test_numpys_floats_are_written_like_pythons(place: Path) -> None:
    assert round_trip(place, np.float64(0.1), 0.1) == ["0.1", "0.1"]


def test_nothing_is_an_empty_cell(place: Path) -> None:
    assert round_trip(place, None, "") == ["", ""]
    tables.write([{}], place, ("a", "b"))
    assert tables.read(place) == [{"a": "", "b": ""}]


@pytest.mark.parametrize(
    "end", ["\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"]
)
def test_a_cell_stays_one_cell_of_one_line(place: Path, end: str) -> None:
    assert round_trip(place, f"a{end}b", "next") == ["a b", "next"]


@pytest.mark.parametrize("text", ['"', '"a', "it's", "a,b", "\\t", " spaced ", "é顔", "#", "007"])
def test_any_other_text_comes_back_as_it_was(place: Path, text: str) -> None:
    assert round_trip(place, text, "next") == [text, "next"]


def test_only_the_named_columns_are_written_in_their_order(place: Path) -> None:
    tables.write([{"b": 1, "c": 2, "a": 3}], place, ("a", "b"))
    assert place.read_bytes() == b"a\tb\n3\t1\n"


@pytest.mark.parametrize("line", ["1", "1\t2\t3", ""])
def test_a_row_of_another_length_is_an_error_with_its_line(place: Path, line: str) -> None:
    place.write_text(f"a\tb\n1\t2\n{line}\n3\t4\n")
    with pytest.raises(tables.TableError) as caught:
        tables.read(place)
    assert str(caught.value) == f"{place}: line 3: {len(line.split(chr(9)))} cells, not 2"


def test_a_table_without_rows_is_read_as_such(place: Path) -> None:
    tables.write([], place, ("a", "b"))
    assert tables.read(place) == []


def test_a_cell_of_any_length_is_read(place: Path) -> None:
    assert round_trip(place, "x" * 200_000) == ["x" * 200_000]
