"""From a question and a model to a verdict."""

import numpy as np
import pytest

from deepfake.dataset import video_query
from deepfake.inference import classify, training_domain
from deepfake.models.registry import Fitted
from deepfake.preprocessing import sampling
from deepfake.workflow import config, config_classify
from tests.unit import synthetic


@pytest.fixture
def clips(tmp_path):
    for name in ("b.mp4", "a.mp4", "x[1].mp4", "it's $(x).mp4"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.mp4").mkdir()
    return tmp_path


def names(videos) -> list[str]:
    return [video["path"].rsplit("/", 1)[1] for video in videos]


def test_a_pattern_a_path_and_a_list_name_videos(clips):
    videos, others = video_query.expand(f"{clips}/*.mp4")
    assert names(videos) == ["a.mp4", "b.mp4", "it's $(x).mp4", "x[1].mp4"]
    assert others == [(f"{clips}/folder.mp4", "is a folder")]
    assert names(video_query.expand(f"{clips}/x[1].mp4")[0]) == ["x[1].mp4"]
    listed = clips / "list.txt"
    listed.write_text(f"{clips}/b.mp4\n\n{clips}/gone.mp4\n{clips}/b.mp4\n")
    videos, others = video_query.expand(f"@{listed}")
    assert names(videos) == ["b.mp4"]
    assert others == [(f"{clips}/gone.mp4", "no such file")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blanks_comments_and_the_home_folder_are_understood_in_a_list(clips, monkeypatch, end):
    monkeypatch.setenv("HOME", str(clips))
    (clips / "#1.mp4").write_bytes(b"x")
    monkeypatch.chdir(clips)
    lines = ["# clips of March", f"  {clips}/a.mp4\t", "~/b.mp4 ", " \t", "\t#a.mp4", "./#1.mp4"]
    (clips / "list.txt").write_bytes(end.join(lines).encode())
    videos, others = video_query.expand("@~/list.txt")
    assert [video["path"] for video in videos] == ["./#1.mp4", f"{clips}/a.mp4", f"{clips}/b.mp4"]
    assert others == []
    assert names(video_query.expand("~/[ab].mp4")[0]) == ["a.mp4", "b.mp4"]
    assert names(video_query.expand("~/a.mp4")[0]) == ["a.mp4"]


def test_a_file_whose_name_has_blanks_or_a_tilde_is_found_by_it(clips, monkeypatch):
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.chdir(clips)
    (clips / "~").mkdir()
    for name in (" c.mp4 ", "c.mp4", "~/d.mp4"):
        (clips / name).write_bytes(b"x")
    (clips / "list.txt").write_text(" c.mp4 \n  c.mp4\n~/d.mp4\n~/e.mp4\n")
    videos, others = video_query.expand("@list.txt")
    assert [video["path"] for video in videos] == [" c.mp4 ", "c.mp4", "~/d.mp4"]
    assert others == [("/nowhere/e.mp4", "no such file")]


@pytest.mark.parametrize("words", ["/nowhere/*.mp4", "@/nowhere/list.txt", []])
def test_a_question_that_names_no_video_is_refused(words):
    with pytest.raises(video_query.QueryError, match="videos: "):
        video_query.expand(words)


def test_a_batch_is_named_by_its_files_and_the_model(clips):
    def batches(salt: str) -> list[str]:
        videos, _ = video_query.expand(f"{clips}/[ab].mp4")
        video_query.deal(videos, 1, salt)
        return [video["batch"] for video in videos]

    first = batches("model")
    assert len(set(first)) == 2
    assert batches("model") == first
    assert not set(batches("other model")) & set(first)
    (clips / "a.mp4").write_bytes(b"changed")
    assert [one == two for one, two in zip(batches("model"), first, strict=True)] == [False, True]


def bundle(auc: float = 0.9, fake: int = 50, faces: tuple[int, int] = (50, 50)) -> dict:
    """A record: `fake` of the calibration's 100 videos; fake and real faces of the training."""
    return {
        "features": {"name": "residuals", "version": 2, "length": 3328},
        "model": "logistic",
        "calibration": {
            "slope": 1.0,
            "intercept": 0.0,
            "roc_auc": auc,
            "videos": 100,
            "fake": fake,
            "trim": 0.25,
        },
        "thresholds": {"aim": "equal_error", "frames": 0.0, "videos": 0.0},
        "verdict": synthetic.points(),
        "training": {
            "datasets": ["set"],
            "protocol": "grouped",
            "leaky": False,
            "rows": sum(faces),
            "fake": faces[0],
        },
        "domain": {
            "face_width": [80.0, 200.0],
            "sharpness": [50.0, 900.0],
        },
    }


def frames(score: float, **measures) -> list[dict]:
    measured = {"width": "100", "fps": "25.0", "sharpness": "99.5"} | measures
    row = {"video": "v", "face": "0", "score": score, "reason": "", **measured}
    rows = [row | {"frame": str(30 * number)} for number in range(3)]
    lost = {"frame": "90", "face": "", "score": "", "width": "", "reason": "no face found"}
    return [*rows, {"video": "v"} | lost]


def judge(score: float, prior: float = 0.5, measures: dict | None = None, **how) -> dict:
    rows = frames(score, **(measures or {}))
    return classify.verdict(rows, bundle(**how), prior)[0]


def test_a_clear_score_is_a_verdict():
    assert judge(3.0)["verdict"] == "fake"
    assert judge(-3.0)["verdict"] == "no_trace"
    found = judge(3.0)
    assert found["probability"] == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-4)
    assert found["frames"] == 3
    assert found["reason"] == ""


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"score": 0.1}, "the score lies between the thresholds of fake and of no trace found"),
        ({"score": 3.0, "auc": 0.5}, "no better than chance"),
        ({"score": 3.0, "auc": None}, "no better than chance"),
        (
            {"score": 3.0, "measures": {"width": "40"}},
            "its faces are 40 pixels wide, in the training 80 to 200",
        ),
        (
            {"score": 3.0, "measures": {"sharpness": "20.4"}},
            "the sharpness of its faces is 20.4, in the training 50 to 900",
        ),
    ],
)
def test_a_doubt_decides_nothing_and_is_told(how, reason):
    found = judge(**how)
    assert found["verdict"] == "undecided"
    assert reason in found["reason"]


