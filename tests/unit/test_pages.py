"""Pages: whatever a name holds is text, and what is inside is all there is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepfake.report import figures, pages

ROOT = Path(__file__).resolve().parents[2]


def test_a_name_is_text_and_never_markup():
    name = "<script>alert('1')</script> & {{ 7*7 }}.mp4"
    row = {"video": name, "verdict": "undecided", "reason": "<u>", "page": ""}
    page = pages.render(
        "verdicts.html", rows=[row], counts={"fake": 0, "undecided": "<i>", "no_trace": 0}
    )
    assert "default-src 'none'" in page
    assert "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; {{ 7*7 }}.mp4" in page
    assert "&lt;u&gt;" in page
    assert "&lt;i&gt; undecided" in page
    assert not any(tag in page for tag in ("<script", "<u>", "<i>"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clips/My clip (1).mp4", "My-clip-1-"),
        ("<img src=x onerror=alert(1)>.mp4", "img-src-x-onerror-alert-1-"),
        ("../../etc/пароль.mp4", "video-"),
        ("a\udcff{b}.mp4", "a-b-"),
        ("x" * 255, "x" * 60 + "-"),
    ],
)
def test_a_slug_is_readable_and_safe(name, expected):
    assert re.fullmatch(re.escape(expected) + "[0-9a-f]{8}", pages.slug(name))


def test_videos_of_one_name_in_two_folders_have_two_slugs():
    assert pages.slug("a/clip.mp4") != pages.slug("b/clip.mp4")


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.001, "1 %"), (0.5, "50 %"), (0.9999, "99 %"), (1, "100 %")]
)
def test_a_probability_is_never_rounded_to_certainty(share, text):
    assert pages.percent(share) == text


def test_a_figure_takes_the_pages_colour_and_is_the_same_again():
    def drawn(name: str) -> str:
        figure = figures.new(3, 2)
        figures.axes(figure).plot([0, 1], [1, 0], clip_on=True)
        return figures.svg(figure, name, 'a "line" <b>')

    text = drawn("one")
    assert text == drawn("one")
    assert "currentColor" in text
    assert figures.INK not in text
    assert "http-equiv" not in text
    assert 'aria-label="a &#34;line&#34; &lt;b&gt;"' in text
    ids = re.findall(r'id="([^"]+)"', text)
    assert ids
    assert all(found.startswith("one-") for found in ids)
    for target in re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", text):
        assert max(target) in ids


def test_figures_leave_no_file_in_the_home_folder(tmp_path):
    command = (
        "from deepfake.report import charts, figures; figures.svg(figures.new(1, 1), 'a', 'b')"
    )
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run([sys.executable, "-c", command], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_a_picture_is_inside_the_page():
    uri = pages.jpeg(np.zeros((4, 5, 3), np.uint8))
    assert uri.startswith("data:image/jpeg;base64,")
