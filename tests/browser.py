"""Opening a page in a real browser with the network off: what it says, asks for, and looks like.

    with browser.opened(path, width=390) as page:
        page.assert_sound()

Scripts may run and dialogs may open: a page is sound because it has none, not because the browser
forbids them.
"""

import functools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

WIDE, PHONE = (1200, 800), (390, 844)

# Text as it is drawn: a box for each line of each text node, cut to what its scrolling ancestors
# show. A box is a little smaller than the font's own: lines may come near each other.
_BOXES = """
const boxes = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node; (node = walker.nextNode());) {
  const owner = node.parentElement;
  if (!node.data.trim() || !owner.checkVisibility({visibilityProperty: true})) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  const svg = owner.closest("svg");
  for (const rect of svg ? [owner.getBoundingClientRect()] : range.getClientRects()) {
    const box = {left: rect.left + 1, right: rect.right - 1,
                 top: rect.top + rect.height * .15, bottom: rect.bottom - rect.height * .15,
                 text: node.data.trim().slice(0, 60), node, svg};
    for (let up = owner; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX === "visible" || up.closest("svg")) continue;
      const room = up.getBoundingClientRect();
      box.left = Math.max(box.left, room.left); box.right = Math.min(box.right, room.right);
    }
    if (box.right > box.left && box.bottom > box.top) boxes.push(box);
  }
}
"""
_OVERLAPS = f"""() => {{ {_BOXES}
boxes.sort((one, two) => one.top - two.top);
const found = [];
boxes.forEach((one, index) => {{
  for (let next = index + 1; next < boxes.length && boxes[next].top < one.bottom; next++) {{
    const two = boxes[next];
    if (two.node !== one.node && two.left < one.right && one.left < two.right)
      found.push(`${{one.text}} | ${{two.text}}`);
  }}
}});
return found; }}"""
_CUT = f"""() => {{ {_BOXES}
return boxes.filter(box => {{
  if (box.left < -1 || box.right > innerWidth + 1) return true;
  const room = box.svg && box.svg.getBoundingClientRect();
  return room && (box.left < room.left - 2 || box.right > room.right + 2 ||
                  box.top < room.top - 2 || box.bottom > room.bottom + 2);
}}).map(box => box.text); }}"""


@dataclass
class Page:
    """A page that is open.

    Attributes:
        handle: Playwright's page, to look further.
        told: console messages, errors and dialogs.
        requests: addresses asked for besides the page itself.
    """

    handle: Any
    told: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The text that a reader sees."""
        return self.handle.evaluate("() => document.body.innerText")

    def overlaps(self) -> list[str]:
        """Pairs of texts that are drawn over each other, as `one | two`."""
        return self.handle.evaluate(_OVERLAPS)

    def cut(self) -> list[str]:
        """Texts that stick out of the window or of their figure."""
        return self.handle.evaluate(_CUT)

    def overflow(self) -> int:
        """How many pixels the page is wider than the window."""
        return self.handle.evaluate("() => document.documentElement.scrollWidth - innerWidth")

    def assert_sound(self) -> None:
        """Nothing runs, nothing is asked for, nothing is said, no text is covered or cut."""
        assert self.handle.evaluate("() => document.scripts.length") == 0
        assert self.told == []
        assert self.requests == []
        assert (found := self.overlaps()) == [], found
        assert self.cut() == []
        assert self.overflow() <= 0


@contextmanager
def opened(path: Path, size: tuple[int, int] = WIDE, *, dark: bool = False) -> Iterator[Page]:
    """Open a file as a page.

    Args:
        path: of an HTML file.
        size: of the window in pixels, like WIDE or PHONE.
        dark: whether the reader prefers dark pages.
    """
    page = Page(_started()[1])
    page.handle.set_viewport_size({"width": size[0], "height": size[1]})
    page.handle.emulate_media(media="screen", color_scheme="dark" if dark else "light")
    address = path.resolve().as_uri()
    listeners = {
        "console": lambda message: page.told.append(f"console: {message.text}"),
        "pageerror": lambda error: page.told.append(f"error: {error}"),
        "dialog": lambda dialog: _dismiss(dialog, page.told),
        "request": lambda asked: asked.url == address or page.requests.append(asked.url),
    }
    for event, listener in listeners.items():
        page.handle.on(event, listener)
    try:
        page.handle.goto(address, wait_until="load")
        yield page
    finally:
        for event, listener in listeners.items():
            page.handle.remove_listener(event, listener)
        page.handle.goto("about:blank")  # nothing of it goes on beside the next one


def close() -> None:
    """Close the browser, if one was started; its event loop would be in the way of others."""
    if _started.cache_info().currsize:
        playwright, page = _started()
        _started.cache_clear()
        page.context.browser.close()
        playwright.stop()


@functools.cache
def _started() -> tuple[Any, Any]:
    """Playwright and a window of a browser, without a network: for many pages in turn.

    A window for each would be a process for each, which takes longer than looking at a page.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        _refuse("no chromium here (apt-get install chromium): pages are not looked at")
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    started = playwright.chromium.launch(
        executable_path=chromium,
        args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"],
    )
    return playwright, started.new_context(offline=True).new_page()


def _dismiss(dialog: Any, told: list[str]) -> None:
    told.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def _refuse(reason: str) -> NoReturn:
    if os.environ.get("DEEPFAKE_REQUIRE_CLUSTER") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
