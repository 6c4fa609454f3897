"""The commands, links and examples of the documentation, taken out of its pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scratch import ROOT

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / name / "README.md" for name in ("config", "results", "benchmarks")),
    ]
)
PROGRAMS = (
    r"(?:\.venv/bin/)?(?:snakemake|make|ewc-lambda|python|pip|pytest|pre-commit|git|apt-get|rm|cp"
    r"|tests/slurm/\S+)"
)
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    name = page.relative_to(ROOT).as_posix()
    return [Block(name, found[2], found[3]) for found in _FENCE.finditer(page.read_text())]


def commands(page: Path) -> list[str]:
    """Every command of a page: in fenced blocks for a shell, in indented ones, and in the text."""
    lines = []
    for block in blocks(page):
        if block.language in ("", "sh", "bash"):
            lines += re.sub(r"\\\n *", "", block.text).splitlines()
    prose = _FENCE.sub("", page.read_text())
    lines += re.findall(r"^ {4}(\S.*)$", prose, re.MULTILINE)
    lines += re.findall(r"`([^`\n]+)`", prose)
    found = []
    for line in lines:
        command = " ".join(re.sub(r"(^|\s)# .*$|\s{3,}.*$", "", line.strip()).split())
        if re.match(rf"{PROGRAMS}(?: |$)", command) and " " in command:
            found.append(command)
    return found


def links(page: Path) -> list[str]:
    """Files that a page links to."""
    prose = _FENCE.sub("", page.read_text())
    found = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose)
    return [link for link in found if not link.startswith(("http:", "https:"))]
