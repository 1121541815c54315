"""Tests of the synthetic demo clips; whether a detector finds the faces is not tested here."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from deepfake.dataset import demo_clips

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_demo.py"
FRAMES = 5
NAMES = [
    "fake/s00_s01.mp4",
    "fake/s01_s00.mp4",
    "fake/s02_s03.mp4",
    "fake/s03_s02.mp4",
    "real/s00.mp4",
    "real/s01.mp4",
    "real/s02.mp4",
    "real/s03.mp4",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs' clips."""
    out = tmp_path_factory.mktemp("demo")
    demo_clips.make_demo(out, pairs=2, frames=FRAMES, seed=42)
    return out


def decode(path: Path) -> np.ndarray:
    """Reads a clip's frames, (n, height, width, 3) uint8."""
    video = cv2.VideoCapture(str(path))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    return np.array(frames)


def test_folder_holds_the_clips_and_a_readme_only(folder: Path) -> None:
    """Layout and names are as promised, and the temporary folder is gone."""
    found = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))
    assert found == NAMES
    assert sorted(path.name for path in folder.iterdir()) == ["README.txt", "fake", "real"]
    assert "says nothing about real deepfakes" in (folder / "README.txt").read_text()


def test_real_and_fake_clips_are_encoded_alike(folder: Path) -> None:
    """Neither codec nor speed, size or length tells a fake."""
    properties = (
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FRAME_COUNT,
    )
    videos = [cv2.VideoCapture(str(folder / name)) for name in NAMES]
    described = {tuple(video.get(key) for key in properties) for video in videos}
    assert len(described) == 1
    assert described.pop()[1:] == (
        demo_clips.FPS,
        demo_clips.FRAME_SIZE,
        demo_clips.FRAME_SIZE,
        FRAMES,
    )
    assert {decode(folder / name).shape for name in NAMES} == {(FRAMES, 320, 320, 3)}


def test_a_clip_depends_on_seed_and_number_only(folder: Path, tmp_path: Path) -> None:
    """Fewer pairs, made twice into one folder, still give the same pixels."""
    for _ in range(2):
        clips = demo_clips.make_demo(tmp_path, pairs=1, frames=FRAMES, seed=42)
    assert len(clips) == 4
    for clip in clips:
        same = folder / clip.relative_to(tmp_path)
        np.testing.assert_array_equal(decode(clip), decode(same))


def test_another_seed_gives_other_clips(folder: Path, tmp_path: Path) -> None:
    """The seed matters to each clip."""
    for clip in demo_clips.make_demo(tmp_path, pairs=1, frames=FRAMES, seed=43):
        other = decode(folder / clip.relative_to(tmp_path)).astype(float)
        assert np.abs(decode(clip) - other).mean() > 3


@pytest.mark.parametrize("target", range(4))
def test_a_swap_changes_the_inner_face_only(target: int) -> None:
    """Beside the inner face the target's picture stays, but for blending at its edge."""
    person, other = demo_clips.make_stand_in(42, target), demo_clips.make_stand_in(42, target ^ 1)
    swapped = next(demo_clips.swapped_pictures(person, other, np.random.default_rng(0)))
    difference = np.abs(swapped.astype(float) - person.picture).mean(axis=-1)
    mask = demo_clips.inner_face(person.points)
    x, y, width, height = cv2.boundingRect(mask)
    assert 3 < difference[mask > 0].mean() < 40
    assert difference[mask == 0].max() < 10
    difference[y : y + height, x : x + width] = 0
    assert difference.max() == 0


def test_jitter_moves_the_swapped_face_from_frame_to_frame() -> None:
    """Two pictures of one swap differ, which a real stand-in's never do."""
    people = [demo_clips.make_stand_in(42, number) for number in range(2)]
    pictures = demo_clips.swapped_pictures(*people, np.random.default_rng(0))
    assert (next(pictures) != next(pictures)).any()


def test_mesh_covers_the_inner_face_of_every_stand_in() -> None:
    """Weights over a mesh's own points give each pixel back, so no pixel is left without source."""
    grid = demo_clips.pixel_grid(demo_clips.CANVAS_SIZE, demo_clips.CANVAS_SIZE)
    for number in range(3):
        points = demo_clips.make_stand_in(42, number).points
        inside = demo_clips.inner_face(points) > 0
        assert inside.sum() > 5000
        found = demo_clips.mesh_weights(points, grid) @ points
        np.testing.assert_allclose(found[inside], grid[inside], atol=0.01)


def test_points_are_carried_along_with_the_warp() -> None:
    """The picture looks, at a carried point, at the place that the point came from."""
    displacement = demo_clips.displacement_field(np.random.default_rng(0))
    points = demo_clips.mesh_points()
    carried = demo_clips.carry_points(points, displacement)
    rows, columns = carried.round().astype(int)[:, ::-1].T
    np.testing.assert_allclose(carried + displacement[rows, columns], points, atol=0.5)


def test_command_line_makes_the_clips_and_says_so(tmp_path: Path) -> None:
    """One line at the start, one at the end."""
    command = [sys.executable, SCRIPT, "--out", tmp_path, "--pairs", "1", "--frames", "2"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    first, last = printed.splitlines()
    assert first.startswith("making 4 synthetic clips")
    assert last.startswith("made 4 clips")
    assert len(list(tmp_path.glob("*/*.mp4"))) == 4
