"""Tests of what joins groups beyond names, and of several datasets in one sheet."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import scan_dataset
from deepfake.dataset import shared_sources, sheet
from tests.unit.test_datasets import add, by_id, touch
from tests.unit.test_layouts import deeper


def fill(root: Path, **contents: bytes) -> Path:
    """Plain folders with files of given bytes: real_a=b"..." is real/a.mp4."""
    for name, content in contents.items():
        label, stem = name.split("_", 1)
        touch(root, f"{label}/{stem}.mp4")
        (root / label / f"{stem}.mp4").write_bytes(content)
    return root


def scan(root: Path, dataset: str, out: Path, layout: str = "folders", **more: object) -> list[str]:
    return scan_dataset.scan(layout, dataset, root, out, videos_per_job=4, **more)


def groups(out: Path) -> dict[str, str]:
    found = by_id(sheet.read(out, check_files=False, both_classes=False))
    return {name: row["group_id"] for name, row in found.items()}


def together(out: Path) -> list[list[str]]:
    """The ids of each group with more than one video."""
    found: dict[str, list[str]] = {}
    for name, group in groups(out).items():
        found.setdefault(group, []).append(name)
    return sorted(sorted(names) for names in found.values() if len(names) > 1)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "videos.tsv"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Five originals of FaceForensics++ and a fake of the first two."""
    add(tmp_path / "ff", "", "c23", "000", "001", "331", "332", "700")
    add(tmp_path / "ff", "Deepfakes", "c23", "000_001")
    return tmp_path / "ff"


PAIR = ["ffpp/Deepfakes/c23/000_001", "ffpp/real/c23/000", "ffpp/real/c23/001"]
RECORDING = ["ffpp/real/c23/331", "ffpp/real/c23/332"]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("331 332\n", [PAIR, RECORDING]),
        ("# of one recording\n\nffpp:331\tffpp:332 # both\n", [PAIR, RECORDING]),
        ("ffpp/real/c23/332 331\n", [PAIR, RECORDING]),
        ("331 999\n999 332\n", [PAIR, RECORDING]),  # through a clip that is not there
        ("001 331 332\n", [[*PAIR, *RECORDING]]),
        (json.dumps({"331": "R0 0", "332": "R0 1", "700": "S 0"}), [PAIR, RECORDING]),
    ],
)
def test_a_table_of_common_sources_joins_groups(
    tree: Path, place: Path, tmp_path: Path, table: str, expected: list
) -> None:
    scan(tree, "ffpp", place, "faceforensics")
    assert together(place) == [PAIR]
    (tmp_path / "same").write_text(table)
    notes = scan(tree, "ffpp", place, "faceforensics", same_source=[tmp_path / "same"])
    assert together(place) == expected
    missing = f"{tmp_path / 'same'}: 1 of its 3 names are in no row"
    assert (missing in notes) == ("999" in table)
    notes = scan(tree, "ffpp", place, "faceforensics")
    assert together(place) == [PAIR]  # a table is a statement of one scan, not of the sheet
    assert "1 groups of the earlier sheet fell apart: was a --same-source left out?" in notes
    assert not any("fell apart" in note for note in scan(tree, "ffpp", place, "faceforensics"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("331 332\n331\n", "line 2: '331' is one name"),
        ("998 999\n", "none of its names is in the sheet"),
        ('{"331": 1}', "is no JSON object of clips"),
        ('{"331": ""}', "is no JSON object of clips"),
        ("{", "is no JSON object of clips"),
    ],
)
def test_what_is_no_such_table_is_refused_in_one_line(
    tree: Path, place: Path, tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "same").write_text(table)
    with pytest.raises(sheet.SheetError, match=message):
        scan(tree, "ffpp", place, "faceforensics", same_source=[tmp_path / "same"])
    with pytest.raises(sheet.SheetError, match="nowhere: No such file"):
        scan(tree, "ffpp", place, "faceforensics", same_source=[tmp_path / "nowhere"])
    assert not place.exists()


def test_equal_content_joins_groups_and_equal_size_alone_does_not(
    place: Path, tmp_path: Path
) -> None:
    root = fill(tmp_path / "set", real_a=b"one", real_b=b"one", real_c=b"two", fake_d=b"four")
    notes = scan(root, "x", place)
    assert together(place) == [["x/real/a.mp4", "x/real/b.mp4"]]
    assert "1 videos have the content of another one and join its group" in notes


def test_empty_files_are_not_of_equal_content(place: Path, tmp_path: Path) -> None:
    scan(fill(tmp_path / "set", real_a=b"", real_b=b"", fake_d=b""), "x", place)
    assert together(place) == []


def test_only_files_of_equal_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fill(tmp_path / "set", real_a=b"one", real_b=b"two", real_c=b"other")
    read = []
    monkeypatch.setattr(shared_sources, "_digest", lambda path: read.append(Path(path).stem))
    videos = [{"path": str(path), "video_id": path.stem} for path in root.glob("real/*")]
    assert shared_sources.equal_files(videos) == ([], [])
    assert sorted(read) == ["a", "b"]


