"""Tests of the dataset readers and of scripts/scan_dataset.py, run as a command."""

import json
import os
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import scan_dataset
from deepfake.dataset import sheet
from deepfake.dataset.layouts import faceforensics, folders
from deepfake.workflow import config
from deepfake.workflow.plan import Plan
from tests import zoo
from tests.unit.clips import real_clips, real_root, run_script

PLACE = {"": "original_sequences/youtube"}


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def add(root: Path, method: str, compression: str, *stems: str) -> None:
    """Empty clips of a FaceForensics++ tree; method "" are the originals."""
    base = PLACE.get(method, f"manipulated_sequences/{method}")
    touch(root, *(f"{base}/{compression}/videos/{stem}.mp4" for stem in stems))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two methods and two compressions of a partial FaceForensics++."""
    root = tmp_path / "ff"
    for compression in ("c23", "raw"):
        add(root, "", compression, "000", "001", "002")
        add(root, "Deepfakes", compression, "000_001", "001_000")
    add(root, "FaceShifter", "c40", "002_003")
    (root / "splits").mkdir()
    (root / "splits" / "train.json").write_text('[["000", "001"]]')
    (root / "splits" / "test.json").write_text('[["002", "003"]]')
    return root


def scan(root: Path, out: Path, layout: str, *more: object) -> subprocess.CompletedProcess:
    arguments = ["--layout", layout, "--dataset", "set", "--root", root, "--out", out]
    return run_script("scan_dataset", *arguments, *more)


def by_id(rows: list[sheet.Video]) -> dict[str, sheet.Video]:
    found = {row["video_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_every_clip_of_a_partial_tree_is_a_row(tree: Path) -> None:
    rows, _ = faceforensics.scan(tree, "ffpp")
    assert sorted(by_id(rows)) == [
        "ffpp/Deepfakes/c23/000_001", "ffpp/Deepfakes/c23/001_000",
        "ffpp/Deepfakes/raw/000_001", "ffpp/Deepfakes/raw/001_000",
        "ffpp/FaceShifter/c40/002_003",
        "ffpp/real/c23/000", "ffpp/real/c23/001", "ffpp/real/c23/002",
        "ffpp/real/raw/000", "ffpp/real/raw/001", "ffpp/real/raw/002",
    ]  # fmt: skip


def test_a_fake_has_its_target_first_and_its_source_second(tree: Path) -> None:
    rows = by_id(faceforensics.scan(tree, "ffpp")[0])
    fake = rows["ffpp/FaceShifter/c40/002_003"]
    assert fake == {
        "video_id": "ffpp/FaceShifter/c40/002_003",
        "path": str(tree / "manipulated_sequences/FaceShifter/c40/videos/002_003.mp4"),
        "label": "fake",
        "dataset": "ffpp",
        "method": "FaceShifter",
        "compression": "c40",
        "official": "test",
        "clip_id": "ffpp:002",
        "target_id": "ffpp:002",
        "source_id": "ffpp:003",
    }
    real = rows["ffpp/real/raw/000"]
    assert (real["label"], real["method"], real["source_id"]) == ("real", "", "")
    assert real["official"] == "train"


def test_official_lists_name_both_fakes_of_a_pair(tree: Path) -> None:
    rows = by_id(faceforensics.scan(tree, "ffpp")[0])
    fakes = [rows[f"ffpp/Deepfakes/c23/{stem}"] for stem in ("000_001", "001_000")]
    assert [fake["official"] for fake in fakes] == ["train", "train"]


def test_without_lists_there_is_no_official_split(tree: Path) -> None:
    for file in (tree / "splits").iterdir():
        file.unlink()
    rows, _ = faceforensics.scan(tree, "ffpp")
    assert {row["official"] for row in rows} == {""}


def test_each_part_that_is_not_whole_is_noted(tree: Path) -> None:
    _, notes = faceforensics.scan(tree, "ffpp")
    parts = [note for note in notes if note.startswith("partial: ")]
    assert len(parts) == 5
    assert f"partial: {tree}/manipulated_sequences/FaceShifter/c40/videos: 1 of 1000 clips" in parts


def test_clips_of_other_names_are_skipped_with_a_note(tree: Path) -> None:
    add(tree, "", "c23", "copy of 000", "000_001")
    add(tree, "Deepfakes", "c23", "000", "000_001_002", "a_b")
    rows, notes = faceforensics.scan(tree, "ffpp")
    assert len(rows) == 11
    skipped = [note for note in notes if note.startswith("skipped: ")]
    assert len(skipped) == 5
    assert any("copy of 000.mp4: its name is not <clip>" in note for note in skipped)
    assert any("a_b.mp4: its name is not <target>_<source>" in note for note in skipped)


def test_unknown_methods_are_noted(tree: Path) -> None:
    add(tree, "Deepfake", "c23", "000_001")
    rows, notes = faceforensics.scan(tree, "ffpp")
    assert len(rows) == 11
    base = tree / "manipulated_sequences"
    assert f"skipped: {base}/Deepfake: Deepfake is no known method" in notes


@pytest.mark.parametrize(
    "text",
    ["", "[", "{}x", "3", "[1]", '["ab"]', '{"ab": 1}', "[[0, 1]]", '[["0"]]', '[["0", "1", "2"]]',
     '[[["0"], ["1"]]]', '[["0", null]]'],
)  # fmt: skip
def test_a_split_file_of_another_form_is_an_error(tree: Path, text: str) -> None:
    (tree / "splits" / "val.json").write_text(text)
    with pytest.raises(sheet.SheetError, match=r"val\.json: is no JSON list of pairs"):
        faceforensics.scan(tree, "ffpp")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Plain folders: three reals, whose names hold underscores, and their fakes."""
    root = tmp_path / "plain"
    touch(root, "real/a.mp4", "real/b_1.mp4", "real/c_2_x.MP4")
    touch(root, "fake/a_b_1.mp4", "fake/b_1_c_2_x.mp4", "fake/a_zzz.mp4", "fake/alone.avi")
    return root


