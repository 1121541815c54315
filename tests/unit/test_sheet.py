"""Tests of the table of videos: reading, refusals, batches, groups."""

import itertools
import re
from pathlib import Path

import pytest

from deepfake.dataset import sheet
from deepfake.dataset.compact_sheet import CompactSheet


def video(name: str, label: str = "real", **more: str) -> sheet.Video:
    return {"video_id": name, "path": f"{name}.mp4", "label": label, **more}


def table(path: Path, rows: list[tuple[str, ...]], header: str = "video_id path label") -> Path:
    lines = ["\t".join(cells) for cells in [tuple(header.split()), *rows]]
    path.write_bytes(("\n".join(lines) + "\n").encode())
    return path


def refusal(path: Path, **how: bool) -> list[str]:
    """The lines of a refusal, without the sheet's name."""
    with pytest.raises(sheet.SheetError) as caught:
        sheet.read(path, **how)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "videos.tsv"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two existing files."""
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    return str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4")


def test_rows_come_sorted_with_every_column(place: Path, files: tuple[str, str]) -> None:
    table(place, [("b", files[1], "fake"), ("a", files[0], "real")])
    found = sheet.read(place)
    assert [row["video_id"] for row in found] == ["a", "b"]
    assert all(tuple(row) == sheet.COLUMNS for row in found)
    assert found[0]["path"] == files[0]


def test_ids_stay_strings(place: Path) -> None:
    table(place, [("007", "007.mp4", "real"), ("7", "7.mp4", "fake"), ("1e3", "x.mp4", "fake")])
    found = sheet.read(place, check_files=False)
    assert [row["video_id"] for row in found] == ["007", "1e3", "7"]


@pytest.mark.parametrize(
    "name",
    ["two words", "it's \"quoted\"", '"', "Größe_видео_顔.mp4", "$(touch x)", "`a`", "-dash", "a,b",
     "%03d", "a\\tb", "#x", "*"],
)  # fmt: skip
def test_any_printable_name_is_taken_as_it_is(place: Path, tmp_path: Path, name: str) -> None:
    file, another = tmp_path / name, tmp_path / "another"
    file.touch()
    another.touch()
    table(place, [(name, str(file), "real"), ("other", str(another), "fake")])
    assert {row["video_id"]: row["path"] for row in sheet.read(place)}[name] == str(file)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("a", "{file}", "Real"), "line 2: unknown label 'Real'"),
        (("a", "{file}", ""), "line 2: unknown label ''"),
        (("", "{file}", "real"), "line 2: video_id is empty"),
        (("a", "", "real"), "line 2: path is empty"),
        (("a", "nowhere.mp4", "real"), "line 2: nowhere.mp4: no such file"),
        (("a", "{folder}", "real"), "is a folder"),
        (("a{{x", "{file}", "real"), "line 2: video_id 'a{x' has a brace"),
        (("a", "x}}.mp4", "real"), "line 2: path 'x}.mp4' has a brace"),
        (("a\x07", "{file}", "real"), "line 2: video_id 'a\\x07' has a control character"),
        (("a", "x\u2028y.mp4", "real"), "has a control character"),
        (("a", "x\0y.mp4", "real"), "has a control character"),
        (("a", "{file}"), "line 2: 2 cells under 3 columns"),
        (("a", "{file}", "real", ""), "line 2: 4 cells under 3 columns"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(
    place: Path, files: tuple[str, str], row: tuple[str, ...], reason: str
) -> None:
    cells = tuple(cell.format(file=files[0], folder=place.parent) for cell in row)
    table(place, [cells, ("good", files[0], "real"), ("fine", files[1], "fake")])
    (line,) = refusal(place)
    assert reason in line


def test_a_repeated_id_is_refused_with_both_lines(place: Path) -> None:
    table(place, [("a", "a.mp4", "real"), ("b", "b.mp4", "fake"), ("a", "c.mp4", "fake")])
    assert refusal(place, check_files=False) == ["lines 2, 4: one video_id 'a'"]


@pytest.mark.parametrize("label", ["real", "fake"])
def test_a_sheet_of_one_class_is_refused(place: Path, label: str) -> None:
    table(place, [("a", "a.mp4", label), ("b", "b.mp4", label)])
    (line,) = refusal(place, check_files=False)
    assert line.startswith(f"every video is {label}")
    assert len(sheet.read(place, check_files=False, both_classes=False)) == 2


@pytest.mark.parametrize("batch", ["a b", "a/b", "x" * 101, "é", "..", ".part.b0001"])
def test_a_batch_that_can_be_no_file_name_is_refused(place: Path, batch: str) -> None:
    rows = [("a", "a.mp4", "real", batch), ("b", "b.mp4", "fake", "b0001")]
    table(place, rows, header="video_id path label batch")
    (line,) = refusal(place, check_files=False)
    assert line.startswith(f"line 2: batch {batch!r}")


def test_a_part_of_the_official_split_is_a_known_word_or_nothing(place: Path) -> None:
    header = "video_id path label official"
    parts = ["train", "val", "test", "", "Test", "validation", "1"]
    rows = [(f"v{i}", "x.mp4", "fake" if i else "real", part) for i, part in enumerate(parts)]
    table(place, rows, header=header)
    lines = refusal(place, check_files=False)
    assert [line.split(" in ")[0] for line in lines] == [
        "line 6: unknown part 'Test'",
        "line 7: unknown part 'validation'",
        "line 8: unknown part '1'",
    ]
    assert lines[0].endswith(" in column official; known are train, val, test, or nothing")
    table(place, rows[:4], header=header)
    found = sheet.read(place, check_files=False)
    assert [row["official"] for row in found] == ["train", "val", "test", ""]


@pytest.mark.parametrize("column", ["batch", "group_id"])
def test_a_column_filled_in_part_is_refused(place: Path, column: str) -> None:
    rows = [("a", "a.mp4", "real", "x"), ("b", "b.mp4", "fake", "")]
    table(place, rows, header=f"video_id path label {column}")
    assert refusal(place, check_files=False) == [
        f"{column} is empty in 1 of 2 rows; fill all or none"
    ]


def test_all_problems_are_told_at_once(place: Path, files: tuple[str, str]) -> None:
    table(
        place,
        [
            ("a", files[0], "real"),
            ("a", "nowhere.mp4", "genuine"),
            ("c",),
            ("", files[1], "fake"),
            ("e{", files[1], "fake"),
            ("f", "gone.mp4", "fake"),
        ],
    )
    lines = refusal(place)
    assert [line.split(":")[0] for line in lines] == [
        "line 3", "line 4", "line 5", "line 6", "line 7", "lines 2, 3",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", sheet.REQUIRED)
def test_a_missing_column_is_named(place: Path, missing: str) -> None:
    header = " ".join(column for column in sheet.REQUIRED if column != missing)
    table(place, [("a", "b")], header=header)
    assert refusal(place) == [f"line 1: no column {missing} (tabs between columns)"]


def test_a_column_named_twice_is_refused(place: Path) -> None:
    table(place, [("a", "b", "real", "c")], header="video_id path label path")
    assert refusal(place) == ["line 1: a column appears twice"]


@pytest.mark.parametrize(
    ("column", "meant"),
    [("group", "group_id"), ("Group_ID", "group_id"), ("group id", "group_id"),
     ("groups", "group_id"), ("group-id", "group_id"), ("gruop_id", "group_id"),
     (" group_id", "group_id"), ("target", "target_id"), ("Source", "source_id"),
     ("clip", "clip_id"), ("clipid", "clip_id"), ("batches", "batch"), ("methods", "method"),
     ("data_set", "dataset"), ("compresion", "compression"), ("oficial", "official"),
     ("official_split", "official")],
)  # fmt: skip
def test_a_misspelt_column_is_refused_with_its_name(place: Path, column: str, meant: str) -> None:
    lines = [f"video_id\tpath\tlabel\t{column}", "a\ta.mp4\treal\tx", "b\tb.mp4\tfake\ty"]
    place.write_text("\n".join(lines))
    what = f"did you mean {meant}? Rename or remove it"
    assert refusal(place, check_files=False) == [f"line 1: unknown column {column!r}; {what}"]


def test_a_misspelt_column_that_is_required_is_named_too(place: Path) -> None:
    table(place, [("a", "b", "real")], header="video Path label")
    assert refusal(place) == [
        "line 1: no column video_id, path (tabs between columns)",
        "line 1: unknown column 'video'; did you mean video_id? Rename or remove it",
        "line 1: unknown column 'Path'; did you mean path? Rename or remove it",
    ]


NOTES = [
    "notes", "comment", "date", "fps", "duration", "width", "height", "gender", "age", "url",
    "codec", "license", "camera", "country", "split", "fold", "name", "quality", "language",
    "emotion", "sha256", "person_id", "scene_id", "is_fake", "subset",
]  # fmt: skip


def test_other_unknown_columns_are_read_over_and_told_once(place: Path) -> None:
    header = " ".join(["video_id path label", *NOTES])
    rows = [(name, f"{name}.mp4", label, *NOTES) for name, label in (("a", "real"), ("b", "fake"))]
    videos = sheet.read(table(place, rows, header=header), check_files=False)
    assert all(tuple(row) == sheet.COLUMNS for row in videos)
    (line,) = sheet.warnings(place, videos)
    assert line == f"warning: {place}: line 1: unknown columns, not used: {str(NOTES)[1:-1]}"


def test_a_column_beside_the_one_that_it_is_like_is_only_unknown(place: Path) -> None:
    rows = [("a", "a.mp4", "real", "g", "h"), ("b", "b.mp4", "fake", "g", "i")]
    table(place, rows, header="video_id path label group_id groups")
    videos = sheet.read(place, check_files=False)
    assert [row["group_id"] for row in videos] == ["g", "g"]
    assert sheet.warnings(place, videos) == [
        f"warning: {place}: line 1: unknown columns, not used: 'groups'"
    ]


def test_a_sheet_of_known_columns_has_no_warning(place: Path, files: tuple[str, str]) -> None:
    sheet.write([video("a", "real"), video("b", "fake")], place)
    assert sheet.warnings(place, sheet.read(place, check_files=False)) == []
    videos = sheet.read(table(place, [("a", files[0], "real"), ("b", files[1], "fake")]))
    assert sheet.warnings(place, videos) == []


def again(how: str, file: Path) -> Path:
    """Another path that leads to a file."""
    other = file.parent / "other.mp4"
    if how == "symbolic link":
        other.symlink_to(file)
    elif how == "hard link":
        other.hardlink_to(file)
    elif how == "link to its folder":
        (file.parent / "folder").symlink_to(file.parent)
        other = file.parent / "folder" / file.name
    elif how == "detour":
        other = file.parent / ".." / file.parent.name / file.name
    else:
        other = file
    return other


WAYS = ["same path", "detour", "symbolic link", "hard link", "link to its folder"]


@pytest.mark.parametrize("how", WAYS)
def test_one_file_under_two_labels_is_refused(
    place: Path, files: tuple[str, str], how: str
) -> None:
    other = f"{again(how, Path(files[0]))}"
    rows = [("a", files[0], "real"), ("b", files[1], "fake"), ("c", other, "fake")]
    assert refusal(table(place, rows)) == [
        f"lines 2, 4: one file is real and fake, {files[0]!r}; one label is wrong"
    ]


@pytest.mark.parametrize("how", WAYS)
def test_one_file_that_is_several_videos_of_a_label_is_pointed_out(
    place: Path, files: tuple[str, str], how: str
) -> None:
    other = f"{again(how, Path(files[0]))}"
    rows = [("a", files[0], "real", "g"), ("b", files[1], "fake", "h"), ("c", other, "real", "i")]
    table(place, rows, header="video_id path label group_id")
    assert sheet.warnings(place, sheet.read(place)) == [
        f"warning: {place}: one file is 2 videos, in several groups: give them one group_id: "
        "'a', 'c'"
    ]
    table(place, [(*row[:3], "g") for row in rows], header="video_id path label group_id")
    assert sheet.warnings(place, sheet.read(place)) == [
        f"warning: {place}: one file is 2 videos: 'a', 'c'"
    ]


def test_files_of_equal_content_are_not_one_file(place: Path, files: tuple[str, str]) -> None:
    assert len(sheet.read(table(place, [("a", files[0], "real"), ("b", files[1], "fake")]))) == 2


def test_many_files_that_are_several_videos_are_a_few_lines(place: Path, tmp_path: Path) -> None:
    rows = [("f", "f.mp4", "fake")]
    for number in range(20):
        (tmp_path / f"{number}.mp4").touch()
        rows += [(f"{number}.{copy}", f"{tmp_path}/{number}.mp4", "real") for copy in range(9)]
    lines = sheet.warnings(place, sheet.read(table(place, rows), check_files=False))
    assert len(lines) == 6
    assert lines[-1] == f"warning: {place}: 15 more files are several videos"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column video_id, path, label"),
        (b"\n\n", "no column video_id, path, label"),
        (b"video_id,path,label\na,b,real\n", "no column video_id, path, label"),
        (b"video_id\tpath\tlabel\n", "no videos"),
        (b"video_id\tpath\tlabel\n\n\t\t\n", "no videos"),
        (b"video_id\tpath\tlabel\n\xe9\ta.mp4\treal\n", "is not UTF-8 text (byte 20)"),
        ("video_id\tpath\tlabel\n".encode("utf-16"), "is not UTF-8 text (byte 0)"),
    ],
)
def test_what_is_no_sheet_is_refused_in_one_line(place: Path, content: bytes, reason: str) -> None:
    place.write_bytes(content)
    (line,) = refusal(place)
    assert reason in line


def test_a_sheet_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.tsv")[0].startswith("no such sheet")
    assert refusal(tmp_path) == ["Is a directory"]
    assert refusal(tmp_path / "a\0b") == ["embedded null byte"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_line_ends_are_accepted(place: Path, end: str) -> None:
    rows = end.join(["video_id\tpath\tlabel", "a\ta.mp4\treal", "", "b\tb.mp4\tfake", ""])
    place.write_bytes(b"\xef\xbb\xbf" + rows.encode())
    found = sheet.read(place, check_files=False)
    assert [(row["video_id"], row["label"]) for row in found] == [("a", "real"), ("b", "fake")]


def test_a_cell_of_any_length_is_read(place: Path) -> None:
    long = "x" * 300_000
    table(place, [(long, "a.mp4", "real"), ("b", "b.mp4", "fake")])
    assert sheet.read(place, check_files=False)[1]["video_id"] == long


HOSTILE = [
    ("=cmd|'/C calc'!A0", "@SUM(A1)"),
    ("../../etc/passwd", "../../etc/passwd"),
    ("/etc/passwd", "-rf"),
    ('"a', 'b"\'"'),
    ("a,b;c|d", "%s%n$(x)`y`"),
    ("<script>alert(1)</script>", "\u202e4pm.exe"),
    ("nan", "None"),
]


@pytest.mark.parametrize(("name", "path"), HOSTILE)
def test_whatever_a_cell_looks_like_it_is_only_text(place: Path, name: str, path: str) -> None:
    table(place, [(name, path, "real"), ("b", "b.mp4", "fake")])
    found = {row["video_id"]: row for row in sheet.read(place, check_files=False)}
    assert found[name]["path"] == path
    assert all(re.fullmatch("v[0-9a-f]{12}", row["batch"]) for row in found.values())
    sheet.write(found.values(), place)
    assert {row["video_id"]: row for row in sheet.read(place, check_files=False)} == found


def test_a_cell_of_any_length_is_refused_in_a_short_line(place: Path) -> None:
    long = "x" * 10**7
    table(place, [("a", "a.mp4", long), ("b{" + long, "b", "fake"), (long, f"/{long}", "real")])
    lines = refusal(place)
    assert len(lines) == 3
    assert all(len(line) < 5000 for line in lines)
    table(place, [(long, "a.mp4", "real"), (long, "b.mp4", "fake")])
    (line,) = refusal(place, check_files=False)
    assert len(line) < 300


def test_a_sheet_written_from_what_was_read_is_the_same_file(place: Path) -> None:
    videos = [
        video("b", "fake", clip_id="x:1", batch="b0001", group_id="x:1"),
        video('a "1"', "real", clip_id="é", batch="b0002", group_id="é"),
    ]
    sheet.write(videos, place)
    first = place.read_bytes()
    again = place.with_name("again.tsv")
    sheet.write(sheet.read(place, check_files=False), again)
    assert again.read_bytes() == first
    assert first.startswith(b"video_id\tpath\tlabel\tdataset\t")
    assert sorted(path.name for path in place.parent.iterdir()) == ["again.tsv", "videos.tsv"]


def groups(videos: list[sheet.Video]) -> dict[str, str]:
    videos = [{column: row.get(column, "") for column in sheet.COLUMNS} for row in videos]
    sheet.assign_groups(videos)
    return {row["video_id"]: row["group_id"] for row in videos}


def test_groups_are_chains_of_shared_names_whatever_the_row_order() -> None:
    videos = [
        video("one", clip_id="a", target_id="a"),
        video("two", clip_id="b", target_id="b"),
        video("three", clip_id="c", target_id="c"),
        video("a-b", "fake", clip_id="a", target_id="a", source_id="b"),
        video("b-c", "fake", clip_id="b", target_id="b", source_id="c"),
        video("apart", clip_id="z", target_id="z"),
        video("linked to nothing"),
    ]
    expected = dict.fromkeys(("one", "two", "three", "a-b", "b-c"), "a")
    expected |= {"apart": "z", "linked to nothing": "linked to nothing"}
    for order in itertools.permutations(videos):
        assert groups(list(order)) == expected


def test_a_name_that_is_a_video_ties_to_that_video() -> None:
    for column in ("source_id", "target_id", "clip_id"):
        found = groups(
            [
                video("one", clip_id="a"),
                video("other", "fake", **{"clip_id": "b"} | {column: "one"}),
                video("apart", clip_id="c"),
            ]
        )
        assert found["one"] == found["other"] != found["apart"], column


def test_a_source_alone_ties_two_fakes() -> None:
    found = groups(
        [
            video("x", "fake", clip_id="a", source_id="s"),
            video("y", "fake", clip_id="b", source_id="s"),
            video("z", "fake", clip_id="c", source_id="t"),
        ]
    )
    assert found["x"] == found["y"] != found["z"]


def test_groups_of_the_sheet_itself_are_kept(place: Path) -> None:
    rows = [("a", "a.mp4", "real", "g1"), ("b", "b.mp4", "fake", "g2")]
    table(place, rows, header="video_id path label group_id")
    assert [row["group_id"] for row in sheet.read(place, check_files=False)] == ["g1", "g2"]


def assign(names: str, known: dict[str, str], per_job: int) -> dict[str, str]:
    videos = [video(name) for name in names.split()]
    sheet.assign_batches(videos, known, per_job)
    return {row["video_id"]: row["batch"] for row in videos}


def test_new_videos_are_packed_in_sorted_order() -> None:
    assert assign("c a b", {}, 2) == {"a": "b0001", "b": "b0001", "c": "b0002"}


def test_one_video_a_job_gives_each_its_own_batch() -> None:
    found = assign("a b c", {}, 1)
    assert sorted(found.values()) == ["b0001", "b0002", "b0003"]


def test_known_videos_keep_their_batch_and_new_ones_open_their_own() -> None:
    known = {"b": "b0001", "d": "b0007", "e": "mine"}
    found = assign("a b c d e", known, 5)
    assert found == {"b": "b0001", "d": "b0007", "e": "mine", "a": "b0008", "c": "b0008"}


def test_batches_hold_their_videos_in_sorted_order() -> None:
    videos = [video("c", batch="y"), video("b", batch="x"), video("a", batch="y")]
    found = sheet.batches(videos)
    assert {name: [row["video_id"] for row in rows] for name, rows in found.items()} == {
        "x": ["b"], "y": ["a", "c"],
    }  # fmt: skip
    assert list(found) == ["x", "y"]


def test_without_the_column_a_videos_batch_depends_on_its_id_alone(place: Path) -> None:
    def batches_of(names: str) -> dict[str, str]:
        rows = [(name, f"{name}.mp4", "fake" if name == "f" else "real") for name in names]
        found = sheet.read(table(place, rows), check_files=False)
        return {row["video_id"]: row["batch"] for row in found}

    few, many = batches_of("bf"), batches_of("abcdef")
    assert len(set(many.values())) == 6
    assert {name: many[name] for name in few} == few


def test_a_sheet_is_written_into_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    place = tmp_path / "config" / "mine" / "videos.tsv"
    sheet.write([video("a"), video("b", "fake")], place)
    assert [row["video_id"] for row in sheet.read(place, check_files=False)] == ["a", "b"]


@pytest.mark.parametrize("batches", [True, False])
def test_sizes_of_batches_are_those_of_the_sheet_that_is_read(batches, tmp_path):
    videos = [
        {"video_id": f"v{n}", "path": f"{n}.mp4", "label": ("real", "fake")[n % 2]}
        | ({"batch": f"b{n // 3}"} if batches else {})
        for n in range(10)
    ]
    names = list(videos[0])
    lines = ["\t".join(names), *("\t".join(video[name] for name in names) for video in videos), ""]
    (tmp_path / "videos.tsv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    read = sheet.read(tmp_path / "videos.tsv", check_files=False)
    wanted = {name: len(found) for name, found in sheet.batches(read).items()}
    assert list(sheet.batch_sizes(tmp_path / "videos.tsv").items()) == list(wanted.items())
    held = sheet.batches(CompactSheet.of(read))
    assert {name: list(found) for name, found in held.items()} == sheet.batches(read)