def test_one_file_under_two_labels_is_pointed_out(place: Path, tmp_path: Path) -> None:
    notes = scan(fill(tmp_path / "set", real_a=b"one", fake_b=b"one"), "x", place)
    assert "equal content, two labels: x/fake/b.mp4, x/real/a.mp4; one label is wrong" in notes


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_one_file_under_two_labels_by_a_link_is_refused(
    place: Path, tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    root = fill(tmp_path / "set", real_a=b"one", fake_b=b"two")
    link(root / "fake/c.mp4", root / "real/a.mp4")
    with pytest.raises(sheet.SheetError) as caught:
        scan(root, "x", place)
    assert str(caught.value) == (
        f"one file is real and fake: {root}/real/a.mp4 and {root}/fake/c.mp4; take one away"
    )
    assert not place.exists()


def test_a_link_of_the_same_label_is_in_the_group_of_its_file(place: Path, tmp_path: Path) -> None:
    root = fill(tmp_path / "set", real_a=b"one", fake_b=b"two")
    (root / "real/c.mp4").symlink_to(root / "real/a.mp4")
    scan(root, "x", place)
    assert together(place) == [["x/real/a.mp4", "x/real/c.mp4"]]


def test_columns_of_the_earlier_sheet_that_are_lost_are_noted(place: Path, tmp_path: Path) -> None:
    root = fill(tmp_path / "set", real_a=b"one", fake_b=b"two")
    scan(root, "x", place)
    lines = place.read_text().splitlines()
    place.write_text("\n".join(f"{line}\t{n or 'notes'}" for n, line in enumerate(lines)))
    what = "unknown columns of the earlier sheet are left out: 'notes'"
    assert f"{place}: {what}" in scan(root, "x", place)


def test_equal_content_is_seen_across_datasets(place: Path, tmp_path: Path) -> None:
    scan(fill(tmp_path / "one", real_a=b"same", fake_b=b"other"), "x", place)
    scan(fill(tmp_path / "two", real_c=b"same", fake_d=b"fourth"), "y", place)
    assert together(place) == [["x/real/a.mp4", "y/real/c.mp4"]]


def test_groups_of_another_dataset_outlive_a_scan_that_does_not_know_their_table(
    tree: Path, place: Path, tmp_path: Path
) -> None:
    (tmp_path / "same").write_text("331 332\n")
    scan(tree, "ffpp", place, "faceforensics", same_source=[tmp_path / "same"])
    before = groups(place)
    scan(fill(tmp_path / "own", real_a=b"1", fake_b=b"22"), "own", place)
    after = groups(place)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"own/real/a.mp4", "own/fake/b.mp4"}


@pytest.mark.parametrize("first", ["faceforensics", "deeperforensics"])
def test_deeper_forensics_is_grouped_with_its_targets_whichever_comes_first(
    tree: Path, place: Path, tmp_path: Path, first: str
) -> None:
    deeper(tmp_path / "df")
    scans = [
        (tree, "ffpp", place, "faceforensics"),
        (tmp_path / "df", "df", place, "deeperforensics"),
    ]
    for arguments in scans if first == "faceforensics" else scans[::-1]:
        scan(*arguments)
    assert together(place) == [
        sorted([*PAIR, "df/end_to_end/000_M101", "df/end_to_end_level_3/000_M101"])
    ]


def test_a_name_from_metadata_that_no_row_can_hold_is_skipped(place: Path, tmp_path: Path) -> None:
    touch(tmp_path / "d", "dfdc_train_part_0/a.mp4", "dfdc_train_part_0/b.mp4")
    told = {"a.mp4": {"label": "FAKE", "original": "x\ty\nz.mp4"}, "b.mp4": {"label": "REAL"}}
    (tmp_path / "d/dfdc_train_part_0/metadata.json").write_text(json.dumps(told))
    notes = scan(tmp_path / "d", "d", place, "dfdc")
    assert any("a.mp4' has a control character" in note for note in notes)
    assert list(groups(place)) == ["d/dfdc_train_part_0/b"]


def test_one_id_for_two_videos_is_refused(tree: Path, place: Path) -> None:
    clip = tree / "original_sequences/youtube/c23/videos/000.mp4"
    shutil.copy(clip, clip.with_suffix(".avi"))
    with pytest.raises(sheet.SheetError, match=r"ffpp/real/c23/000: .*000\.avi and .*000\.mp4"):
        scan(tree, "ffpp", place, "faceforensics")
    assert not place.exists()


@pytest.mark.parametrize("name", ["", "a:b", "a/b", "two words", "ü"])
def test_a_datasets_name_cannot_end_within_an_id(tree: Path, place: Path, name: str) -> None:
    with pytest.raises(sheet.SheetError, match="use letters, digits"):
        scan(tree, name, place, "faceforensics")


@pytest.mark.parametrize(
    "option",
    [{"splits": Path("x")}, {"faceforensics": "x"}, {"celebdf": "x"}, {"group_by": "part"}],
)
def test_an_option_of_another_layout_is_refused(place: Path, tmp_path: Path, option: dict) -> None:
    root = fill(tmp_path / "set", real_a=b"1", fake_b=b"22")
    with pytest.raises(
        sheet.SheetError, match=r"--[a-z-]+ is for the layout [a-z0-9 ]+, not folders"
    ):
        scan(root, "x", place, **option)
