"""Tests of following faces through a clip by their boxes."""

import numpy as np
import pytest

from deepfake.preprocessing import tracking
from deepfake.preprocessing.detector import Face

EVERY = 30


def face(x: float, y: float = 100, size: int = 40) -> Face:
    return Face((round(x), round(y), size, size), 0.99)


def numbers(*found: list[Face], usable: list[list[bool]] | None = None) -> list[list[int]]:
    frames = [EVERY * position for position in range(len(found))]
    usable = usable or [[True] * len(faces) for faces in found]
    return tracking.number(frames, found, usable)


def test_two_people_are_two_tracks_in_whatever_order_they_are_found():
    left, right = face(100, size=50), face(300)
    assert numbers([left, right], [right, left], [left, right]) == [[0, 1], [1, 0], [0, 1]]


def test_the_first_track_is_in_most_frames_then_the_largest_then_the_first_from_the_left():
    large, small = face(100, size=60), face(300)
    assert numbers([large, small], [small]) == [[1, 0], [0]]
    assert numbers([small, large], [large, small]) == [[1, 0], [0, 1]]
    assert numbers([face(300), face(100)]) == [[1, 0]]


def test_faces_that_cannot_be_used_do_not_count_for_the_order():
    found = [[face(100, size=60), face(300)]] * 3
    usable = [[False, True], [True, True], [False, True]]
    assert numbers(*found, usable=usable) == [[1, 0]] * 3


def test_a_head_that_moves_by_more_than_its_box_is_one_person():
    places = [100, 155, 130, 190, 140, 100]
    assert numbers(*([face(x)] for x in places)) == [[0]] * 6


def test_two_heads_side_by_side_are_not_mixed_up_where_one_is_not_found():
    left, right = face(100, size=42), face(160)
    found = [left, right], [right], [left], [right], [left, right]
    assert numbers(*found, [left]) == [[0, 1], [1], [0], [1], [0, 1], [0]]


@pytest.mark.parametrize("missed", range(tracking.COAST))
def test_faces_that_cross_from_above_and_below_keep_their_numbers(missed):
    ways = [[face(100, 100 + 40 * t, 44), face(104, 340 - 40 * t)] for t in range(7)]
    for both in ways[3 : 3 + missed]:
        both.pop()
    found = numbers(*ways)
    assert [mine[0] for mine in found] == [0] * 7
    assert [mine[1] for mine in found if len(mine) > 1] == [1] * (7 - missed)


def test_a_track_is_expected_where_its_mean_motion_leads():
    seen = [(0, 0, (10.0, 100.0, 20.0, 40.0)), (2, 60, (30.0, 160.0, 40.0, 20.0))]
    # its middle moved by 30 to the right and by 50 down within 60 frames
    assert tracking._moved(seen, 90) == (45.0, 185.0, 40.0, 20.0)
    assert tracking._moved(seen[:1], 90) == (10.0, 100.0, 20.0, 40.0)


@pytest.mark.parametrize("missed", range(tracking.COAST))
def test_faces_that_cross_keep_their_numbers(missed):
    """Also where one hides the other; by the last places alone they would swap."""
    ways = [[face(100 + 40 * t, size=44), face(340 - 40 * t)] for t in range(7)]
    for both in ways[3 : 3 + missed]:
        both.pop()
    found = numbers(*ways)
    assert [mine[0] for mine in found] == [0] * 7
    assert [mine[1] for mine in found if len(mine) > 1] == [1] * (7 - missed)


def test_a_face_that_leaves_and_comes_back_in_its_place_is_the_same():
    stays, goes = face(100), face(300)
    found = [stays, goes], [stays, goes], *[[stays]] * 5, [goes, stays]
    assert numbers(*found) == [[0, 1], [0, 1], *[[0]] * 5, [1, 0]]


def test_a_face_that_comes_back_elsewhere_is_another():
    assert numbers([face(100)], [face(100)], [], [face(400)]) == [[0], [0], [], [1]]


def test_who_was_seen_since_is_followed_before_who_left_that_place():
    """One stays away, another walks into the empty place."""
    gone = face(300, size=50)
    walks = [face(x) for x in (100, 140, 180, 220, 260, 300, 300)]
    found = numbers(*[[gone, walks[0]]] * 2, *([one] for one in walks[1:]))
    assert found[:2] == [[1, 0]] * 2
    assert found[2:] == [[0]] * 6


def test_of_tracks_expected_in_one_place_the_one_last_seen_nearer_goes_on():
    """One comes from the left by 40 a frame, the other from above by 60; one is left to be seen."""
    right, down = [face(120, 200), face(160, 200)], [face(200, 80), face(200, 140)]
    found = [*map(list, zip(right, down, strict=True)), [face(200, 200)]]
    assert numbers(*found) == [[0, 1], [0, 1], [0]]


def test_a_face_much_smaller_in_the_same_place_is_another():
    assert numbers([face(100, size=200)], [face(160, 160, 40)]) == [[0], [1]]


@pytest.mark.parametrize("seed", range(5))
def test_any_boxes_are_numbered_without_gaps_and_once_a_frame(seed):
    random = np.random.default_rng(seed)
    found = [
        [
            Face(tuple(int(n) for n in random.integers(0, 60, 4)), 0.9)
            for _ in range(random.integers(0, 5))
        ]
        for _ in range(12)
    ]
    told = numbers(*found)
    assert [len(mine) for mine in told] == [len(faces) for faces in found]
    assert all(len(set(mine)) == len(mine) for mine in told)
    seen = {track for mine in told for track in mine}
    assert seen == set(range(len(seen)))
    assert numbers(*found) == told


def test_overlap_with_and_without_room():
    one, other = (0, 0, 10, 10), (5, 0, 10, 10)
    assert tracking.overlap(one, one) == 1
    assert tracking.overlap(one, other) == pytest.approx(1 / 3)
    assert tracking.overlap(one, (10, 0, 10, 10)) == 0
    assert tracking.overlap(one, (10, 0, 10, 10), 0.5) == pytest.approx(1 / 3)
    assert tracking.overlap((3, 3, 0, 0), (3, 3, 0, 0)) == 0
