"""The documents for users and developers, as text: links, headings, commands, names."""

import re
import unicodedata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("config/*.md"),
        *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob("tests/**/*.md"),
        *ROOT.glob(".github/**/*.md"),
    ]
)
COMMANDS = ("make ", ".venv/bin/")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text(page: Path | str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def links(page: Path) -> list[str]:
    """Targets of links and pictures, but those of the network."""
    found = re.findall(r"\]\(([^)\s]+)\)", text(page)) + re.findall(r'src="([^"]+)"', text(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text(page), flags=re.M):
        words = unicodedata.normalize("NFC", heading).lower().replace("`", "")
        found.add(re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-"))
    return found


def commands(page: Path | str) -> list[str]:
    """Indented lines that are commands of ours, each in one line and without its comment."""
    joined = re.sub(r"\\\n\s*", "", text(page))
    lines = [line.strip() for line in joined.splitlines() if line.startswith("    ")]
    return [re.split(r"\s+#", line)[0] for line in lines if line.startswith(COMMANDS)]


def quoted(page: Path) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text(page))
