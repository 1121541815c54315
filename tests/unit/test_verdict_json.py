"""The JSON of a verdict, and its published schema."""

import json
from pathlib import Path

import jsonschema
import pytest

from deepfake.evaluation import operating_points
from deepfake.inference import classify, reasons, training_domain, verdict_json
from deepfake.inference.reasons import Reason
from tests.unit import synthetic
from tests.unit.test_classify import bundle, frames, people

SCHEMA = json.loads(Path("docs/verdict.schema.json").read_text(encoding="utf-8"))
FILE = {
    "container": "mov", "codec": "h264", "encoder": "Lavc", "width": 64, "height": 48,
    "fps": 25.0, "seconds": 2.0, "bit_rate": 9, "pixel_format": "yuv420p", "transfer": "",
    "edit_list": False,
}  # fmt: skip


def described(rows: list[dict], file: dict | None = FILE, **changed) -> dict:
    record = bundle() | {"sha256": "a" * 64, "fingerprint": "b" * 64} | changed
    found, each = classify.verdict(rows, record, 0.5)
    found["sampled"], found["seen"] = len(rows), "3 frames over 2.0 s"
    made = json.loads(verdict_json.text(verdict_json.of(found, each, file, record)))
    jsonschema.validate(made, SCHEMA)
    return made


def codes(verdict: dict) -> list[str]:
    return [reason["code"] for reason in verdict["reasons"]]


def test_every_kind_of_verdict_follows_the_schema():
    assert (described(frames(3.0))["verdict"], codes(described(frames(3.0)))) == ("fake", [])
    assert described(frames(-3.0))["verdict"] == "no_trace"
    assert codes(described(frames(0.0))) == ["within_no_operating_point"]
    narrow = described(frames(3.0, width="40"))["reasons"]
    assert [(one["code"], one["about"]) for one in narrow] == [("outside_training", "face_width")]
    several = described(people(f0=[-3.0] * 4, f1=[3.0, "", 2.0, 4.0], f2=[9.0, "", "", ""]))
    assert [face["verdict"] for face in several["faces"]] == ["no_trace", "fake", "not_judged"]
    assert codes(several["faces"][2]) == ["not_followed"]
    never = described(frames(3.0), verdict=synthetic.points(None, None))
    assert never["model"]["operating_points"]["fake"]["why"] == operating_points.TOO_FEW


def test_a_path_that_is_no_video_follows_the_schema():
    made = json.loads(
        verdict_json.text(verdict_json.unread("a\udcff.mp4", Reason("unreadable", "x")))
    )
    jsonschema.validate(made, SCHEMA)
    assert (made["video"], made["verdict"], codes(made)) == (
        "a\udcff.mp4",
        "undecided",
        ["unreadable"],
    )


@pytest.mark.parametrize(
    ("dropped", "decoded", "code"),
    [
        (["no face found", "no face found"], 2, "no_face"),
        (["confidence below 0.9", "no face found"], 2, "low_confidence"),
        (["face smaller than 2 pixels"], 1, "face_too_small"),
        (["the detector's five points fit no face"], 1, "not_registered"),
        (["the file is empty"], 0, "unreadable"),
    ],
)
def test_a_video_without_a_face_has_a_code_for_why(dropped, decoded, code):
    assert reasons.without_face(dropped, decoded).code == code


def test_the_schema_names_every_code_and_property():
    enums = SCHEMA["$defs"]["reasons"]["items"]["properties"]
    assert enums["code"]["enum"] == list(reasons.CODES)
    measures = {name for _, name, _ in training_domain.MEASURES}
    assert set(enums["about"]["enum"]) == measures | {""}