@pytest.mark.parametrize("fps", ["24.0", "29.97", "30.0", "", "0.0"])
def test_a_like_frame_rate_or_none_is_no_doubt(fps):
    assert judge(3.0, measures={"fps": fps})["verdict"] == "fake"


def test_a_video_without_a_face_is_undecided_with_what_was_seen():
    rows = [{"video": "v", "frame": "0", "score": "", "reason": "no face found"}]
    found, each = classify.verdict(rows, bundle(), 0.5)
    assert each == []
    assert found["verdict"] == "undecided"
    assert found["reason"] == "no usable face: no face found"


def people(**scores: list[float | str]) -> list[dict]:
    """Rows of several faces, named f0, f1, ...: a score a frame, "" where it is not there."""
    (row, *_) = frames(0.0)
    return [
        row | {"frame": str(30 * number), "face": name[1:], "score": score}
        for name, mine in scores.items()
        for number, score in enumerate(mine)
        if score != ""
    ]


def judge_all(rows: list[dict], **how) -> tuple[dict, list[tuple]]:
    found, each = classify.verdict(rows, bundle(**how), 0.5)
    return found, [(one["face"], one["verdict"], one["frames"]) for one in each]


def test_each_face_is_judged_by_itself_and_the_video_by_all():
    rows = people(f0=[-3.0] * 4, f1=[3.0, "", 2.0, 4.0])
    found, each = judge_all(rows)
    assert each == [(0, "no_trace", 4), (1, "fake", 3)]
    assert (found["verdict"], found["face"], found["faces"], found["frames"]) == ("fake", 1, 2, 3)
    odds = (np.exp(3) + np.exp(-3)) / 2
    assert found["probability"] == pytest.approx(odds / (1 + odds), abs=1e-4)
    assert found["note"] == "P(fake) allows for 2 faces, any of which may be the fake one"
    _, (real, fake) = classify.verdict(rows, bundle(), 0.5)
    for one, score in ((real, -3.0), (fake, 3.0)):  # each has half of the odds
        assert one["score"] == score
        odds = np.exp(score) / 2
        assert one["probability"] == pytest.approx(odds / (1 + odds), abs=1e-4)


