"""The browser's own checks find what they are there for."""

import pytest

from tests import browser

SOUND = "<p>one</p><p>two<br>three</p><svg width=80 height=20><text y=12>four</text></svg>"


@pytest.fixture
def page(tmp_path):
    def write(body: str, head: str = ""):
        path = tmp_path / "a page #1.html"
        path.write_text(f"<!doctype html><meta charset=utf-8>{head}<body>{body}", encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("size", [browser.WIDE, browser.PHONE])
def test_a_sound_page_is_sound(page, size):
    row = "<tr><td style='min-width:2000px'>a<td>b"
    wide = f"<div style='overflow-x:auto'><table>{row}</table></div>"
    with browser.opened(page(SOUND + wide), size) as seen:
        seen.assert_sound()
        assert "three" in seen.text()


def test_what_a_page_does_is_seen(page):
    body = """<img src=x onerror="alert(1)"><img src="https://example.com/a.png">
        <script>console.log("said"); missing()</script>"""
    with browser.opened(page(body)) as seen:
        seen.handle.wait_for_function("() => document.images[1].complete")
        told = "\n".join(seen.told)
        assert "dialog: 1" in told
        assert "console: said" in told
        assert "error: missing is not defined" in told
        assert "https://example.com/a.png" in seen.requests
        with pytest.raises(AssertionError):
            seen.assert_sound()


def test_a_policy_is_heard_when_it_stops_a_script(page):
    policy = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">"""
    with browser.opened(page("<p onclick='x()'>a<script>alert(1)</script>", policy)) as seen:
        assert any("Content Security Policy" in line for line in seen.told)
        assert seen.overlaps() == []


@pytest.mark.parametrize(
    "body",
    [
        "<p>above<p style='margin-top:-30px'>below",
        "<svg width=200 height=40><text y=15>above</text><text y=18>below</text></svg>",
        "<div style='position:relative;height:0'>above</div><div>below</div>",
    ],
)
def test_texts_over_each_other_are_found(page, body):
    with browser.opened(page(body)) as seen:
        assert seen.overlaps() == ["above | below"]


def test_texts_that_stick_out_are_found(page):
    body = """<svg width=60 height=20 style="overflow:hidden"><text y=12>a long label</text></svg>
        <p style="width:500px">wide<span style="margin-left:450px">far</span>"""
    with browser.opened(page(body), browser.PHONE) as seen:
        assert seen.cut() == ["a long label", "far"]
        assert seen.overflow() > 0


def test_hidden_texts_do_not_count(page):
    body = "<details><summary>more</summary><p style='margin-top:-40px'>below</details>"
    with browser.opened(page(body)) as seen:
        assert seen.overlaps() == []
