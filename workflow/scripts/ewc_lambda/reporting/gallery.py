"""The page that shows every kind of figure, drawn from the committed study files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ewc_lambda.reporting.answers import open_study
from ewc_lambda.reporting.contents import FIGURES
from ewc_lambda.reporting.plotting import draw_figure, style
from ewc_lambda.reporting.plotting.paired_differences import draw, extract

# What each figure is shown of: the first of these folders of results/reference that is there.
SHOWN = dict.fromkeys(FIGURES, ("digits",)) | {"importance": ("findings_digits", "digits")}
# A figure that says something else where the data do not decide.
UNRESOLVED = ("measure_over_lambda", "three_tasks")

HEAD = """\
# Figures

Every study draws these, as PNG (300 dots an inch) and as SVG, into `results/{study}/figures/`, from
`study.h5` alone: `make figures` draws them again. They are made for one column of a paper (3.5
inches), or for two where they have several panels; text is 7 points. Colours are those of Okabe and
Ito, told apart with any colour vision, and every trial has a marker of its own. The look is in one
place, `workflow/scripts/ewc_lambda/reporting/plotting/style.py`.

This page and its pictures are made from `results/reference/` by `make findings`; captions are those
of the report.
"""
NOISE = """\
## noise: common against independent random numbers

![Measure over lambda with independent and with common random streams](figures/noise_digits.png)

**The noise study**: the same grid of lambdas and as many replicates, once with independent random
streams and once with common ones. *Points and bars*: mean and standard error over replicates; *thin
lines*: single replicates, which is what one run per lambda would see. Above: by how much the
variance of a difference between two lambdas shrinks. Drawn from two study files:

```
ewc-lambda noise results/reference/noise_digits_common/study.h5 \\
    results/reference/noise_digits_independent/study.h5 --output results
```
"""


def write_gallery(
    reference: str | Path, captions: str | Path, page: str | Path, figures: str | Path
) -> None:
    """Write the page, and draw its figures into a folder beside it.

    ``reference`` is the folder of committed studies, ``captions`` that of the report's captions.
    """
    Path(page).write_text(gallery(reference, captions))
    Path(figures).mkdir(parents=True, exist_ok=True)
    for figure, study in _pictures(reference):
        path = Path(figures) / f"{study}_{figure}.png"
        draw_figure(figure, open_study(Path(reference) / study / "study.h5"), [path])
    common, independent = (
        open_study(Path(reference) / f"noise_digits_{mode}" / "study.h5")
        for mode in ("common", "independent")
    )
    with style.style():
        style.save(draw(extract(common, independent)), [Path(figures) / "noise_digits.png"])


def gallery(reference: str | Path, captions: str | Path) -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for figure, study in _pictures(reference):
        title = f"{figure}, not resolved" if (figure, study) == UNRESOLVED else figure
        text = f"## {title}\n\n![{title} of the study {study}](figures/{study}_{figure}.png)\n"
        if (figure, study) == UNRESOLVED:
            text += (
                "\nThe same where the trials disagree: the mark of all trials is an open circle, "
                "its interval dashed.\n"
            )
        else:
            caption = (Path(captions) / "figures" / f"{figure}.rst").read_text()
            text += f"\n{caption.replace('``', '`')}"
        parts.append(text)
    return "\n".join([*parts, NOISE])


def _pictures(reference: str | Path) -> Iterator[tuple[str, str]]:
    """Pairs of figure and study."""
    for figure, studies in SHOWN.items():
        yield figure, next(s for s in studies if (Path(reference) / s / "study.h5").exists())
        if figure == UNRESOLVED[0]:
            yield UNRESOLVED
