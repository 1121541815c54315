"""Tests of the readers of Celeb-DF, DFDC, DeeperForensics and DeepFakeDetection, on empty clips;
and of what every layout has in common."""

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from deepfake.dataset import sheet
from deepfake.dataset.layouts import celebdf, celebdfpp, deeperforensics, df40, dfdc, faceforensics
from deepfake.dataset.layouts.registry import LAYOUTS
from tests.unit.test_datasets import add, by_id, touch


def forensics(root: Path) -> None:
    add(root, "", "c23", "000", "001", "033")
    for method in ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter"):
        add(root, method, "c23", "000_001")
    base = "original_sequences/actors/c40/videos"
    touch(root, f"{base}/01__hugging_happy.mp4", f"{base}/02__walk.mp4")
    add(root, "DeepFakeDetection", "c40", "01_02__hugging_happy__YVGY8LOK")


def celeb(root: Path) -> None:
    touch(root, "Celeb-real/id0_0000.mp4", "Celeb-real/id0_0001.mp4", "Celeb-real/id1_0000.mp4")
    touch(root, "YouTube-real/00000.mp4", "YouTube-real/00170.mp4")
    touch(root, "Celeb-synthesis/id0_id1_0000.mp4", "Celeb-synthesis/id2_id3_0007.mp4")
    (root / celebdf.LIST).write_text(
        "1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n1 Celeb-real/id9_0000.mp4\n"
    )


def challenge(root: Path) -> None:
    parts = {0: {"aa": None, "bb": "aa", "0e1": "aa"}, 1: {"cc": None, "dd": "gone"}}
    for number, videos in parts.items():
        folder = f"dfdc_train_part_{number}"
        touch(root, *(f"{folder}/{name}.mp4" for name in videos))
        told = {
            f"{name}.mp4": {"label": "FAKE", "split": "train", "original": f"{original}.mp4"}
            if original
            else {"label": "REAL", "split": "train", "original": None}
            for name, original in videos.items()
        }
        (root / folder / "metadata.json").write_text(json.dumps(told))
    touch(root, "test/xx.mp4", "test/yy.mp4", "validation/zz.mp4")
    (root / "test/labels.csv").write_text("filename,label\nxx.mp4,1\nyy.mp4,0\n")
    (root / "validation/labels.csv").write_text("filename,label\nzz.mp4,1\n")


def deeper(root: Path) -> None:
    touch(root, "manipulated_videos/end_to_end/000_M101.mp4")
    touch(root, "manipulated_videos/end_to_end/033_W004.mp4")
    touch(root, "manipulated_videos/end_to_end_level_3/000_M101.mp4")
    touch(root, "source_videos/M101/BlendShape/camera_front/M101_BlendShape_camera_front.mp4")
    (root / "lists/splits").mkdir(parents=True)
    (root / "lists/splits/train.txt").write_text("000_M101.mp4\n")
    (root / "lists/splits/test.txt").write_text("033_W004.mp4\n")


def celeb_pp(root: Path) -> None:
    touch(root, "Celeb-real/id0_0000.mp4", "Celeb-real/id1_0000.mp4", "YouTube-real/00170.mp4")
    fakes = root / "Celeb-synthesis"
    touch(fakes, "FaceSwap/Celeb-DF/id0_id1_0000.mp4", "FaceSwap/GHOST/id0_id1_0000.mp4")
    touch(fakes, "FaceReenact/LIA/id1_to_id0.mp4", "TalkingFace/FLOAT/id1_0000_song.mp4")
    (root / celebdf.LIST).write_text(
        "1 YouTube-real/00170.mp4\n0 Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000.mp4\n"
    )


def forty(root: Path) -> None:
    touch(root, "DF40/simswap/ff/000_003.mp4", "DF40/simswap/cdf/id0_id1_0000.mp4")
    touch(root, "DF40/sadtalker/cdf/00170.mp4", "DF40/sadtalker/ff/033.mp4")
    touch(root, "DF40_train/simswap/ff/001_002.mp4", "DF40_train/simswap/cdf/id0_id1_0001.mp4")
    touch(root, "DF40/heygen/fake/a.mp4", "DF40/heygen/real/a.mp4")


def plain(root: Path) -> None:
    touch(root, "real/a.mp4", "real/007.mp4", "fake/a_007.mp4")


