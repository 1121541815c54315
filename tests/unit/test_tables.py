"""Tests of the tab-separated tables."""

import math
import tracemalloc
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


def many(count: int) -> list[dict]:
    """Rows of a column of each kind: few values, many, hexadecimal digits, and these to the end."""
    return [
        {
            "few": f"v{number % 5}",
            "many": f"é{number}",
            "hash": f"{number:08x}",
            "nearly": f"{number:08x}" if number < count - 1 else "ABC",
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [1, tables.CHUNK, 3 * tables.CHUNK + 1])
def test_a_table_comes_back_byte_for_byte_however_its_columns_are_held(place, count):
    rows = many(count)
    tables.write(rows, place, tuple(rows[0]))
    found = tables.read(place)
    assert found == rows
    assert found != [*rows[:-1], rows[-1] | {"few": "other"}]
    tables.write(found, place.with_suffix(".again"), tuple(rows[0]))
    assert place.with_suffix(".again").read_bytes() == place.read_bytes()


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> tuple[list[dict], tables.Table]:
    """Rows, and the same as a table whose columns are held in all ways."""
    rows = many(3 * tables.CHUNK)
    path = tmp_path_factory.mktemp("large") / "table.tsv"
    tables.write(rows, path, tuple(rows[0]))
    return rows, tables.read(path)


def test_rows_are_chosen_by_position_by_mask_and_by_slice(large):
    rows, table = large
    some = np.array([5, 0, 3 * tables.CHUNK - 1])
    assert table.at(some) == [rows[place] for place in some]
    mask = table.column("few") == "v3"
    assert table.at(mask) == [row for row in rows if row["few"] == "v3"]
    assert table[10:20] == rows[10:20]
    assert table[-1] == rows[-1]
    with pytest.raises(IndexError):
        table[len(rows)]


def test_columns_are_replaced_added_and_left_out(large):
    rows, table = large
    table = table[:3].only("many", "absent").with_columns(score=np.array([0.5, 1.0, 2.0]))
    table = table.with_columns(many=["a", "b", "a"])
    assert table == [{"many": m, "score": s} for m, s in zip("aba", (0.5, 1.0, 2.0), strict=True)]
    assert table.beside(large[1][:3], "few") == [
        row | {"few": other["few"]} for row, other in zip(table, rows, strict=False)
    ]


def test_a_missing_column_has_a_default_or_is_an_error(large):
    _, table = large
    assert set(table.column("absent", "")) == {""}
    with pytest.raises(KeyError):
        table.column("absent")


@pytest.mark.parametrize("names", [("few",), ("few", "absent"), ("hash", "few"), ("absent",)])
def test_kinds_are_numbered_by_their_first_row(large, names):
    rows, table = large
    first, kind = table.distinct(*names)
    keys = [tuple(row.get(name, "") for name in names) for row in rows]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    assert kind.tolist() == [numbers[key] for key in keys]
    assert [keys[place] for place in first] == list(numbers)


def test_numbers_that_are_equal_and_written_differently_stay_apart(place):
    table = tables.of([{"n": 1}, {"n": 1.0}, {"n": "1"}, {}])
    assert [type(row["n"]) for row in table] == [int, float, str, str]
    tables.write(table, place, ("n",))
    assert place.read_text() == "n\n1\n1.0\n1\n\n"


def test_several_files_are_one_table_with_the_number_of_each(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path, count in zip(paths, (2, 0, 1), strict=True):
        tables.write([{"x": f"{path.name}{n}", "y": ""} for n in range(count)], path, ("y", "x"))
    found = tables.read_all(paths, ("x", "z"))
    assert found == [{"x": "a0", "file": 0}, {"x": "a1", "file": 0}, {"x": "c0", "file": 2}]


def test_a_row_takes_few_bytes_of_memory(large, place):
    """As dicts they take 500."""
    rows, _ = large
    tables.write(rows, place, tuple(rows[0]))
    tracemalloc.start()
    table = tables.read(place)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / len(table) < 120


def test_zero_and_minus_zero_are_written_as_they_are(place):
    table = tables.of([{"n": 0.0}, {"n": -0.0}, {"n": 0.0}])
    tables.write(table, place, ("n",))
    assert [row["n"] for row in tables.read(place)] == ["0.0", "-0.0", "0.0"]


def test_numbers_of_the_rows_that_are_asked_for(place):
    count = 2 * tables.CHUNK
    rows = [{"n": number, "fold": number % 3 if number else "", "x": number / 7}
            for number in range(count)]  # fmt: skip
    tables.write(rows, place, ("n", "fold", "x"))
    some = tables.read(place)[1:]
    assert some.integers("n").tolist() == list(range(1, count))
    assert some.integers("fold").tolist() == [number % 3 for number in range(1, count)]
    assert some.floats("x").tolist() == [number / 7 for number in range(1, count)]
    assert some.with_columns(x=np.arange(1, count)).floats("x")[0] == 1.0
    with pytest.raises(ValueError, match="invalid literal"):
        tables.read(place).integers("fold")


def test_which_rows_have_one_of_some_values(large):
    rows, table = large
    for name, wanted in (("few", ("v1", "v3")), ("many", ("é7", "none")), ("hash", ("00000007",))):
        assert table.among(name, *wanted).tolist() == [row[name] in wanted for row in rows]
    assert not table.among("absent", "v1").any()
    assert table.among("absent", "", "v1").all()
    assert tables.of([{"n": 1}]).with_columns(n=np.array([2])).among("n", 2).all()


def test_a_column_may_stay_in_its_file(large, tmp_path):
    rows, _ = large
    place = tmp_path / "table.tsv"
    tables.write(rows, place, tuple(rows[0]))
    for left in (["many"], ["few", "nearly"]):
        table = tables.read(place, left=left)
        assert table == rows
        some = np.array([len(rows) - 1, 0, 70])
        assert table.at(some) == [rows[number] for number in some]
    tables.write(table, place.with_suffix(".again"), tuple(rows[0]))
    assert place.with_suffix(".again").read_bytes() == place.read_bytes()


def test_a_column_that_one_of_several_tables_lacks_is_an_error(place):
    other = place.with_suffix(".other")
    tables.write([{"a": 1, "b": 2}], place, ("a", "b"))
    tables.write([{"b": 3}], other, ("b",))
    assert tables.read_all([place, other], ("b",)).column("b").tolist() == ["2", "3"]
    for paths in ([place, other], [other, place]):
        with pytest.raises(tables.TableError) as caught:
            tables.read_all(paths, ("a", "b"))
        assert str(caught.value) == f"{other}: there is no column a, which other tables have"


def test_rows_are_found_among_numbers_and_texts_alike():
    numbers = tables.Table({"fold": np.array([0, 1, 2, 1])}, 4)
    texts = tables.of([{"fold": str(fold)} for fold in (0, 1, 2, 1)])
    for table in (numbers, texts):
        assert table.among("fold", 1, "1").tolist() == [False, True, False, True]
        assert not table.among("fold", "x").any()
