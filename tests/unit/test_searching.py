"""Tests of which frames are searched for which sizes; test_faces.py has those with the detector."""

import numpy as np
import pytest

from deepfake.preprocessing import searching
from deepfake.preprocessing.detector import LEAST_FACE, Face


def frame(*sides: int) -> np.ndarray:
    """A frame that stands for faces with these longer sides; below 0: not usable."""
    return np.array(sides)


class Known:
    """Finds the faces that frames stand for, and notes what it is given."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, float]] = []

    def detect(self, frames: list[np.ndarray], least: float = LEAST_FACE) -> list[list[Face]]:
        self.calls.append((len(frames), least))
        return [
            [Face((0, 0, abs(side) // 2, abs(side)), float(side > 0)) for side in sides.tolist()]
            if least == LEAST_FACE
            else [Face((0, 0, side // 2, side), 1.0) for side in sides.tolist() if side >= least]
            for sides in frames
        ]


def around(frames: list[np.ndarray]) -> tuple[list[list[int]], list[tuple[int, float]]]:
    """The longer sides of the faces found in each frame, and the detector's calls."""
    detector = Known()
    found = searching.around(frames, detector, lambda face: face.confidence == 1)
    return [[face.box[3] for face in faces] for faces in found], detector.calls


def test_every_fourth_frame_is_searched_for_all_sizes_and_the_others_for_those_found() -> None:
    found, calls = around([frame(90), frame(88), frame(91), frame(89), frame(60), *[frame(61)] * 4])
    assert found == [[90], [88], [91], [89], [60], *[[61]] * 4]
    assert calls == [(3, LEAST_FACE), (6, 30)]


@pytest.mark.parametrize("count", [1, 2, 4, 5, 8, 9])
def test_a_clip_of_any_length_has_an_answer_for_every_frame(count: int) -> None:
    assert around([frame(90)] * count)[0] == [[90]] * count


def test_a_face_that_became_small_is_found_after_all() -> None:
    found, calls = around([frame(90), frame(40), frame(90)])
    assert found == [[90], [40], [90]]
    assert calls == [(1, LEAST_FACE), (2, 45), (1, LEAST_FACE)]


def test_a_frame_that_lacks_one_of_several_faces_is_searched_for_all_sizes() -> None:
    found, calls = around([frame(90, 120), frame(40, 121), frame(91, 122)])
    assert found == [[90, 120], [40, 121], [91, 122]]
    assert calls[-1] == (1, LEAST_FACE)


def test_a_clip_whose_first_frame_has_no_face_is_searched_for_all_sizes() -> None:
    found, calls = around([frame(), frame(30), frame(30)])
    assert found == [[], [30], [30]]
    assert calls == [(1, LEAST_FACE), (2, LEAST_FACE)]


def test_a_face_that_cannot_be_used_is_none_to_search_around() -> None:
    found, calls = around([frame(90, -30), frame(90, -30)])
    assert found == [[90, 30], [90]]
    assert calls == [(1, LEAST_FACE), (1, 45)]


def test_small_faces_are_searched_as_before() -> None:
    assert around([frame(24), frame(21)])[1] == [(1, LEAST_FACE), (1, LEAST_FACE)]


@pytest.mark.parametrize(("stays", "seen"), [(3, [90, 100]), (4, [90, 100, 30])])
def test_someone_large_is_found_at_once_and_someone_small_who_stays_until_all_sizes_are_searched(
    stays: int, seen: list[int]
) -> None:
    found, _ = around([frame(90), *[frame(90, 100, 30)] * stays, *[frame(90)] * (5 - stays)])
    assert found == [[90], *[seen] * stays, *[[90]] * (5 - stays)]
