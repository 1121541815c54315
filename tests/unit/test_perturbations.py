"""The same checks of every perturbation, and of a made-up one that is a single file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepfake.preprocessing import frames, perturb
from deepfake.preprocessing.perturbations import registry
from deepfake.report import pages, robustness
from deepfake.workflow import config, config_robustness
from tests.unit import clips

PATIENCE = 60
EVERY = list(registry.ALL.values())
PICTURE = np.random.default_rng(1).integers(0, 256, (46, 64, 3), dtype=np.uint8)

every = pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
ranged = pytest.mark.parametrize(
    "one", [one for one in EVERY if one.limits], ids=lambda one: one.name
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 frames of coloured squares, lossless."""
    small = np.random.default_rng(0).integers(0, 256, (8, 6, 8, 3), dtype=np.uint8)
    pictures = list(small.repeat(8, axis=1).repeat(8, axis=2))
    return clips.write_video(tmp_path_factory.mktemp("clip") / "squares.mkv", pictures)


def strengths_of(one) -> list[float]:
    """The default, or whatever it is where that is nothing."""
    return one.strengths(one.default) or one.strengths(one.limits or True)


def load(**settings) -> config.Config:
    """A configuration whose perturbations are these alone."""
    nothing = {name: [] if other.limits else False for name, other in registry.ALL.items()}
    return config.load({"sweep": {"svm": {}}, "robustness": nothing | settings}, "run.yaml")


def perturbed(path: Path, requested: list) -> dict:
    """The clip under each perturbation, as a run that keeps PNG sees it."""
    with frames.Decoder(timeout=PATIENCE) as decoder:
        found = perturb.clips(str(path), [0, 3, 7], requested, decoder, PATIENCE, ("png", 95))
        return dict(found)


@every
def test_its_key_is_documented_and_has_its_default(one):
    (found,) = (key for key in config.keys() if key[0] == f"robustness.{one.name}")
    _, default, meaning, stage = found
    assert (meaning, stage) == (one.key, "robustness")
    assert default
    chosen = getattr(config_robustness.Robustness(), one.name)
    assert chosen == (list(one.default) if one.limits else one.default)


@every
def test_its_default_and_its_limits_are_accepted_and_asked_for(one):
    for setting in filter(None, (one.default, one.limits or True)):
        given = setting if setting is True else list(setting)
        settings = load(**{one.name: given}).robustness.model_dump()
        assert registry.requested(settings) == [
            (one.name, strength) for strength in one.strengths(setting)
        ]
        assert registry.modules(settings) == [f"preprocessing.perturbations.{one.name}"]


@ranged
def test_a_strength_out_of_its_limits_is_refused_by_the_name_of_its_key(one):
    low, high = one.limits
    for strength in (low - 1, high + 1, "much", True):
        with pytest.raises(config.ConfigError, match=rf"^run\.yaml: robustness\.{one.name}\[0\]: "):
            load(**{one.name: [strength]})
    with pytest.raises(config.ConfigError, match=f"{one.name} names a strength twice"):
        load(**{one.name: [high, high]})


@pytest.mark.parametrize(
    "one",
    [one for one in EVERY if one.frame and one.unchanged is not None],
    ids=lambda one: one.name,
)
def test_a_strength_that_changes_nothing_gives_the_clips_own_frames(one, sample):
    np.testing.assert_array_equal(one.frame(PICTURE, one.unchanged), PICTURE)
    (clip,) = perturbed(sample, [(one.name, one.unchanged)]).values()
    decoded = clips.read_video(sample)
    assert list(clip.frames) == [0, 3, 7]
    for index, data in clip.frames.items():
        np.testing.assert_array_equal(clips.picture(data), decoded[index])


@pytest.mark.parametrize("one", [one for one in EVERY if one.frame], ids=lambda one: one.name)
@pytest.mark.parametrize("shape", [(46, 64, 3), (1, 1, 3), (3, 200, 3)])
def test_a_changed_frame_is_a_frame_and_always_the_same(one, shape):
    picture = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    before = picture.copy()
    for strength in [*strengths_of(one), *(one.limits or ())]:
        found = one.frame(picture, strength)
        assert found.dtype == np.uint8
        assert found.ndim == 3
        assert found.shape[2] == 3
        assert min(found.shape) >= 1
        np.testing.assert_array_equal(found, one.frame(before, strength))
        np.testing.assert_array_equal(picture, before)