@pytest.mark.parametrize(
    ("scores", "face"),
    [((-3.0, -2.0, -4.0), 1), ((3.0, 5.0, 4.0), 1), ((-3.0, 0.1, 0.2), 2), ((4.0, -4.0, 0.0), 0)],
    ids=["all real", "all fake", "in doubt", "one fake"],
)
def test_the_face_that_is_named_is_the_most_suspicious(scores, face):
    found, _ = judge_all(people(**{f"f{n}": [score] * 3 for n, score in enumerate(scores)}))
    assert found["face"] == face


def test_one_frame_does_not_turn_a_verdict():
    for far in (-1e6, 1e6):
        assert judge_all(people(f0=[3.0, 2.0, far]))[0]["verdict"] == "fake"
        assert judge_all(people(f0=[far, -3.0, -2.0]))[0]["verdict"] == "no_trace"


def test_one_face_speaks_for_itself_without_a_note():
    found, each = judge_all(people(f0=[3.0] * 3))
    assert (found["face"], found["faces"], found["note"], len(each)) == (0, 1, "", 1)


def test_a_face_in_too_few_frames_is_told_and_does_not_speak():
    found, each = judge_all(people(f0=[-3.0] * 5, f1=[9.0, 9.0, "", "", ""]))
    assert each == [(0, "no_trace", 5), (1, "not judged", 2)]
    assert (found["verdict"], found["faces"]) == ("no_trace", 1)
    assert found["note"] == (
        "1 face is in too few frames to be judged; of these, face 1 looks fake: P(fake) 1.00"
    )


def test_a_face_in_too_few_frames_that_looks_real_is_only_counted():
    found, _ = judge_all(people(f0=[-3.0] * 5, f1=[-9.0, -9.0, "", "", ""]))
    assert found["note"] == "1 face is in too few frames to be judged"


def test_a_face_that_looks_fake_is_told_though_it_is_unlike_the_trainings():
    rows = people(f0=[-3.0] * 3, f1=[5.0, "", ""], f2=[6.0, "", ""])
    rows = [row | {"width": "40"} if row["face"] == "1" else row for row in rows]
    found, each = judge_all(rows)
    assert [verdict for _, verdict, _ in each] == ["no_trace", "not judged", "not judged"]
    assert "face 1 looks fake: P(fake) 0.99; of these, face 2 looks fake" in found["note"]


def test_a_clip_of_few_frames_needs_no_more_than_it_has():
    found, each = judge_all(people(f0=[3.0, 3.0], f1=[-3.0, ""]))
    assert each == [(0, "fake", 2), (1, "not judged", 1)]
    assert found["verdict"] == "fake"


def test_faces_that_cannot_be_followed_decide_nothing():
    found, each = judge_all(people(f0=[9.0, "", ""], f1=["", 9.0, ""], f2=["", "", 9.0]))
    assert {verdict for _, verdict, _ in each} == {"not judged"}
    assert found["verdict"] == "undecided"
    assert found["reason"] == "no face could be followed through 3 frames"
    assert "probability" not in found


def test_a_face_that_is_called_fake_is_worse_than_a_likelier_one_in_doubt():
    rows = people(f0=[2.0] * 3, f1=[5.0] * 3)
    rows = [row | {"width": "40"} if row["face"] == "1" else row for row in rows]
    found, each = judge_all(rows)
    assert [verdict for _, verdict, _ in each] == ["fake", "undecided"]
    assert (found["verdict"], found["face"]) == ("fake", 0)


def test_a_face_unlike_the_trainings_that_looks_fake_leaves_a_real_one_undecided():
    rows = people(f0=[-2.0] * 3, f1=[5.0] * 3)
    rows = [row | {"width": "40"} if row["face"] == "1" else row for row in rows]
    found, _ = judge_all(rows)
    assert (found["verdict"], found["face"]) == ("undecided", 1)
    assert found["reason"].startswith("its faces are 40 pixels wide")


def test_a_face_unlike_the_trainings_that_looks_real_leaves_the_verdict_to_the_others():
    for score, verdict in ((-2.0, "no_trace"), (4.0, "fake")):
        rows = people(f0=[score] * 3, f1=[-5.0] * 3)
        rows = [row | {"width": "40"} if row["face"] == "1" else row for row in rows]
        found, _ = judge_all(rows)
        assert (found["verdict"], found["face"], found["reason"]) == (verdict, 0, "")