TREES: dict[str, Callable[[Path], None]] = {
    "celebdf": celeb,
    "celebdfpp": celeb_pp,
    "deeperforensics": deeper,
    "df40": forty,
    "dfdc": challenge,
    "faceforensics": forensics,
    "folders": plain,
}


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    TREES[request.param](tmp_path)
    return request.param, tmp_path


def test_every_row_is_one_that_a_sheet_can_hold(layout: tuple[str, Path], tmp_path: Path) -> None:
    name, root = layout
    rows, notes = LAYOUTS[name](root, "x")
    assert rows
    assert all(set(sheet.REQUIRED) <= set(row) <= set(sheet.COLUMNS) for row in rows)
    assert all(row["video_id"].startswith("x/") and os.path.isfile(row["path"]) for row in rows)
    assert all(isinstance(note, str) and "\n" not in note for note in notes)
    sheet.assign_groups(by_id(rows).values())
    sheet.write(rows, tmp_path / "videos.tsv")
    again = sheet.read(tmp_path / "videos.tsv", both_classes=False)
    assert [row["video_id"] for row in again] == sorted(row["video_id"] for row in rows)


def test_names_of_two_datasets_never_meet(layout: tuple[str, Path]) -> None:
    """But for those that change the clips of another dataset by design."""
    name, root = layout
    both = [*LAYOUTS[name](root, "x")[0], *LAYOUTS[name](root, "y")[0]]
    assert len(by_id(both)) == len(both)
    borrowed = {"deeperforensics": ["source_id", "group_id"], "df40": ["group_id"]}
    columns = borrowed.get(name, sheet.LINKS)
    names = {set_: {row.get(c, "") for row in both if row["dataset"] == set_ for c in columns}
             for set_ in "xy"}  # fmt: skip
    assert names["x"] & names["y"] <= {""}


def test_a_fake_tells_of_its_original_and_its_people(layout: tuple[str, Path]) -> None:
    name, root = layout
    rows = by_id(LAYOUTS[name](root, "x")[0])
    fake = {
        "celebdf": ("x/Celeb-synthesis/id0_id1_0000", "x:id0_0000", "x:id0", "x:id1"),
        "celebdfpp": (
            "x/Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000", "x:id0_0000", "x:id0", "x:id1",
        ),
        "deeperforensics": ("x/end_to_end/000_M101", "ffpp:000", "ffpp:000", "x:M101"),
        "df40": ("x/DF40/simswap/ff/000_003", "ffpp:000", "ffpp:000", "ffpp:003"),
        "dfdc": ("x/dfdc_train_part_0/0e1", "x:aa", "x:aa", ""),
        "faceforensics": (
            "x/DeepFakeDetection/c40/01_02__hugging_happy__YVGY8LOK",
            "x:actor01__hugging_happy", "x:actor01", "x:actor02",
        ),
        "folders": ("x/fake/a_007.mp4", "x:a", "x:a", "x:007"),
    }  # fmt: skip
    video_id, *links = fake[name]
    row = rows[video_id]
    assert row["label"] == "fake"
    assert [row.get(column, "") for column in ("clip_id", "target_id", "source_id")] == links
    originals = [other for other in rows.values() if other["label"] == "real"]
    assert [o["clip_id"] for o in originals].count(links[0]) == (
        name not in ("deeperforensics", "df40")
    )


def test_one_stem_under_several_methods_is_several_videos(tmp_path: Path) -> None:
    forensics(tmp_path)
    rows = by_id(faceforensics.scan(tmp_path, "ffpp")[0])
    assert sum(row["path"].endswith("/000_001.mp4") for row in rows.values()) == 5


def test_actors_are_other_people_than_the_clips_of_the_same_number(tmp_path: Path) -> None:
    add(tmp_path, "", "c23", "01")
    touch(tmp_path, "original_sequences/actors/c23/videos/01__walk.mp4")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/test.json").write_text('[["01", "01__walk"]]')
    clip, actor = sorted(faceforensics.scan(tmp_path, "x")[0], key=lambda row: row["path"])[::-1]
    assert (clip["target_id"], actor["target_id"]) == ("x:01", "x:actor01")
    assert (clip["official"], actor["official"]) == ("test", "")


