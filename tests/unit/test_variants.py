"""Variants: which folder has what, what is refused, how rows are dealt, what is tidied away."""

import datetime
import io
from collections import Counter
from pathlib import Path

import pytest

import tidy
from deepfake.splits import assignment
from deepfake.workflow import checks, config, unused_results, variants
from deepfake.workflow.plan import Plan

NAMED = {
    "wide": {"faces": {"margin": 0.3}},
    "dense": {"frames": {"per_video": 9}},
    "both": {"frames": {"per_video": 9}, "faces": {"margin": 0.3}},
    "copied": {"training": {"copies": {"crf": [40]}}},
}
DENSE, WIDE = "/variants/frames.per_video=9", "/variants/faces.margin=0.3"
BOTH = "/variants/faces.margin=0.3+frames.per_video=9"
COPIED = "/variants/training.copies.crf=40"


def loaded(given: object, **settings) -> config.Config:
    return config.load({"sweep": {"svm": {}}, "variants": given} | settings, "my.yaml")


def branches(given: object, **settings) -> dict[str, variants.Branch]:
    return variants.branches(loaded(given, **settings))


def test_what_variants_have_equal_is_in_one_folder():
    found = branches(NAMED)
    assert [*found] == ["", WIDE, DENSE, BOTH, COPIED]
    where = {folder: [*branch.folder_of.values()] for folder, branch in found.items()}
    assert where == {
        "": ["", ""],
        WIDE: [WIDE, WIDE],
        DENSE: [DENSE, DENSE],
        BOTH: [BOTH, BOTH],
        COPIED: ["", COPIED],
    }
    assert {folder: sorted(branch.stages) for folder, branch in found.items()} == {
        "": ["faces", "models"],
        WIDE: ["faces", "models"],
        DENSE: ["faces", "models"],
        BOTH: ["faces", "models"],
        COPIED: ["models"],
    }
    assert (found[BOTH].config.faces.margin, found[BOTH].config.frames.per_video) == (0.3, 9)
    assert found[BOTH].config.faces.size == 320
    assert found[""].rows == pytest.approx((7 + 7 + 9 + 9 + 14) / 7)


def test_faces_that_two_variants_share_are_a_branch_though_no_variant_has_them_alone():
    found = branches({name: NAMED["both"] | {"training": {"copies": {"crf": crf}}}
                      for name, crf in (("a", [30]), ("b", [40]))})  # fmt: skip
    assert [(folder, sorted(branch.stages)) for folder, branch in found.items()] == [
        ("", ["faces", "models"]),
        (BOTH, ["faces"]),
        (BOTH + "+training.copies.crf=30", ["models"]),
        (BOTH + "+training.copies.crf=40", ["models"]),
    ]
    assert (found[BOTH].names, found[BOTH].title) == ((), BOTH.rpartition("/")[2])
    assert not found[BOTH].config.training.copies.count


def test_lists_are_multiplied_and_the_run_itself_is_among_them():
    found = branches({"faces": {"margin": [0, 0.3]}, "frames": {"per_video": [7, 9]}})
    assert [*found] == ["", DENSE, WIDE, BOTH]
    assert found[""].names == ("base", "faces.margin=0+frames.per_video=7")


def test_another_name_or_order_moves_no_folder():
    turned = {name.upper(): NAMED[name] for name in reversed(NAMED)}
    assert {f: b.config for f, b in branches(turned).items() if f} == {
        f: b.config.model_copy(update={"variants": turned}) for f, b in branches(NAMED).items() if f
    }


def test_folders_of_different_values_differ_and_are_short():
    values = [[0.3], [0.5], [0.3, 0.5]]
    copies = [{"training": {"copies": {"brightness": value}}} for value in values]
    long = [{"training": {"copies": {"crf": [*range(51)], "scale": [s]}}} for s in (0.3, 0.4)]
    found = branches({f"v{n}": made for n, made in enumerate(copies + long)})
    assert len(found) == 6
    assert max(map(len, found)) < 200
    assert sum("values=" in folder for folder in found) == 2


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"w": {"faces": {"margn": 1}}}, "variants.w: faces.margn: unknown key; did you mean marg"),
        ({"w": {"faces": {"margin": 9}}}, "variants.w: faces.margin: 9 should be less than or"),
        ({"w": {"split": {"folds": {"k": 2}}}}, "variants.w: split is no section that a variant"),
        ({"w": {"features": ["dct"]}}, "variants.w: features is no section that a variant changes"),
        ({"w": {}}, "variants.w: should be a mapping of keys, like faces: {margin: 0.3}"),
        ({"a b": {"faces": {"margin": 0.3}}}, "variants: 'a b': a variant's name has letters"),
        ({"base": {"faces": {"margin": 0.3}}}, "variants: 'base': a variant's name has letters"),
        (
            {"faces": {"margin": [datetime.date(2026, 1, 1)]}},  # as YAML reads 2026-01-01
            "variants.values=39de5f0ea5388deb: faces.margin: should be a valid number",
        ),
        ({"faces": {"margin": 0.3}}, "variants.faces.margin: should be a list of values"),
        ({"faces": {}}, "variants.faces: names no key with its values"),
        (
            {"faces.margin=0.3": {"frames": {"every": 5}}, "faces": {"margin": [0.3]}},
            "variants.faces.margin=0.3: named twice, by itself and as one of the combinations",
        ),
        ({"frames": {"every": [*range(1, 99)]}}, "variants: 98 are more than 50"),
    ],
)
def test_what_is_no_variant_is_refused_by_its_place(given, line):
    with pytest.raises(config.ConfigError) as refused:
        loaded(given)
    assert str(refused.value).startswith(f"my.yaml: {line}")


