"""What is looked at before Snakemake reads anything: configuration files, a folder for caches."""

import os
from pathlib import Path

import pytest

from deepfake.workflow import startup
from tests.unit.clips import run_script

GOOD = "run: t\n"
BROKEN = {
    "missing.yaml": (None, "No such file or directory"),
    "tabs.yaml": ("run: t\nsweep:\n\tsvm: {}\n", "line 3: found character '\\t' that cannot start"),
    "open.yaml": ("run: t\nsweep: {svm\n", "line 3: expected ',' or '}'"),
    "twice.yaml": ("run: t\nrun: u\n", "line 2: the key 'run' appears twice"),
    "bytes.yaml": (b"run: \xff\n", "codec can't decode byte"),
    "list.yaml": ("- run\n", "is no mapping of keys"),
    "empty.yaml": ("", "is empty"),
    "comma.json": ('{"run": "t",\n"seed" 1}', "line 2: Expecting ':' delimiter"),
    "bytes.json": (b'{"run": "\xff"}', "codec can't decode byte"),
    "list.json": ("[]", "is no mapping of keys"),
    "missing.json": (None, "No such file or directory"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, in which files of keys are."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "good.json").write_text('{\t"run": "t"}')
    for name, (content, _) in BROKEN.items():
        if content is not None:
            (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("words", ["--configfile {}", "-n --configfile={} -d .", "--cores 2 "
                                   "--configfiles good.yaml {} --config run=t"])  # fmt: skip
def test_a_configuration_that_cannot_be_read_is_one_line(
    folder: Path, name: str, words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        startup.prepare(words.format(name).split())
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{name}: {'' if 'line' not in BROKEN[name][1] else 'line '}")
    assert BROKEN[name][1] in line


@pytest.mark.parametrize(
    "words",
    ["", "-n", "--configfile good.yaml good.json -n", "classify --config videos=a bundle=b"],
)
def test_what_can_be_read_is_left_to_snakemake(folder: Path, words: str, capfd) -> None:
    before = words.split()
    startup.prepare(given := [*before])
    assert given == before
    assert capfd.readouterr() == ("", "")


def test_a_broken_site_file_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "site.yaml").write_text("slurm:\n\taccount: x\n")
    monkeypatch.setenv("DEEPFAKE_SITE", "site.yaml")
    with pytest.raises(SystemExit, match=r"^site\.yaml: line 2: found character"):
        startup.prepare([])


@pytest.mark.parametrize("name", ["missing.yaml", "tabs.yaml"])
@pytest.mark.parametrize("words", [["why"], ["submit", "check"], ["submit", "resume"]])
def test_scripts_that_read_a_configuration_say_the_same_line(
    folder: Path, name: str, words: list[str]
) -> None:
    ended = run_script(*words, "--config", folder / name)
    assert ended.returncode == 1
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert line.startswith(f"{folder / name}: ")
    assert BROKEN[name][1] in line


def test_a_home_folder_that_takes_a_cache_is_used(folder: Path) -> None:
    startup.prepare(["-n"])
    assert "XDG_CACHE_HOME" not in os.environ
    assert list((folder / ".cache" / "snakemake").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOME", "/proc/nothing"),
        ("HOME", "/proc"),
        ("HOME", "{}/good.yaml"),
        ("HOME", "."),
        ("XDG_CACHE_HOME", "/proc/nothing"),
    ],
)
@pytest.mark.parametrize(
    ("words", "place"), [([], ""), (["--directory", "run"], "run/"), (["-drun"], "run/")]
)
def test_without_one_the_run_has_a_cache_of_its_own(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    words: list[str],
    place: str,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")  # so that it is restored
    monkeypatch.setenv(name, value.format(folder))
    startup.prepare(words)
    assert os.environ["XDG_CACHE_HOME"] == f"{folder}/{place}.snakemake/cache"