def test_official_lists_may_lie_beside_a_tree_that_is_read_only(tmp_path: Path) -> None:
    forensics(tmp_path / "ff")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/val.json").write_text('[["000", "001"]]')
    rows, _ = faceforensics.scan(tmp_path / "ff", "ffpp", tmp_path / "lists")
    parts = Counter(row["official"] for row in rows)
    assert parts == {"val": 7, "": 4}
    with pytest.raises(sheet.SheetError, match="no such folder of train"):
        faceforensics.scan(tmp_path / "ff", "ffpp", tmp_path / "nowhere")


def test_a_clip_in_two_official_lists_is_an_error(tmp_path: Path) -> None:
    forensics(tmp_path)
    (tmp_path / "splits").mkdir()
    for part, pair in (("train", '[["000", "001"]]'), ("test", '[["033", "000"]]')):
        (tmp_path / f"splits/{part}.json").write_text(pair)
    with pytest.raises(sheet.SheetError, match=r"test\.json: 000 is in train\.json, too"):
        faceforensics.scan(tmp_path, "ffpp")


def test_the_testing_list_of_celeb_df_is_the_test_and_the_rest_the_training(tmp_path: Path) -> None:
    celeb(tmp_path)
    rows, notes = celebdf.scan(tmp_path, "c")
    test = {row["video_id"] for row in rows if row["official"] == "test"}
    assert test == {"c/YouTube-real/00170", "c/Celeb-synthesis/id0_id1_0000"}
    assert {row["official"] for row in rows if row["video_id"] not in test} == {"train"}
    assert f"partial: {tmp_path / celebdf.LIST}: 2 of 3 testing videos are there" in notes
    (tmp_path / celebdf.LIST).unlink()
    rows, notes = celebdf.scan(tmp_path, "c")
    assert {row["official"] for row in rows} == {""}
    assert any("no video has an official part" in note for note in notes)


@pytest.mark.parametrize(
    "line", ["0 Celeb-real/id0_0000.mp4", "1 Celeb-synthesis/id0_id1_0000.mp4"]
)
def test_labels_of_the_other_polarity_in_celeb_dfs_list_are_an_error(
    tmp_path: Path, line: str
) -> None:
    celeb(tmp_path)
    with open(tmp_path / celebdf.LIST, "a") as file:
        file.write(f"{line}\n")
    with pytest.raises(sheet.SheetError, match=r"line 4: .* in which 1 is real and 0 is fake"):
        celebdf.scan(tmp_path, "c")


@pytest.mark.parametrize("line", ["Celeb-real/id0_0000.mp4", "2 Celeb-real/a.mp4", "1 elsewhere/a"])
def test_another_line_in_celeb_dfs_list_is_an_error(tmp_path: Path, line: str) -> None:
    celeb(tmp_path)
    (tmp_path / celebdf.LIST).write_text(f"\n{line}\n")
    with pytest.raises(sheet.SheetError, match="line 2: "):
        celebdf.scan(tmp_path, "c")


def test_counts_of_celeb_df_are_held_against_both_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    celeb(tmp_path)
    notes = celebdf.scan(tmp_path, "c")[1]
    assert f"partial: {tmp_path}/YouTube-real: 2 of 300 clips of Celeb-DF v2 (v1: 250)" in notes
    for version in (2, 3):  # as if the two clips were all of v2, or all of v1
        folders = dict(celebdf.FOLDERS)
        folders["YouTube-real"] = ("real", r"\d+", *((2, 9) if version == 2 else (9, 2)))
        monkeypatch.setattr(celebdf, "FOLDERS", folders)
        notes = celebdf.scan(tmp_path, "c")[1]
        assert not any("YouTube-real" in note for note in notes)


def test_clips_of_unknown_people_are_groups_of_their_own(tmp_path: Path) -> None:
    celeb(tmp_path)
    rows = by_id(celebdf.scan(tmp_path, "c")[0])
    sheet.assign_groups(rows.values())
    sizes = Counter(row["group_id"] for row in rows.values())
    assert sizes == {"c:id0": 4, "c:id2": 1, "c:YouTube-real/00000": 1, "c:YouTube-real/00170": 1}


def test_a_training_part_of_dfdc_stays_together_unless_told(tmp_path: Path) -> None:
    challenge(tmp_path)
    groups = {}
    for how in dfdc.GROUPS:
        rows = dfdc.scan(tmp_path, "d", group_by=how)[0]
        sheet.assign_groups(rows)
        groups[how] = sorted(Counter(row["group_id"] for row in rows).values())
    assert groups == {"part": [1, 1, 1, 2, 3], "original": [1, 1, 1, 1, 1, 3]}