def test_a_run_without_variants_has_one_branch_and_says_nothing_of_them():
    made = loaded({})
    assert [*variants.branches(made)] == [""]
    assert config.deciding(made) == config.deciding(loaded(NAMED))


def test_only_the_base_repeats_published_runs():
    made = loaded(
        {"wide": NAMED["wide"]},
        split={"protocols": ["frame"]},
        report={"published": ["original"]},
    )
    assert [bool(b.config.report.published) for b in variants.branches(made).values()] == [
        True,
        False,
    ]


VIDEOS = [
    {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": label, "batch": "b0", "group_id": f"g{n}"}
    for n, label in enumerate(["real", "fake"] * 4)
]


def test_the_plan_of_a_branch_is_what_is_made_there():
    settings = {"features": ["lbp"], "split": {"folds": {"k": 2}}}
    found = branches(NAMED, **settings)
    counts = {
        folder: Counter(rule for rule, _ in Plan(b.config, VIDEOS, branch=b).jobs())
        for folder, b in found.items()
    }
    assert [counts[folder]["frames"] for folder in found] == [1, 1, 1, 1, 0]
    assert [counts[folder]["features"] for folder in found] == [1, 1, 1, 1, 0]
    assert [counts[folder]["copies"] for folder in found] == [0, 0, 0, 0, 1]
    assert [counts[folder]["search"] for folder in found] == [2] * 5
    assert [counts[folder]["variants"] for folder in found] == [1, 0, 0, 0, 0]
    alone = Counter(rule for rule, _ in Plan(loaded({}, **settings), VIDEOS).jobs())
    assert counts[""] - alone == Counter(variant_choice=1, variants=1)


def test_the_jobs_of_all_variants_count_and_each_is_checked():
    assert checks.problems(loaded(NAMED), VIDEOS) == []
    jobs = sum(
        sum(1 for _ in Plan(b.config, VIDEOS, branch=b).jobs()) for b in branches(NAMED).values()
    )
    (line,) = checks.problems(loaded(NAMED, max_jobs=jobs - 1), VIDEOS)
    assert line.startswith(f"this run has {jobs} jobs, more than max_jobs ({jobs - 1})")
    (line,) = checks.problems(
        loaded({"dense": {"frames": {"per_video": 99}}}, search={"max_gram_rows": 100}), VIDEOS
    )
    assert line.startswith("variant dense: sweep.svm on pixels: up to 634 training rows")


# frames 0 and 1 of eight videos, as the base has them
ROWS = [
    {"video_id": v["video_id"], "frame": str(frame), "face": "0", "label": v["label"], "copy": ""}
    | {"group_id": v["group_id"], "clip_id": "", "method": "", "identities": ""}
    for v in VIDEOS
    for frame in range(2)
]
HOW = {"test_size": 0.5, "k": 2, "shuffle": True, "every": 1, "seed": 1}


def dealt(split: list[dict]) -> dict[tuple, tuple]:
    return {(c["video_id"], c["frame"]): (c["part"], c["fold"], c["reason"]) for c in split}


def as_read(split: list[dict]) -> list[dict]:
    return [{name: str(value) for name, value in cut.items()} for cut in split]


def test_a_variants_videos_are_in_the_parts_and_folds_of_the_base():
    base = assignment.make(ROWS, "grouped", **HOW)
    more = [row | {"frame": str(frame)} for row in ROWS[::2] for frame in (0, 5, 9)]
    other = [*more, more[0] | {"video_id": "new", "group_id": "new"}]
    found = dealt(assignment.like(as_read(base), other, "grouped", **HOW))
    assert found.pop(("new", "0")) == ("unused", "", assignment.NOT_IN_BASE)
    of_video = {video: place for (video, _), place in dealt(base).items()}
    assert found == {(video, frame): of_video[video] for video, frame in found}
    assert len(found) == 24


def test_where_frames_are_dealt_a_frame_has_the_part_that_it_has_in_the_base():
    base = assignment.make(ROWS, "frame", **HOW)
    other = [*ROWS, ROWS[0] | {"frame": "5"}]
    found = dealt(assignment.like(as_read(base), other, "frame", **HOW))
    last = found.pop(("v0", "5"))
    assert found == dealt(base)
    both = {place[:2] for (video, _), place in dealt(base).items() if video == "v0"}
    assert last[0] == ("unused" if len(both) > 1 else next(iter(both))[0])


def test_a_variant_keeps_one_in_so_many_of_its_own_rows():
    base = assignment.make(ROWS, "grouped", **HOW | {"every": 2})
    dense = [row | {"frame": str(frame)} for row in ROWS[::2] for frame in range(4)]
    found = dealt(assignment.like(as_read(base), dense, "grouped", **HOW | {"every": 2}))
    counts = Counter(place[2] == assignment.THINNED for place in found.values())
    assert counts == {True: 16, False: 16}
    assert {place[0] for place in found.values() if not place[2]} == {"train", "test"}


def test_a_variant_without_a_class_in_a_fold_is_refused_as_any_split():
    base = assignment.make(ROWS, "grouped", **HOW)
    tested = {cut["video_id"] for cut in base if cut["part"] == "test"}
    lacking = [r for r in ROWS if r["video_id"] not in tested or r["label"] == "real"]
    with pytest.raises(assignment.SplitError, match="the test set has no fake face"):
        assignment.like(as_read(base), lacking, "grouped", **HOW)


def made_run(folder: Path) -> Path:
    run = folder / "results" / "demo"
    for name in (
        "variants/faces.margin=0.3/rows.tsv", "variants/frames.per_video=9/rows.tsv",
        "variants/grouped.json", "pixels/grouped/models/svm/bundle.json", "lbp/matrix.npy",
        "pixels/grouped/search/knn.tsv", "pixels/grouped/search/knn/c000.0.tsv",
        "pixels/grouped/search/svm.tsv", "pixels/frame/search/svm.tsv", "notes/mine.txt",
        "pixels/frame-1/search/svm.tsv", "variants/faces.margin=0.3/dct/matrix.npy",
    ):  # fmt: skip
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("1234")
    return run


def test_tidy_keeps_published_runs_and_folders_of_others(tmp_path):
    run = made_run(tmp_path)
    for name in ("pixels/frame/published/logistic.json", "variants/mine/notes.txt"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("1234")
    made = loaded(
        {"wide": NAMED["wide"]},
        split={"protocols": ["grouped", "frame"]},
        report={"published": ["original"]},
    )
    found = [str(path.relative_to(run)) for path in unused_results.find(run, made)]
    assert found == [name for name in UNUSED if name != "pixels/frame"]


def answered(folder: Path, monkeypatch, answer: str) -> None:
    (folder / "my.yaml").write_text(
        "run: demo\nsweep: {svm: {}}\nvariants: {wide: {faces: {margin: 0.3}}}\n"
    )
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    tidy.main(["--config", "my.yaml"])


UNUSED = ["lbp", "pixels/frame", "pixels/grouped/search/knn", "pixels/grouped/search/knn.tsv",
          "variants/faces.margin=0.3/dct", "variants/frames.per_video=9"]  # fmt: skip


def test_tidy_lists_what_is_named_no_more_and_asks_before_it_removes(tmp_path, monkeypatch, capsys):
    run = made_run(tmp_path)
    before = {path for path in run.rglob("*") if path.is_file()}
    answered(tmp_path, monkeypatch, "\n")
    shown = capsys.readouterr().out
    assert [line.split()[-1] for line in shown.splitlines()[:6]] == [
        f"results/demo/{name}" for name in UNUSED
    ]
    assert shown.endswith("nothing is removed\n")
    assert {path for path in run.rglob("*") if path.is_file()} == before
    answered(tmp_path, monkeypatch, "y\n")
    left = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert left == {
        "variants/faces.margin=0.3/rows.tsv", "variants/grouped.json", "notes/mine.txt",
        "pixels/grouped/models/svm/bundle.json", "pixels/grouped/search/svm.tsv",
        "pixels/frame-1/search/svm.tsv",
    }  # fmt: skip
    answered(tmp_path, monkeypatch, "")
    assert capsys.readouterr().out.endswith("my.yaml names all that is there\n")


def test_tidy_removes_nothing_while_a_run_works_there(tmp_path, monkeypatch):
    run = made_run(tmp_path)
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    (tmp_path / ".snakemake" / "locks" / "0.input.lock").write_text("")
    with pytest.raises(SystemExit, match="a run works in this folder"):
        answered(tmp_path, monkeypatch, "y\n")
    assert (run / "lbp" / "matrix.npy").exists()
