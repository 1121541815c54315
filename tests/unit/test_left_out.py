"""Tests of what a scan leaves out: by its ending, by its folder, by a folder's misspelt name."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.format import ContainerFormat

from deepfake.dataset import sheet
from deepfake.dataset.layouts import files
from deepfake.dataset.layouts.registry import LAYOUTS
from deepfake.preprocessing.container import CONTAINERS
from deepfake.preprocessing.frames import Decoder
from tests.unit.test_datasets import scan, touch
from tests.unit.test_layouts import TREES

# Endings that FFmpeg knows for these containers, of what is no video.
SOUND = {"m4a", "m4b", "mka", "isma", "wma", "ra"}
PICTURES, SUBTITLES = {"avif", "heic", "heif"}, {"mks"}

# How a clip of each container is made: muxer, encoder, pixel format; DV has one size.
MADE = {
    "avi": ("avi", "mpeg4", "yuv420p"),
    "mov": ("mov", "mpeg4", "yuv420p"),
    "matroska": ("matroska", "mpeg4", "yuv420p"),
    "flv": ("flv", "flv", "yuv420p"),
    "mpegts": ("mpegts", "mpeg2video", "yuv420p"),
    "mpeg": ("mpeg", "mpeg1video", "yuv420p"),
    "asf": ("asf", "wmv2", "yuv420p"),
    "ogg": ("ogg", "libvpx", "yuv420p"),
    "mxf": ("mxf", "mpeg2video", "yuv420p"),
    "nut": ("nut", "mpeg4", "yuv420p"),
    "rm": ("rm", "rv10", "yuv420p"),
    "ivf": ("ivf", "libvpx", "yuv420p"),
    "dv": ("dv", "dvvideo", "yuv420p"),
    "gif": ("gif", "gif", "rgb8"),
    "yuv4mpegpipe": ("yuv4mpegpipe", "wrapped_avframe", "yuv420p"),
    "mpegvideo": ("mpeg2video", "mpeg2video", "yuv420p"),
    "m4v": ("m4v", "mpeg4", "yuv420p"),
    "h264": ("h264", "libx264", "yuv420p"),
    "hevc": ("hevc", "libx265", "yuv420p"),
}


def clip(path: Path, muxer: str, encoder: str, pixels: str) -> None:
    """Ten grey frames in a container, whatever the file is called."""
    width, height = (720, 576) if encoder == "dvvideo" else (176, 144)
    with av.open(str(path), "w", format=muxer) as file:
        stream = file.add_stream(encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for number in range(10):
            grey = np.full((height, width, 3), 20 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "rgb24").reformat(format=pixels)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def test_the_decoders_containers_are_those_whose_endings_are_known() -> None:
    assert set(files.ENDINGS) == set(CONTAINERS.split(","))


@pytest.mark.parametrize("container", sorted(files.ENDINGS))
def test_every_ending_that_ffmpeg_knows_for_a_container_is_scanned(container: str) -> None:
    known = set()
    for mode in "rw":
        with contextlib.suppress(ValueError):  # some are only read
            known |= ContainerFormat(container, mode).extensions
    assert known - SOUND - PICTURES - SUBTITLES <= set(files.ENDINGS[container].split())


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as started:
        yield started


@pytest.mark.parametrize("container", sorted(MADE))
def test_a_clip_under_each_ending_of_a_container_is_decoded(
    decoder: Decoder, container: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    clip(made, *MADE[container])
    for ending in files.ENDINGS[container].split():
        path = Path(shutil.copy(made, tmp_path / f"clip.{ending}"))
        assert list(decoder.read(path, [0, 5]).frames) == [0, 5], path.name


@pytest.mark.parametrize("ending", sorted(files.EXTENSIONS))
def test_a_video_of_any_ending_is_a_row(tmp_path: Path, ending: str) -> None:
    touch(tmp_path, f"real/a{ending}", f"fake/b{ending.upper()}")
    rows, notes = LAYOUTS["folders"](tmp_path, "x")
    assert sorted(row["label"] for row in rows) == ["fake", "real"]
    assert not any("skipped" in note for note in notes)


# A folder of each layout that holds videos.
READ = {
    "celebdf": "Celeb-real",
    "celebdfpp": "Celeb-synthesis/FaceSwap",
    "deeperforensics": "manipulated_videos/end_to_end",
    "df40": "DF40/simswap/ff",
    "dfdc": "dfdc_train_part_0",
    "faceforensics": "original_sequences/youtube/c23/videos",
    "folders": "real",
}


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    TREES[request.param](tmp_path)
    return request.param, tmp_path


def test_what_is_no_video_by_its_ending_is_counted_and_named(layout: tuple[str, Path]) -> None:
    name, root = layout
    before = LAYOUTS[name](root, "x")
    touch(root, *(f"{READ[name]}/{file}" for file in ("1.mp3", "2.mp3", "3.PNG", "4", ".hidden")))
    rows, notes = LAYOUTS[name](root, "x")
    assert rows == before[0]
    (note,) = set(notes) - set(before[1])
    assert note == (
        f"skipped: {root / READ[name]}: 4 files that are no videos by their ending "
        "(.mp3: 2, .png: 1, without an ending: 1)"
    )


def test_many_endings_are_one_short_note(tmp_path: Path) -> None:
    touch(tmp_path, *(f"real/a.{number:04}" for number in range(500)), "real/x.a\nb", "fake/b.mp4")
    (note,) = (note for note in LAYOUTS["folders"](tmp_path, "x")[1] if "by their" in note)
    assert "501 files" in note
    assert note.endswith(".0009: 1, 491 other endings)")


def test_videos_that_a_layout_does_not_read_are_counted_by_folder(
    layout: tuple[str, Path],
) -> None:
    name, root = layout
    before = LAYOUTS[name](root, "x")
    touch(root, "old/1/a.mp4", "old/2/b.3gp", "old/readme.txt", "loose.mts", "empty/x.png")
    rows, notes = LAYOUTS[name](root, "x")
    assert rows == before[0]
    what = "videos in a folder that this layout does not read"
    assert sorted(set(notes) - set(before[1])) == [
        f"skipped: {root}/old: 2 {what} (a.mp4, ...)",
        f"skipped: {root}: 1 {what} (loose.mts, ...)",
    ]


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"dfdc"}))
def test_a_link_to_a_folder_is_noted(name: str, tmp_path: Path) -> None:
    """But in DFDC, whose parts have no folders."""
    touch(tmp_path, "aside/x.txt")
    TREES[name](tmp_path / "set")
    place = tmp_path / "set" / READ[name] / "more"
    place.symlink_to(tmp_path / "aside")
    what = "a link to a folder, and such links are not followed"
    assert f"skipped: {place}: {what}" in LAYOUTS[name](tmp_path / "set", "x")[1]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("folders", "real", "Real"),
        ("folders", "real", "REAL"),
        ("folders", "real", "reals"),
        ("folders", "fake", "fakes"),
        ("folders", "fake", "Fake"),
        ("celebdf", "Celeb-real", "celeb-real"),
        ("celebdf", "YouTube-real", "Youtube_real"),
        ("celebdf", "Celeb-synthesis", "Celeb-Synthesis"),
        ("deeperforensics", "manipulated_videos", "manipulated_video"),
        ("deeperforensics", "lists", "Lists"),
        ("deeperforensics", "lists/splits", "lists/split"),
        ("faceforensics", "original_sequences", "Original_sequences"),
        ("faceforensics", "manipulated_sequences/FaceSwap", "manipulated_sequences/faceswap"),
        ("faceforensics", "original_sequences/youtube/c23", "original_sequences/youtube/C23"),
        (
            "faceforensics",
            "manipulated_sequences/Deepfakes/c23/videos",
            "manipulated_sequences/Deepfakes/c23/video",
        ),
        ("celebdfpp", "Celeb-synthesis/FaceReenact", "Celeb-synthesis/FaceReenactment"),
        ("df40", "DF40_train", "DF40-train"),
        ("dfdc", "dfdc_train_part_0", "DFDC_train_part_0"),
        ("dfdc", "dfdc_train_part_1", "dfdc_train_part-1"),
    ],
)
def test_a_misspelt_folder_is_refused_with_the_right_name(
    tmp_path: Path, name: str, right: str, wrong: str
) -> None:
    root = tmp_path / "set"
    root.mkdir()
    TREES[name](root)
    (root / right).rename(root / wrong)
    ended = scan(root, tmp_path / "videos.tsv", name)
    assert ended.returncode == 1
    meant = "dfdc_train_part_N" if name == "dfdc" else str(root / right)
    assert ended.stderr.startswith(f"{root / wrong}: did you mean {meant}")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "videos.tsv").exists()


def test_a_folder_that_cannot_be_listed_is_noted(tmp_path: Path) -> None:
    """Here because its path is too long: for root, no folder is forbidden."""
    touch(tmp_path, "real/a.mp4", "fake/b.mp4")
    here = os.open(tmp_path / "real", os.O_RDONLY)
    for _ in range(17):
        os.mkdir("n" * 250, dir_fd=here)
        below = os.open("n" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    rows, notes = LAYOUTS["folders"](tmp_path, "x")
    assert len(rows) == 2
    (note,) = (note for note in notes if note.startswith("skipped: "))
    assert note.startswith(f"skipped: {tmp_path}/real/nnn")
    assert note.endswith("...: cannot be read: File name too long")


def test_both_misspelt_folders_are_named_at_once(tmp_path: Path) -> None:
    touch(tmp_path, "Real/a.mp4", "FAKES/b.mp4")
    with pytest.raises(sheet.SheetError) as caught:
        LAYOUTS["folders"](tmp_path, "x")
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/FAKES: did you mean {tmp_path}/fake? Rename the folder",
        f"{tmp_path}/Real: did you mean {tmp_path}/real? Rename the folder",
    ]


def test_a_folder_of_a_near_name_beside_the_right_one_is_only_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.mp4", "fake/b.mp4", "fakes/c.mp4")
    rows, notes = LAYOUTS["folders"](tmp_path, "x")
    assert len(rows) == 2
    assert any(note.startswith(f"skipped: {tmp_path}/fakes: 1 videos") for note in notes)


def test_parts_that_are_missing_are_not_taken_for_misspelt(layout: tuple[str, Path]) -> None:
    """Whole folders of every layout are alike in part: none stands for another."""
    name, root = layout
    videos = {row["video_id"] for row in LAYOUTS[name](root, "x")[0]}
    assert videos
    for folder in sorted(path for path in root.rglob("*") if path.is_dir()):
        aside = root.parent / "aside"
        folder.rename(aside)
        rows, _ = LAYOUTS[name](root, "x")
        aside.rename(folder)
        assert {row["video_id"] for row in rows} <= videos


def test_the_one_folder_that_a_wrong_root_holds_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "set", "mine/real/a.mp4", "mine/fake/b.mp4")
    ended = scan(tmp_path / "set", tmp_path / "videos.tsv", "folders")
    assert ended.returncode == 1
    assert f"skipped: {tmp_path}/set/mine: 2 videos in a folder" in ended.stderr