def test_the_official_part_of_dfdc_is_its_folder(tmp_path: Path) -> None:
    challenge(tmp_path)
    rows = by_id(dfdc.scan(tmp_path, "d")[0])
    assert Counter(row["official"] for row in rows.values()) == {"train": 5, "test": 2, "val": 1}
    assert (rows["d/test/xx"]["label"], rows["d/test/yy"]["label"]) == ("fake", "real")


def test_parts_of_dfdc_lie_deeper_or_are_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenge(tmp_path / "data" / "train")
    ids = set(by_id(dfdc.scan(tmp_path / "data", "d")[0]))
    assert ids == set(by_id(dfdc.scan(tmp_path / "data" / "train", "d")[0]))
    part = tmp_path / "data" / "train" / "dfdc_train_part_0"
    expected = {name for name in ids if name.startswith("d/dfdc_train_part_0/")}
    assert set(by_id(dfdc.scan(part, "d")[0])) == expected
    monkeypatch.chdir(part)
    assert set(by_id(dfdc.scan(Path(), "d")[0])) == expected


def test_a_partial_dfdc_is_told_by_its_own_labels_and_by_the_whole(tmp_path: Path) -> None:
    challenge(tmp_path)
    (tmp_path / "dfdc_train_part_0/bb.mp4").unlink()
    touch(tmp_path, "dfdc_train_part_1/stray.mp4", "dfdc_train_part_2/a.mp4")
    notes = dfdc.scan(tmp_path, "d")[1]
    for note in (
        f"partial: {tmp_path}/dfdc_train_part_0: 2 of 3 videos that its labels name",
        f"skipped: {tmp_path}/dfdc_train_part_1: 1 videos without a label (stray.mp4, ...)",
        f"skipped: {tmp_path}/dfdc_train_part_2: no metadata.json, so no labels",
        f"partial: {tmp_path}: 2 of 50 training parts",
        f"partial: {tmp_path}: 4 of 119154 training clips",
        "2 fakes are linked to no original: an audit cannot detect leaks through them",
    ):
        assert note in notes


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("test/metadata.json", '{"xx.mp4": {"is_fake": 0}}', "xx.mp4 is fake in labels.csv"),
        ("test/metadata.json", '{"yy.mp4": {"label": "FAKE"}}', "yy.mp4 is real in labels.csv"),
        ("test/labels.csv", "filename,label\nxx.mp4,FAKE\n", "line 2: label 'FAKE' is not 0 or 1"),
        ("test/labels.csv", "xx.mp4,1\n", "line 1: is not filename,label"),
        ("test/labels.csv", "", "line 1: is not filename,label"),
        ("dfdc_train_part_0/metadata.json", '{"aa.mp4": {}}', "neither REAL nor FAKE"),
        ("dfdc_train_part_0/metadata.json", '{"aa.mp4": 1}', "is no JSON object of videos"),
        ("dfdc_train_part_0/metadata.json", "{", "is no JSON object of videos"),
        (
            "dfdc_train_part_0/metadata.json",
            '{"aa.mp4": {"label": "FAKE", "original": "bb.mp4"}, "bb.mp4": {"label": "FAKE"}}',
            "aa.mp4: its original bb.mp4 is called FAKE",
        ),
    ],
)  # fmt: skip
def test_labels_of_dfdc_that_disagree_or_are_none_are_an_error(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    challenge(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(sheet.SheetError, match=message):
        dfdc.scan(tmp_path, "d")


def test_deeper_forensics_has_no_real_class_of_its_own(tmp_path: Path) -> None:
    deeper(tmp_path)
    rows, notes = deeperforensics.scan(tmp_path, "df", faceforensics="ff")
    assert {row["label"] for row in rows} == {"fake"}
    assert {row["target_id"] for row in rows} == {"ff:000", "ff:033"}
    assert f"skipped: {tmp_path}/source_videos: the actors are not the real class" in notes
    assert any("FaceForensics++ in c23" in note and "--dataset ff " in note for note in notes)
    assert f"partial: {tmp_path}/manipulated_videos/end_to_end: 2 of 1000 clips" in notes


def test_all_variants_of_a_deeper_forensics_clip_are_in_its_official_part(tmp_path: Path) -> None:
    deeper(tmp_path)
    rows = by_id(deeperforensics.scan(tmp_path, "df")[0])
    assert {name: row["official"] for name, row in rows.items()} == {
        "df/end_to_end/000_M101": "train",
        "df/end_to_end_level_3/000_M101": "train",
        "df/end_to_end/033_W004": "test",
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [("000.mp4", "line 2: '000.mp4' is no forged video"), ("000_M101.mp4", "in train.txt, too")],
)
def test_lists_of_deeper_forensics_name_each_forged_video_once(
    tmp_path: Path, line: str, message: str
) -> None:
    deeper(tmp_path)
    with open(tmp_path / "lists/splits/test.txt", "a") as file:
        file.write(f"{line}\n")
    with pytest.raises(sheet.SheetError, match=message):
        deeperforensics.scan(tmp_path, "df")


def test_a_method_of_celeb_dfpp_is_the_folder_below_its_kind(tmp_path: Path) -> None:
    celeb_pp(tmp_path)
    touch(tmp_path, "Celeb-synthesis/FaceSwap/GHOST/unnamed.mp4", "Celeb-synthesis/Other/a.mp4")
    rows, notes = celebdfpp.scan(tmp_path, "c")
    assert Counter(row["method"] for row in rows) == {
        "": 3, "Celeb-DF": 1, "GHOST": 1, "LIA": 1, "FLOAT": 1,
    }  # fmt: skip
    found = by_id(rows)
    assert found["c/Celeb-synthesis/TalkingFace/FLOAT/id1_0000_song"]["target_id"] == "c:id1"
    assert {name for name, row in found.items() if row["official"] == "test"} == {
        "c/YouTube-real/00170", "c/Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000",
    }  # fmt: skip
    assert any("unnamed.mp4: its name does not say who is in it" in note for note in notes)
    assert any("Other: 1 videos in a folder that this layout does not read" in n for n in notes)


def test_people_of_celeb_dfpp_are_linked_across_its_methods(tmp_path: Path) -> None:
    celeb_pp(tmp_path)
    rows, _ = celebdfpp.scan(tmp_path, "c")
    sheet.assign_groups(rows)
    assert sorted(Counter(row["group_id"] for row in rows).values()) == [1, 6]


def test_parts_of_df40_are_its_folders_and_celeb_df_is_not_trained_on(tmp_path: Path) -> None:
    forty(tmp_path)
    rows, notes = df40.scan(tmp_path, "d")
    found = by_id(rows)
    assert Counter(row["official"] for row in rows) == {"test": 6, "train": 1, "": 1}
    assert found["d/DF40_train/simswap/cdf/id0_id1_0001"]["official"] == ""
    real = [name for name, row in found.items() if row["label"] == "real"]
    assert real == ["d/DF40/heygen/real/a"]
    assert any("trains on its ff domain alone" in note for note in notes)
    assert "3 of 8 videos do not say who is in them" in notes


def test_df40_is_linked_to_the_clips_that_it_changes(tmp_path: Path) -> None:
    forty(tmp_path / "df40")
    forensics(tmp_path / "ff")
    celeb(tmp_path / "celeb")
    rows = [
        *df40.scan(tmp_path / "df40", "d")[0],
        *faceforensics.scan(tmp_path / "ff", "ffpp")[0],
        *celebdf.scan(tmp_path / "celeb", "celebdf")[0],
    ]
    sheet.assign_groups(rows)
    found = by_id(rows)
    groups = {name: row["group_id"] for name, row in found.items()}
    assert groups["d/DF40/simswap/ff/000_003"] == groups["ffpp/real/c23/000"]
    assert groups["d/DF40/simswap/cdf/id0_id1_0000"] == groups["celebdf/Celeb-real/id0_0000"]
    assert groups["d/DF40/sadtalker/cdf/00170"] == groups["celebdf/YouTube-real/00170"]
    assert groups["d/DF40/sadtalker/ff/033"] == groups["ffpp/real/c23/033"]


def test_what_df40_holds_beside_videos_is_told(tmp_path: Path) -> None:
    forty(tmp_path)
    touch(tmp_path, "DF40/simswap/ff/frames/000_003/000.png", "DF40/simswap/ff/other name.mp4")
    rows, notes = df40.scan(tmp_path, "d")
    assert len(rows) == 8
    assert any("1 files that are no videos by their ending (.png: 1)" in note for note in notes)
    assert any("other name.mp4: its name does not say of which clips" in note for note in notes)
