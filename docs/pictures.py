"""Take the README's pictures of the demo's pages: report, verdict, robustness; in a real browser.

`make pictures` calls this after `make demo`. Chromium must be installed.
"""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"


def main() -> None:
    """Write report.png, verdict.png and robustness.png beside this file."""
    (verdict,) = sorted(RESULTS.glob("pictured/pages/*/*.html"))
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1060, "height": 1640}, offline=True)
        page = context.new_page()
        for name, path in (("report", RESULTS / "demo" / "report.html"), ("verdict", verdict)):
            page.goto(path.as_uri())
            page.screenshot(path=HERE / f"{name}.png")
        page.goto((RESULTS / "demo" / "robustness.html").as_uri())
        page.locator("figure svg").screenshot(path=HERE / "robustness.png")
        browser.close()


if __name__ == "__main__":
    main()