def test_fakes_are_paired_by_name_also_with_underscores(plain: Path) -> None:
    rows = by_id(folders.scan(plain, "mine")[0])
    pairs = {
        name: (row["target_id"], row["source_id"])
        for name, row in rows.items()
        if row["label"] == "fake"
    }
    assert pairs == {
        "mine/fake/a_b_1.mp4": ("mine:a", "mine:b_1"),
        "mine/fake/b_1_c_2_x.mp4": ("mine:b_1", "mine:c_2_x"),
        "mine/fake/a_zzz.mp4": ("", ""),
        "mine/fake/alone.avi": ("", ""),
    }


def test_an_unpaired_fake_is_a_group_of_its_own(plain: Path) -> None:
    rows = [{"source_id": "", **row} for row in folders.scan(plain, "mine")[0]]
    sheet.assign_groups(rows)
    members = Counter(row["group_id"] for row in rows)
    assert sorted(members.values()) == [1, 1, 5]


def test_nested_folders_are_read_and_name_the_method(plain: Path) -> None:
    touch(plain, "fake/swap/day 1/b_1_a.mkv", "real/indoors/d.webm")
    rows = by_id(folders.scan(plain, "mine")[0])
    fake = rows["mine/fake/swap/day 1/b_1_a.mkv"]
    assert (fake["method"], fake["target_id"], fake["source_id"]) == ("swap", "mine:b_1", "mine:a")
    assert rows["mine/real/indoors/d.webm"]["method"] == ""


def test_extensions_in_capitals_are_videos_and_other_files_are_not(plain: Path) -> None:
    touch(plain, "real/notes.txt", "real/picture.png", "real/mp4", "real/x.mp4.part")
    rows, _ = folders.scan(plain, "mine")
    names = {Path(row["path"]).name for row in rows if row["label"] == "real"}
    assert names == {"a.mp4", "b_1.mp4", "c_2_x.MP4"}


def test_hidden_files_and_folders_are_skipped(plain: Path) -> None:
    before = folders.scan(plain, "mine")
    touch(plain, "real/._a.mp4", "real/.hidden.mp4", "fake/.trash/x.mp4")
    assert folders.scan(plain, "mine") == before


def test_a_folder_with_a_videos_name_is_not_a_video(plain: Path) -> None:
    before = folders.scan(plain, "mine")[0]
    (plain / "real" / "x.mp4").mkdir()
    assert folders.scan(plain, "mine")[0] == before


def test_a_circle_of_links_comes_to_an_end(plain: Path) -> None:
    before = folders.scan(plain, "mine")[0]
    (plain / "real" / "circle").symlink_to(plain, target_is_directory=True)
    (plain / "fake" / "self").symlink_to(plain / "fake", target_is_directory=True)
    (plain / "fake" / "self2").symlink_to("self2")
    assert folders.scan(plain, "mine")[0] == before