@every
def test_a_clip_keeps_its_frames_indices_and_is_changed_the_same_way_twice(one, sample):
    requested = [(one.name, strength) for strength in strengths_of(one)]
    first, second = (perturbed(sample, requested) for _ in range(2))
    assert list(first) == requested
    decoded = clips.read_video(sample)
    for name, clip in first.items():
        assert (list(clip.frames), clip.reason, clip.fps) == ([0, 3, 7], "", 25.0)
        assert clip.frames == second[name].frames
        changed = [clips.picture(data) for data in clip.frames.values()]
        assert any(
            now.shape != was.shape or (now != was).any()
            for now, was in zip(changed, (decoded[index] for index in clip.frames), strict=True)
        )


@every
def test_it_has_its_place_on_the_page(one):
    score = dict.fromkeys(("roc_auc", "accuracy", "balanced_accuracy"), 0.75)
    score |= {f"{name}_{end}": 0.5 for name in tuple(score) for end in ("low", "high")}
    row = dict.fromkeys(robustness.COLUMNS) | score | {"rows": 4, "fake": 2, "real": 2, "lost": 0}
    row |= {"protocol": "grouped", "features": "pixels", "model": "svm", "unit": "videos"}
    row |= {"leaky": "no", "note": "", "perturbation": robustness.NONE, "strength": ""}
    strengths = strengths_of(one)
    rows = [row] + [
        row | {"perturbation": one.name, "strength": f"{strength:g}"} for strength in strengths
    ]
    head = {"level": 0.95, "threshold": {"aim": "model", "source": "folds"}}
    facts = robustness.facts(rows, [head], "made-up", {})
    assert facts["perturbations"] == {one.name: one.about}
    ((_, shown),) = ((t["features"], t["rows"]) for t in facts["sections"][0]["tables"])
    assert [r["strength"] for r in shown[1:]] == [one.in_table(strength) for strength in strengths]
    page = pages.render("robustness.html", **facts)
    assert f"<b>{one.name}</b>" in page
    places = sorted([None, *strengths], key=one.place)
    labels = ["as is" if strength is None else one.in_chart(strength) for strength in places]
    assert all(labels)
    described = f"grouped, pixels svm {one.name}: {', '.join(f'{x} 0.750' for x in labels)}"
    assert described in page


def test_a_record_that_cannot_be_used_is_refused():
    with pytest.raises(ValueError, match="perturbation x: give it either frame or copies"):
        registry.Perturbation("x", 1, "", "", default=True)
    with pytest.raises(ValueError, match="perturbation x: without limits its default is a boolean"):
        registry.Perturbation("x", 1, "", "", default=(1.0,), frame=lambda picture, _: picture)


TOY = """
from deepfake.preprocessing.perturbations.record import Perturbation

PERTURBATION = Perturbation(
    name="toy", position=25, key="levels that are added", about="a little lighter",
    default=(3,), limits=(0, 9), whole=True, unchanged=0,
    frame=lambda picture, strength: picture // 2 + int(strength) + (picture - picture // 2),
)
"""


def test_a_further_perturbation_is_one_file(tmp_path):
    """These checks pass with it, in a copy of the library that has one file more."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(clips.SCRIPTS, tmp_path / "scripts", ignore=ignored)
    folder = tmp_path / "scripts/deepfake/preprocessing/perturbations"
    (folder / "toy.py").write_text(TOY)
    root = clips.SCRIPTS.parent
    words = [__file__, "-v", "-k", "toy", "-p", "no:cacheprovider", "--rootdir", str(root)]
    words += ["--override-ini", f"pythonpath={tmp_path / 'scripts'} {root}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=root,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout
    passed = {
        line.split("::")[1].split("[")[0] for line in done.stdout.splitlines() if "PASSED" in line
    }
    checks = {name for name, value in globals().items() if hasattr(value, "pytestmark")}
    assert passed == checks


def test_the_order_in_tables_is_that_of_the_positions():
    positions = [one.position for one in EVERY]
    assert positions == sorted(positions)
    assert list(registry.ALL) == ["crf", "scale", "brightness", "mirror"]
