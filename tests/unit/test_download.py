"""Tests of running the user's own download script, with a fake one."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from deepfake.dataset import download
from deepfake.workflow import config
from tests import fake_download_script
from tests.unit.clips import job_arguments, run_script


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A copy of the fake in a folder whose name a shell would take apart."""
    folder = tmp_path / "the user's $(touch x) copy; &"
    folder.mkdir()
    return Path(shutil.copy(fake_download_script.__file__, folder / "-download.py"))


def settings(script: Path | None, tmp_path: Path, **more: object) -> config.Download:
    values = {"script": str(script) if script else None, "accept_terms": True}
    return config.Download(**values | {"folder": str(tmp_path / "the tree")} | more)


def calls(script: Path) -> list[dict]:
    return [json.loads(line) for line in (script.parent / "calls.jsonl").read_text().splitlines()]


def test_the_script_is_called_by_its_documented_words(script: Path, tmp_path: Path) -> None:
    told = settings(script, tmp_path, num_videos=2)
    assert download.fetch(told, "FaceSwap", "c40") == 2
    (call,) = calls(script)
    tree = str(tmp_path / "the tree")
    words = " ".join(call["words"]).removeprefix(tree)
    assert words == " -d FaceSwap -c c40 -t videos --server EU2 --num_videos 2"
    assert call["words"][0] == tree
    made = sorted((tmp_path / "the tree").rglob("*.mp4"))
    assert [path.stem for path in made] == ["000_001", "001_000"]
    assert not list(tmp_path.rglob("x"))


def test_a_name_like_an_option_stays_a_path(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(script.parent)
    told = config.Download(script="-download.py", folder="--server")
    assert download.command(told, "original", "raw")[:3] == [
        sys.executable, str(script), str(script.parent / "--server"),
    ]  # fmt: skip


def test_it_is_run_again_until_all_is_there(script: Path, tmp_path: Path) -> None:
    (script.parent / "fail").write_text("1")
    assert download.fetch(settings(script, tmp_path), "original", "c23", pause=0) == 5
    made = [call["made"] for call in calls(script)]
    assert made == [["000"], ["001"], ["002"], ["003"], ["004"]]
    assert len(made) > download.IDLE  # a run that brought something is no idle one


def test_it_is_given_up_when_nothing_comes_any_more(script: Path, tmp_path: Path) -> None:
    (script.parent / "fail").write_text("0")
    with pytest.raises(download.DownloadError, match="brought no new file 3 times"):
        download.fetch(settings(script, tmp_path), "original", "c23", pause=0)
    assert len(calls(script)) == download.IDLE


def test_a_good_end_without_a_file_is_an_error(script: Path, tmp_path: Path) -> None:
    script.write_text("")
    with pytest.raises(download.DownloadError, match="succeeded, but there is no file in"):
        download.fetch(settings(script, tmp_path), "original", "c23", pause=0)


def test_without_a_script_the_error_says_where_to_ask(tmp_path: Path) -> None:
    (line,) = download.problems(config.Download())
    assert line.startswith("download.script: names no script")
    assert "https://github.com/ondyari/FaceForensics" in line


def test_the_terms_must_be_accepted_and_the_script_be_there(script: Path, tmp_path: Path) -> None:
    assert download.problems(settings(script, tmp_path)) == []
    (line,) = download.problems(settings(script, tmp_path, accept_terms=False))
    assert line.startswith("download.accept_terms: is not true")
    lines = download.problems(settings(tmp_path / "gone.py", tmp_path, accept_terms=False))
    assert lines[0] == f"download.script: {tmp_path}/gone.py: no such file"
    assert len(lines) == 2


@pytest.mark.parametrize("answer", [True, False])
def test_the_job_itself_asks_for_the_terms(script: Path, tmp_path: Path, answer: bool) -> None:
    told = settings(script, tmp_path, accept_terms=answer, datasets=["original"], num_videos=1)
    marker = tmp_path / "made" / "marker.json"
    words = job_arguments({}, {"marker": marker}, {"download": told.model_dump(mode="json")})
    ended = run_script("download", *words)
    assert (ended.returncode == 0) == marker.exists() == (tmp_path / "the tree").exists() == answer
    if answer:
        facts = json.loads(marker.read_text())
        assert facts == {"subset": "original", "compression": "c23", "files": 1}


@pytest.mark.parametrize(
    "wrong",
    [{"datasets": ["all"]}, {"compressions": ["c0"]}, {"compressions": []}, {"server": "x; ls"},
     {"folder": "a{b}"}, {"script": "a{b}.py"}, {"num_videos": 0}, {"type": "images"}],
)  # fmt: skip
def test_a_wrong_key_is_refused(wrong: dict) -> None:
    with pytest.raises(config.ConfigError, match=f"x: download.*{next(iter(wrong))}"):
        config.load({"sweep": {"forest": {}}, "download": wrong}, "x")


def test_more_data_ask_for_more_time() -> None:
    told = config.Download()
    sizes = [download.size(told, "original", c) for c in ("c40", "c23", "raw")]
    sizes.append(download.size(told, "DeepFakeDetection", "raw"))
    assert sizes == sorted(set(sizes))
    assert download.size(config.Download(num_videos=10), "original", "c40") == sizes[0] / 100