def test_the_terminal_tells_each_of_several_faces():
    found, each = classify.verdict(people(f0=[-3.0] * 3, f1=[3.0] * 3, f2=[3.0]), bundle(), 0.5)
    lines = classify.text([found], each).splitlines()
    assert [line.strip() for line in lines[1:4]] == [
        "face 0: no trace found, P(fake) 0.02",
        "face 1: fake, P(fake) 0.91",
        "face 2: not judged, P(fake) 0.87, a face is judged from 3 frames on",
    ]
    assert lines[4].strip() == (
        "P(fake) allows for 2 faces, any of which may be the fake one; 1 face is in too few frames "
        "to be judged; of these, face 2 looks fake: P(fake) 0.87"
    )
    doubt = "the score lies between the thresholds of fake and of no trace found"
    found, each = classify.verdict(people(f0=[0.0] * 3, f1=[0.0] * 3), bundle(), 0.5)
    assert classify.text([found], each).splitlines()[3].strip() == doubt  # of both together
    alone, each = classify.verdict(people(f0=[0.0] * 3), bundle(), 0.5)
    told = classify.text([alone], each).splitlines()
    assert told[1].strip() == doubt


def test_scores_do_not_depend_on_how_many_faces_are_scored_at_once(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 2, 2, 3), np.uint8)
    fitted = Fitted("logistic", {}, {"weights": np.ones(12)}, {"intercept": -1.0})
    records = [
        {"video_id": "v", "frame": str(n), "face": "0", "status": "kept", "crop_row": str(n)}
        for n in range(7)
    ]
    whole = classify.frame_scores(records, pixels, fitted)
    monkeypatch.setattr(classify, "AT_ONCE", 3)
    assert classify.frame_scores(records, pixels, fitted) == whole


def test_the_prior_moves_the_probability_by_bayes_rule():
    even = judge(1.0)["probability"]
    odds = even / (1 - even) * (0.1 / 0.9)
    assert judge(1.0, prior=0.1)["probability"] == pytest.approx(odds / (1 + odds), abs=1e-3)
    # a calibration of nine fakes in ten expects them: odds of 91 to 11, each count with one more
    odds = even / (1 - even) * 11 / 91
    assert judge(1.0, fake=90)["probability"] == pytest.approx(odds / (1 + odds), abs=1e-3)


@pytest.mark.parametrize("faces", [(35_000, 5_000), (5_000, 35_000), (5_000, 5_000)])
def test_the_prior_counts_videos_not_their_faces(faces):
    """5,000 videos of each class, with up to seven faces a video in one of them."""
    record = bundle(faces=faces)
    record["calibration"] |= {"videos": 10_000, "fake": 5_000}
    for score, chance in ((0.0, 0.5), (2.0, 0.8808), (-2.0, 0.1192)):
        found, _ = classify.verdict(frames(score), record, 0.5)
        assert found["probability"] == chance


def test_frame_scores_are_the_models_own():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    fitted = Fitted("logistic", {}, {"weights": np.ones(12)}, {"intercept": -1.0})
    records = [
        {"video_id": "v", "frame": "0", "status": "kept", "crop_row": "1", "reason": ""},
        {
            "video_id": "v",
            "frame": "9",
            "status": "dropped",
            "crop_row": "",
            "reason": "no face found",
        },
    ]
    kept, dropped = classify.frame_scores(records, pixels, fitted)
    assert kept["score"] == pixels[1].sum(dtype=float) - 1
    assert (dropped["score"], dropped["reason"]) == ("", "no face found")


def test_the_domain_is_that_of_the_trainings_videos():
    other = {"fps": "0.0", "sharpness": "7.5"}
    records = [
        {"video_id": f"v{n % 2}", "status": "kept", "width": str(100 + n), **other}
        for n in range(101)
    ]
    records.append({"video_id": "v0", "status": "dropped", "width": ""})
    found = training_domain.describe(records, {"v0"})
    assert found == {"face_width": [101.0, 199.0], "sharpness": [7.5, 7.5]}


def test_a_bundle_of_unknown_settings_is_not_honoured():
    known = {"frames": {"every": 5}, "faces": {"size": 64}, "versions": {"mtcnn": "1"}}
    assert (
        config_classify.bundle_config({"preprocessing": known}, "verdicts", "b").frames.every == 5
    )
    with pytest.raises(config.ConfigError, match=r"b: preprocessing: faces\.align: unknown key"):
        config_classify.bundle_config(
            {"preprocessing": known | {"faces": {"align": True}}}, "verdicts", "b"
        )


