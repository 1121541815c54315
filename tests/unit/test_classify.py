"""From a question and a model to a verdict."""

import numpy as np
import pytest

from deepfake import asked, classify, config, domain, question
from deepfake.models import Fitted


@pytest.fixture
def clips(tmp_path):
    for name in ("b.mp4", "a.mp4", "x[1].mp4", "it's $(x).mp4"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.mp4").mkdir()
    return tmp_path


def names(videos) -> list[str]:
    return [video["path"].rsplit("/", 1)[1] for video in videos]


def test_a_pattern_a_path_and_a_list_name_videos(clips):
    videos, others = asked.expand(f"{clips}/*.mp4")
    assert names(videos) == ["a.mp4", "b.mp4", "it's $(x).mp4", "x[1].mp4"]
    assert others == [(f"{clips}/folder.mp4", "is a folder")]
    assert names(asked.expand(f"{clips}/x[1].mp4")[0]) == ["x[1].mp4"]
    listed = clips / "list.txt"
    listed.write_text(f"{clips}/b.mp4\n\n{clips}/gone.mp4\n{clips}/b.mp4\n")
    videos, others = asked.expand(f"@{listed}")
    assert names(videos) == ["b.mp4"]
    assert others == [(f"{clips}/gone.mp4", "no such file")]


@pytest.mark.parametrize("words", ["/nowhere/*.mp4", "@/nowhere/list.txt", []])
def test_a_question_that_names_no_video_is_refused(words):
    with pytest.raises(asked.AskedError, match="videos: "):
        asked.expand(words)


def test_a_batch_is_named_by_its_files_and_the_model(clips):
    def batches(salt: str) -> list[str]:
        videos, _ = asked.expand(f"{clips}/[ab].mp4")
        asked.deal(videos, 1, salt)
        return [video["batch"] for video in videos]

    first = batches("model")
    assert len(set(first)) == 2
    assert batches("model") == first
    assert not set(batches("other model")) & set(first)
    (clips / "a.mp4").write_bytes(b"changed")
    assert [one == two for one, two in zip(batches("model"), first, strict=True)] == [False, True]


def bundle(auc: float = 0.9, fake: int = 50) -> dict:
    return {
        "features": {"name": "residuals", "version": 2, "length": 3328},
        "model": "logistic",
        "calibration": {"slope": 1.0, "intercept": 0.0, "roc_auc": auc},
        "training": {
            "datasets": ["set"],
            "protocol": "grouped",
            "leaky": False,
            "rows": 100,
            "fake": fake,
        },
        "domain": {
            "face_width": [80.0, 200.0],
            "frame_rate": [25.0, 30.0],
            "sharpness": [50.0, 900.0],
        },
    }


def frames(score: float, **measures) -> list[dict]:
    measured = {"width": "100", "fps": "25.0", "sharpness": "99.5"} | measures
    rows = [{"video": "v", "score": score, "reason": "", **measured}] * 3
    return [*rows, {"video": "v", "score": "", "width": "", "reason": "no face found"}]


def judge(score: float, prior: float = 0.5, measures: dict | None = None, **how) -> dict:
    return classify.verdict(frames(score, **(measures or {})), bundle(**how), prior, (0.4, 0.6))


def test_a_clear_score_is_a_verdict():
    assert judge(3.0)["verdict"] == "fake"
    assert judge(-3.0)["verdict"] == "real"
    found = judge(3.0)
    assert found["probability"] == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-4)
    assert found["frames"] == 3
    assert found["reason"] == ""


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"score": 0.1}, "probability 0.52 lies between 0.4 and 0.6"),
        ({"score": 3.0, "auc": 0.5}, "no better than chance"),
        ({"score": 3.0, "auc": None}, "no better than chance"),
        (
            {"score": 3.0, "measures": {"width": "40"}},
            "its faces are 40 pixels wide, in the training 80 to 200",
        ),
        (
            {"score": 3.0, "measures": {"fps": "60.0"}},
            "it has 60 frames a second, in the training 25 to 30",
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
    rows = [{"video": "v", "score": "", "reason": "no face found"}]
    found = classify.verdict(rows, bundle(), 0.5, (0.4, 0.6))
    assert found["verdict"] == "undecided"
    assert found["reason"] == "no usable face: no face found"


def test_the_prior_moves_the_probability_by_bayes_rule():
    even = judge(1.0)["probability"]
    odds = even / (1 - even) * (0.1 / 0.9)
    assert judge(1.0, prior=0.1)["probability"] == pytest.approx(odds / (1 + odds), abs=1e-3)
    # a training of nine fakes in ten has told the model to expect them
    assert judge(1.0, fake=90)["probability"] < even


def test_frame_scores_are_the_models_own():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    fitted = Fitted("logistic", {}, {"weights": np.ones(12)}, {"intercept": -1.0})
    records = [
        {"video_id": "v", "frame": "0", "status": "kept", "crop": "000001.png", "reason": ""},
        {"video_id": "v", "frame": "9", "status": "dropped", "crop": "", "reason": "no face found"},
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
    found = domain.describe(records, {"v0"})
    assert found == {"face_width": [101.0, 199.0], "sharpness": [7.5, 7.5]}


def test_a_bundle_of_unknown_settings_is_not_honoured():
    known = {"frames": {"every": 5}, "faces": {"size": 64}, "versions": {"mtcnn": "1"}}
    assert question.honour({"preprocessing": known}, "verdicts", "b").frames.every == 5
    with pytest.raises(config.ConfigError, match=r"b: preprocessing: faces\.align: unknown key"):
        question.honour({"preprocessing": known | {"faces": {"align": True}}}, "verdicts", "b")


@pytest.mark.parametrize(
    "record",
    [None, [], 7, "x", {}, {"preprocessing": None}, {"preprocessing": []}],
)
def test_a_record_without_preprocessing_is_no_bundle(record):
    with pytest.raises(config.ConfigError, match=r"^b: is no folder of a model"):
        question.honour(record, "verdicts", "b")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"run": "demo"}, "'run' is not for it to say"),
        ({"max_jobs": 10**6}, "'max_jobs' is not for it to say"),
        ({"frames": {"timeout": 10**9}}, "'frames.timeout' is not for it to say"),
        ({"x" * 10**6: 1}, "xxx...' is not for it to say"),
        ({"frames": []}, "frames: should be a mapping of keys"),
        ({"frames": {"per_video": 10**9}}, "frames.per_video: 1000000000 should be"),
        ({"faces": {"size": 10**6}}, "faces.size: 1000000 should be"),
        ({"faces": {"margin": 1e308}}, "faces.margin: 1e+308 should be"),
    ],
)
def test_a_bundle_says_how_to_see_and_nothing_else(settings, line):
    with pytest.raises(config.ConfigError) as refused:
        question.honour({"preprocessing": settings}, "verdicts", "b")
    assert line in str(refused.value)
    assert len(str(refused.value)) < 300
