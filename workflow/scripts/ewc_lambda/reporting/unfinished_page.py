"""One page of what there is of a study that is not finished. Snakemake's own report wants all files
of a study, and nothing but them.
"""

from __future__ import annotations

import html
import re
import tempfile
from pathlib import Path

from ewc_lambda.reporting.answers import answer_study
from ewc_lambda.reporting.contents import DRAWN
from ewc_lambda.reporting.exploring import explore_page
from ewc_lambda.reporting.plotting import draw_figure
from ewc_lambda.reporting.stopping_lines import UNFINISHED
from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.study_file import Study

_STYLE = """\
body { font: 16px sans-serif; margin: 1rem auto; padding: 0 1rem; max-width: 60rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f3f4f6; padding: 0.5rem; }
figure { margin: 1.5rem 0; }
figure svg { width: 44rem; max-width: 100%; height: auto; }
figcaption { font-size: 0.9rem; }
iframe { width: 100%; height: 56rem; border: 1px solid #ccc; }
"""


def unfinished_page(study: Study, captions: Path, go_on: str) -> str:
    """The page as HTML: what is missing, the answer so far, every figure with its caption, and the
    runs to explore. ``captions`` is the folder of the report's captions, ``go_on`` the command that
    goes on with the study.
    """
    answers = answer_study(study)
    title = f"{study.name}: not finished"
    missing = "".join(f"<li>{html.escape(line)}</li>" for line in study.unfinished)
    said = "\n".join(
        line
        for line in summary(study, answers).splitlines()
        if line.strip() not in study.unfinished and not line.startswith(UNFINISHED)
    )
    explore = html.escape(explore_page(study, answers), quote=True)
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>All of this page is of what there is so far. Missing:</p><ul>{missing}</ul>",
        f"<p>The study goes on with <code>{html.escape(go_on)}</code>.</p>",
        f"<h2>The answer so far</h2><pre>{html.escape(said)}</pre>",
        *_figures(study, captions, len(answers.importances) > 1),
        f'<h2>Explore</h2><iframe title="explore" srcdoc="{explore}"></iframe>',
    ]
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _figures(study: Study, captions: Path, several: bool) -> list[str]:
    found = ["<h2>Figures</h2>"]
    with tempfile.TemporaryDirectory() as folder:
        for name in DRAWN.titles:
            # One importance measure has nothing to be compared with.
            if name == "importance" and not several:
                continue
            path = Path(folder, f"{name}.svg")
            draw_figure(name, study, [path])
            drawing = path.read_text()[path.read_text().index("<svg") :]
            caption = _caption((captions / f"{name}.rst").read_text())
            found.append(
                f'<figure id="{name}">{drawing}<figcaption>{caption}</figcaption></figure>'
            )
    return found


def _caption(text: str) -> str:
    """What captions have of reStructuredText, as HTML."""
    said = html.escape(text, quote=False)
    for mark, tag in (("``", "code"), (r"\*\*", "b"), (r"\*", "em")):
        said = re.sub(rf"{mark}(.+?){mark}", rf"<{tag}>\1</{tag}>", said, flags=re.DOTALL)
    return said