@pytest.mark.parametrize(
    "record",
    [None, [], 7, "x", {}, {"preprocessing": None}, {"preprocessing": []}],
)
def test_a_record_without_preprocessing_is_no_bundle(record):
    with pytest.raises(config.ConfigError, match=r"^b: is no folder of a model"):
        config_classify.bundle_config(record, "verdicts", "b")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"run": "demo"}, "'run' may not be set by a bundle"),
        ({"max_jobs": 10**6}, "'max_jobs' may not be set by a bundle"),
        ({"frames": {"timeout": 10**9}}, "'frames.timeout' may not be set by a bundle"),
        ({"x" * 10**6: 1}, "xxx...' may not be set by a bundle"),
        ({"frames": []}, "frames: should be a mapping of keys"),
        ({"frames": {"per_video": 10**9}}, "frames.per_video: 1000000000 should be"),
        ({"faces": {"size": 10**6}}, "faces.size: 1000000 should be"),
        ({"faces": {"margin": 1e308}}, "faces.margin: 1e+308 should be"),
    ],
)
def test_a_bundle_says_how_to_see_and_nothing_else(settings, line):
    with pytest.raises(config.ConfigError) as refused:
        config_classify.bundle_config({"preprocessing": settings}, "verdicts", "b")
    assert line in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("times", "fps", "seconds", "words"),
    [
        ([], 25.0, 6.4, ""),
        ([0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.26], 25.0, 6.4, "7 frames in the first 2.3 of 6.4 s"),
        ([0.0, 1.2, 2.4, 3.6], 25.0, 4.0, "4 frames over 4.0 s"),
        ([0.46, 1.37, 2.29, 3.2, 4.11, 5.03, 5.94], 25.0, 6.4, "7 frames over 6.4 s"),
        ([3.2], 25.0, 6.4, "1 frame at 3.2 of 6.4 s"),
        ([0.0], 25.0, 6.4, "1 frame in the first 0.0 of 6.4 s"),
        ([0.0, 1.2], 0.0, 0.0, "2 frames, of a clip of unknown length"),
    ],
)
def test_how_much_of_a_clip_was_seen_is_said(times, fps, seconds, words) -> None:
    assert sampling.covered(times, fps, seconds) == words


def test_what_the_decoder_reports_goes_with_a_verdict() -> None:
    taken = {"fps": "25.0", "seconds": "6.4", "note": "interlaced: deinterlaced", "reason": ""}
    rows = [taken | {"frame": str(index), "time": str(index / 25)} for index in (0, 30)]
    lost = taken | {"frame": "", "time": "", "reason": "ends after 42 of 75 frames"}
    preprocessing = {"decoder": "PyAV 1.0"}
    count, seen, note = classify.sampled([*rows, lost], preprocessing, "PyAV 1.0")
    assert count == 2
    assert seen == "2 frames in the first 1.2 of 6.4 s"
    assert note == "interlaced: deinterlaced; ends after 42 of 75 frames"
    *_, note = classify.sampled(rows, preprocessing, "PyAV 2.0")
    assert note.endswith("the training's frames were decoded by PyAV 1.0, these by PyAV 2.0")
    *_, note = classify.sampled(rows, {}, "PyAV 2.0")
    assert note.endswith("the training's frames were decoded by OpenCV, these by PyAV 2.0")
    found = classify.sampled([lost | {"note": ""}], preprocessing, "PyAV 1.0")
    assert found == (0, "", "")  # its reason is the verdict's


def test_the_asker_says_what_of_a_clip_is_sampled() -> None:
    record = {"preprocessing": {"frames": {"every": 5, "per_video": 9}, "decoder": "PyAV 1.0"}}
    for span, expected in (
        ("trained", ("start", 5)),
        ("start", ("start", 5)),
        ("whole", ("whole", 1)),
    ):
        made = config_classify.bundle_config(record, "verdicts", "b", span).frames
        assert (made.span, made.every, made.per_video) == (*expected, 9)
    record["preprocessing"]["frames"]["span"] = "whole"
    assert config_classify.bundle_config(record, "verdicts", "b", "whole").frames.every == 5
    assert config_classify.load({"videos": "a", "bundle": "b"}, "--config").span == "whole"
