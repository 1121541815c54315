"""Tests of what jobs ask for; whether it is enough, benchmarks/used.tsv tells (record.py)."""

import itertools
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from deepfake import resources, tables
from deepfake.resources import Size

RULES = sorted(resources._MEMORY)
PIXELS = 320 * 320 * 3
DEMO = Size(
    videos=20, frames=7, rows=48 * 7, features=PIXELS, training=168, tested=168, candidates=20,
    trees=200, epochs=5, batch=32, side=64, perturbations=11,
)  # fmt: skip
ORIGINAL = Size(
    videos=50, frames=7, rows=13_984, features=PIXELS, training=11_187, tested=2797, candidates=4,
    trees=2000, epochs=20, batch=32, side=128, perturbations=11,
)  # fmt: skip
GROWTH = {
    "videos": [0, 1, 20, 1000],
    "frames": [1, 7, 100, 10_000],
    "rows": [0, 1, 336, 1999, 2000, 3999, 4000, 11_187, 13_984, 14_000, 50_000],
    "training": [0, 1, 168, 1999, 2000, 3999, 4000, 11_187, 13_984, 14_000, 50_000],
    "tested": [0, 1, 168, 2797, 50_000],
    "features": [0, 768, PIXELS, 2048 * 2048 * 3],
    "candidates": [1, 4, 20, 1000],
    "trees": [0, 1, 100, 2000, 10_000],
    "epochs": [0, 1, 20, 100],
    "batch": [0, 1, 32, 256],
    "side": [0, 32, 128, 512],
    "perturbations": [0, 1, 11, 100],
}


def test_every_rule_has_both_formulas() -> None:
    assert set(resources._MEMORY) == set(resources._SECONDS)
    assert {"frames", "faces", "matrix", "gram", "svm", "logistic", "forest"} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_no_job_asks_for_less_than_snakemake_itself_needs(rule: str) -> None:
    for size in (Size(), DEMO, ORIGINAL):
        for attempt in (1, 2, 3):
            assert resources.mem_mb(rule, size, attempt) >= 500
            assert resources.minutes(rule, size, attempt) >= 10
        assert resources.threads(rule, size) >= 1


@pytest.mark.parametrize("rule", RULES)
def test_what_is_asked_for_is_whole_numbers(rule: str) -> None:
    for size, attempt in itertools.product((Size(), DEMO, ORIGINAL), (1, 2, 3)):
        asked = (
            resources.mem_mb(rule, size, attempt),
            resources.minutes(rule, size, attempt),
            resources.threads(rule, size),
        )
        assert [type(number) for number in asked] == [int, int, int]


@pytest.mark.parametrize("rule", RULES)
def test_a_later_attempt_asks_for_more(rule: str) -> None:
    for size in (Size(), DEMO, ORIGINAL):
        memory = [resources.mem_mb(rule, size, attempt) for attempt in (1, 2, 3)]
        minutes = [resources.minutes(rule, size, attempt) for attempt in (1, 2, 3)]
        assert memory == sorted(set(memory))
        assert minutes == sorted(set(minutes))


@pytest.mark.parametrize("what", GROWTH)
@pytest.mark.parametrize("rule", RULES)
def test_more_data_never_ask_for_less(rule: str, what: str) -> None:
    """Minutes may fall only where threads are added, and then not by more than those explain."""
    for start in (DEMO, ORIGINAL):
        sizes = [replace(start, **{what: number}) for number in GROWTH[what]]
        for small, large in itertools.pairwise(sizes):
            assert resources.mem_mb(rule, small) <= resources.mem_mb(rule, large)
            before, after = resources.threads(rule, small), resources.threads(rule, large)
            assert before <= after
            # a started minute is a whole one
            slower = (resources.minutes(rule, small) - 1) * before / after
            assert resources.minutes(rule, large) >= slower
            if before == after:
                assert resources.minutes(rule, small) <= resources.minutes(rule, large)


@pytest.mark.parametrize("rule", RULES)
def test_a_laptop_can_run_the_demo(rule: str) -> None:
    assert resources.mem_mb(rule, DEMO) < 3000
    assert resources.threads(rule, DEMO) <= 2


def test_the_originals_gram_needs_little_memory() -> None:
    asked = resources.mem_mb("gram", ORIGINAL)
    square = 8 * 11_187**2 / 2**20
    assert 1.2 * square < asked < 2000


RECORD = tables.read(Path(__file__).parents[2] / "benchmarks" / "used.tsv")
FULL = {line["formula"]: (line["rows"], line["features"]) for line in RECORD}  # the last is largest
# Not recorded: what takes as long as the network, or is asked for videos that come later.
UNRECORDED = {"download_part", "classify_batch", "previews", "verdicts"}
# Estimates still, with room: they were measured, but not at three sizes.
ESTIMATED = {"mesonet evaluate", "perturbed_faces", "perturbed_features", "robustness_scores"}
ESTIMATED |= {"rows robustness_scores", "robustness_page"}
# Any video may come, so the largest frames that are taken are asked for, and patience for some.
UNKNOWN = {"frames", "faces", "features"}


def recorded(line: dict[str, str]) -> Size:
    known = [each for each in fields(Size) if each.name in line]  # what came later has no use here
    return Size(**{each.name: type(each.default)(line[each.name]) for each in known})


@pytest.mark.parametrize("rule", sorted(set(RULES) - UNRECORDED - ESTIMATED))
def test_every_formula_is_held_to_three_sizes(rule: str) -> None:
    sizes = {recorded(line) for line in RECORD if line["formula"] == rule}
    assert len(sizes) >= 3, f"{rule}: call benchmarks/record.py"


@pytest.mark.parametrize("line", RECORD, ids=lambda line: f"{line['formula']} {line['rows']}")
def test_a_first_request_is_enough_and_at_full_size_at_most_twice_what_is_used(
    line: dict[str, str],
) -> None:
    rule, size = line["formula"], recorded(line)
    used_mb, seconds = float(line["used_mb"]), float(line["seconds"])
    formulas = rule.split(", ")  # a job may ask for the most of several
    asked_mb = max(resources.mem_mb(formula, size) for formula in formulas)
    minutes = max(resources.minutes(formula, size) for formula in formulas)
    assert used_mb <= asked_mb
    assert seconds <= 60 * minutes
    if rule in UNKNOWN or (line["rows"], line["features"]) != FULL[rule]:
        return
    if used_mb:  # a job of two seconds is too short to be looked at
        assert asked_mb <= max(resources.LEAST_MB, 2 * used_mb)
    assert minutes <= max(resources.LEAST_MINUTES, math.ceil(2 * seconds / 60))