def test_a_class_without_videos_is_noted(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.mp4")
    rows, notes = folders.scan(tmp_path, "mine")
    assert (len(rows), notes) == (1, [f"no videos in {tmp_path}/fake"])


def test_the_command_writes_the_same_sorted_sheet_every_time(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "new folder" / "videos.tsv"
    first = scan(tree, out, "faceforensics", "--videos-per-job", 4)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.endswith(f"{out}: 6 real and 5 fake videos in 2 groups and 3 batches\n")
    written = out.read_bytes()
    ids = [line.split("\t")[0] for line in written.decode().splitlines()[1:]]
    assert ids == sorted(ids)
    assert scan(tree, out, "faceforensics", "--videos-per-job", 4).stdout == first.stdout
    assert out.read_bytes() == written
    assert [row["video_id"] for row in sheet.read(out)] == ids


def test_many_batches_are_reported_with_a_better_size(tree: Path, tmp_path: Path, monkeypatch):
    """DFDC has 119,154 videos: at 20 a batch they would be refused for their jobs."""
    out = tmp_path / "videos.tsv"
    (dfdc,) = scan_dataset._larger_batches(out, 119_154, 5_958)
    assert dfdc.startswith(f"{out}: ")
    assert dfdc.endswith("remove this sheet, and scan again with --videos-per-job 150")
    monkeypatch.setattr(scan_dataset, "MANY_BATCHES", 2)
    for videos_per_job, lines in ((4, 1), (10, 0)):
        found = scan_dataset.scan("faceforensics", "ffpp", tree, out, videos_per_job)
        assert sum("--videos-per-job" in line for line in found) == lines
        out.unlink()


def test_as_many_batches_as_the_scan_is_content_with_are_no_refused_run():
    rows = [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": "real", "batch": f"b{n}"}
        for n in range(scan_dataset.MANY_BATCHES)
    ]
    sweep = {"svm": {}, "logistic": {}, "forest": {}}
    settings = config.load({"features": ["pixels", "residuals"], "sweep": sweep}, "x")
    assert sum(1 for _ in Plan(settings, rows).jobs()) <= settings.max_jobs


def test_an_added_video_opens_a_batch_and_moves_no_other(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "videos.tsv"
    scan(tree, out, "faceforensics", "--videos-per-job", 4)
    before = {row["video_id"]: row["batch"] for row in sheet.read(out)}
    add(tree, "", "c23", "0005")
    scan(tree, out, "faceforensics", "--videos-per-job", 2)
    after = {row["video_id"]: row["batch"] for row in sheet.read(out)}
    assert after == before | {"set/real/c23/0005": "b0004"}


def test_a_class_may_arrive_later(plain: Path, tmp_path: Path) -> None:
    """A sheet of a tree half copied can be renewed."""
    fakes = (plain / "fake").rename(tmp_path / "still elsewhere")
    out = tmp_path / "videos.tsv"
    assert scan(plain, out, "folders").returncode == 0
    fakes.rename(plain / "fake")
    assert scan(plain, out, "folders").returncode == 0
    assert Counter(row["batch"] for row in sheet.read(out)) == {"b0001": 3, "b0002": 4}


@pytest.mark.parametrize(
    ("root", "more", "message"),
    [
        ("nowhere", [], "{base}/nowhere: no such folder\n"),
        ("file", [], "{base}/file: no such folder\n"),
        ("empty", [], "{base}/empty: no videos in the layout folders\n"),
        ("plain", ["--videos-per-job", 0], "--videos-per-job 0: must be at least 1\n"),
    ],
)
def test_a_wrong_call_ends_with_one_clear_line(
    plain: Path, tmp_path: Path, root: str, more: list, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    ended = scan(tmp_path / root, tmp_path / "videos.tsv", "folders", *more)
    assert ended.returncode == 1
    assert ended.stderr.startswith(message.format(base=tmp_path))
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "videos.tsv").exists()


def test_a_sheet_that_cannot_be_written_ends_with_one_line(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = scan(plain, tmp_path / "file" / "videos.tsv", "folders")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)


def test_a_broken_earlier_sheet_is_told_and_not_overwritten(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "videos.tsv"
    out.write_text("not a sheet\n")
    ended = scan(plain, out, "folders")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert out.read_text() == "not a sheet\n"


def test_names_that_no_row_can_hold_are_skipped_with_a_note(plain: Path, tmp_path: Path) -> None:
    for name in (b"a{1}.mp4", b"two\nlines.mp4", b"tab\t.mp4", b"latin\xe9.mp4"):
        Path(os.fsdecode(os.fsencode(plain / "real") + b"/" + name)).touch()
    out = tmp_path / "videos.tsv"
    ended = scan(plain, out, "folders")
    assert ended.returncode == 0
    skipped = [line for line in ended.stdout.splitlines() if line.startswith("skipped: ")]
    assert len(skipped) == 4
    assert any("a{1}.mp4' has a brace" in line for line in skipped)
    assert any("two\\nlines.mp4' has a control character" in line for line in skipped)
    assert any("latin\\udce9.mp4' is not UTF-8" in line for line in skipped)
    assert len(sheet.read(out)) == 7


def test_what_leads_to_no_file_is_skipped_with_a_note(plain: Path, tmp_path: Path) -> None:
    """A sheet that names such a path is refused: one dead link must not stop a whole dataset."""
    for animal in zoo.OTHERS:
        animal.make(plain / "real" / animal.name, plain)
    out = tmp_path / "videos.tsv"
    ended = scan(plain, out, "folders")
    assert ended.returncode == 0
    skipped = [line for line in ended.stdout.splitlines() if line.startswith("skipped: ")]
    assert len(skipped) == len(zoo.OTHERS) - 1  # a folder is looked into
    assert len(sheet.read(out)) == 7


def test_a_name_of_other_bytes_in_a_known_tree_is_noted_and_printed(
    tree: Path, tmp_path: Path
) -> None:
    folder = tree / "manipulated_sequences/Deepfakes/c23/videos"
    Path(os.fsdecode(os.fsencode(folder) + b"/\xe9.mp4")).touch()
    ended = scan(tree, tmp_path / "videos.tsv", "faceforensics")
    assert ended.returncode == 0
    assert "\\udce9.mp4: its name is not <target>_<source>" in ended.stdout


@real_clips
def test_the_real_clips_are_five_groups_of_pairs(tmp_path: Path) -> None:
    out = tmp_path / "videos.tsv"
    assert scan(real_root(), out, "faceforensics").returncode == 0
    videos = sheet.read(out)
    assert Counter(row["label"] for row in videos) == {"real": 10, "fake": 10}
    parts, clips = defaultdict(set), defaultdict(set)
    for row in videos:
        parts[row["group_id"]].add(row["official"])
        clips[row["group_id"]].add(Path(row["path"]).stem)
    assert len(clips) == 5
    for names in clips.values():
        first, second = sorted(name for name in names if "_" not in name)
        assert names == {first, second, f"{first}_{second}", f"{second}_{first}"}
    lists = {name: json.loads((real_root() / f"splits/{name}.json").read_text()) for name in
             ("train", "val", "test")}  # fmt: skip
    expected = Counter({name: len(pairs) for name, pairs in lists.items()})
    assert Counter(part for (part,) in parts.values()) == expected


def test_a_video_that_is_gone_leaves_the_sheet_only_when_told(tmp_path, tree):
    out = tmp_path / "videos.tsv"
    assert scan(tree, out, "faceforensics").returncode == 0
    before = out.read_bytes()
    (tree / "manipulated_sequences/Deepfakes/c23/videos/000_001.mp4").unlink()
    refused = scan(tree, out, "faceforensics")
    assert refused.returncode == 1
    assert "1 of its videos are not in" in refused.stderr
    assert "set/Deepfakes/c23/000_001" in refused.stderr
    assert out.read_bytes() == before
    assert scan(tree, out, "faceforensics", "--drop").returncode == 0
    assert out.read_bytes().count(b"\n") == before.count(b"\n") - 1


def test_a_second_dataset_is_added_to_a_sheet(tmp_path, tree):
    out = tmp_path / "videos.tsv"
    scan(tree, out, "faceforensics")
    first = sheet.read(out, check_files=False)
    other = tmp_path / "other"
    for name in ("real/a.mp4", "fake/b.mp4"):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).touch()
    words = ["--layout", "folders", "--dataset", "second", "--root", other, "--out", out]
    assert run_script("scan_dataset", *words).returncode == 0
    both = by_id(sheet.read(out, check_files=False))
    assert len(both) == len(first) + 2
    assert all(both[video["video_id"]] == video for video in first)


def test_fakes_without_people_are_pointed_out(tmp_path):
    for name in ("real/id0_0000.mp4", "fake/id0_id1_0000.mp4"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).touch()
    done = scan(tmp_path / "set", tmp_path / "videos.tsv", "folders")
    assert "1 of 1 fakes are linked to no real video" in done.stdout
