"""The messages of docs/troubleshooting.md, as patterns of what is really said."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"


def messages():
    """The first cell of each row that is a message of the project's own and nothing else."""
    rows = re.findall(r"^\| `(.*)` \| .* \| .* \|$", PAGE.read_text(), re.MULTILINE)
    return [row for row in rows if "`" not in row]


def pattern(message):
    """A documented message as a pattern: … stands for anything."""
    return ".*".join(re.escape(part) for part in message.split("…"))


def documented(text):
    """The messages of the page that a text holds, whatever line it was broken in."""
    flat = " ".join(text.split())
    return [message for message in messages() if re.search(pattern(message), flat)]
