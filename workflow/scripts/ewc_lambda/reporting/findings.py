"""The page of findings: text and figures from the committed study files, and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from ewc_lambda.inference.best_lambda import BestLambda, Interval
from ewc_lambda.inference.mean_curve import Tolerance
from ewc_lambda.reporting.answers import (
    Answers,
    ImportanceAnswer,
    TrialAnswer,
    answer_study,
    open_study,
)
from ewc_lambda.reporting.plotting import draw_figure, style
from ewc_lambda.reporting.plotting.paired_differences import draw, extract
from ewc_lambda.results.study_file import Study

# Folders of results/reference in the order of the page, with what each is. A pair is a noise study.
SINGLE = {
    "digits": "The default study: digits 0 to 4, then 5 to 9",
    "forty_default": "How much base models differ: the default study with forty trials",
    "forty_digits": "The same with a narrow network, whose base models differ more",
    "fixed_digits": "A narrow network with a fixed design: 5 trials of 10 replicates",
    "mnist": "Real MNIST in minutes: digits 0, 1, 2, then 3, 4, 5, with the original's network",
    "findings_mnist": "MNIST with the original's network, digits 0, 1, 2, then 3, 4, 5",
    "sure_mnist": "The same until it is sure: trials added by the rule, few lambdas each",
    "original": "The original's question at its own size: all samples, 10 epochs, the exact Fisher",
    "findings_digits": "Importance measures compared, on digits",
    "three_tasks": "Three tasks in sequence, on digits",
}
NOISE = {
    "noise_digits": "Why the original saw no minimum: the noise study on digits",
    "noise_mnist": "The noise study on MNIST",
}
FIGURES = {"findings_digits": ("measure_over_lambda", "importance")}

HEAD = """\
# Findings

Every number and figure on this page comes from the study files in `results/reference/`; `make
findings` writes the page and draws its figures again, and a test compares the numbers. Intervals
are 95% intervals ([statistics.md](statistics.md)); the measure is the Riemann measure, in loss
times epochs, lower is better.

The studies were run on 2 cores of an Intel Xeon processor (AVX-512), but for those with `device:
cuda`, on one NVIDIA H100. The command under each title repeats its study; on another machine the
last digits may differ.
"""


def write_findings(reference: str | Path, page: str | Path, figures: str | Path) -> None:
    """Write the page, and draw its figures into a folder beside it."""
    Path(page).write_text(findings(reference))
    Path(figures).mkdir(parents=True, exist_ok=True)
    with style.style():
        for name in _present(reference, SINGLE):
            study = open_study(_file(reference, name))
            for figure in FIGURES.get(name, ("measure_over_lambda",)):
                draw_figure(figure, study, [Path(figures) / f"{name}_{figure}.png"])
        for name in NOISE:
            if (pair := _pair(reference, name)) is not None:
                style.save(draw(extract(*pair)), [Path(figures) / f"{name}.png"])


def findings(reference: str | Path) -> str:
    """The page as Markdown, from the study files in the folder ``reference``."""
    sections = [HEAD]
    for name in _present(reference, SINGLE):
        study = open_study(_file(reference, name))
        sections.append("\n".join(_section(name, study, answer_study(study))))
    for name in NOISE:
        if (pair := _pair(reference, name)) is not None:
            sections.append("\n".join(_noise_section(name, *pair)))
    return "\n".join(sections).rstrip() + "\n"


def _present(reference: str | Path, names: dict[str, str]) -> Iterator[str]:
    return (name for name in names if _file(reference, name).exists())


def _file(reference: str | Path, name: str) -> Path:
    return Path(reference) / name / "study.h5"


def _pair(reference: str | Path, name: str) -> tuple[Study, Study] | None:
    paths = [_file(reference, f"{name}_{mode}") for mode in ("common", "independent")]
    if not all(path.exists() for path in paths):
        return None
    return open_study(paths[0]), open_study(paths[1])


def _section(name: str, study: Study, answers: Answers) -> list[str]:
    lines = [f"## {SINGLE[name]}", "", f"`{_command(name)}`", "", _set_up(study), ""]
    for figure in FIGURES.get(name, ("measure_over_lambda",)):
        lines += [f"![{SINGLE[name]}: {figure}](figures/{name}_{figure}.png)", ""]
    if len(answers.importances) == 1:
        lines += _one_importance(answers.importances[0])
    else:
        lines += _comparison(answers)
    return [*lines, ""]


def _set_up(study: Study) -> str:
    config = study.config
    fewest, most = study.replicate_range
    replicates = f"{most} replicate{'s' * (most > 1)} per lambda"
    if fewest < most:
        replicates = f"{fewest} to {replicates} (racing)"
    return (
        f"{len(study.trials)} trial{'s' * (len(study.trials) > 1)}, "
        f"{replicates}, "
        f"{len(study.steps)} lambda steps in all, {config['randomness']} randomness, "
        f"{'geometric mean over trials, ' * study.shares}"
        f"selection on the {config['selection_split']} split."
    )


def _one_importance(answer: ImportanceAnswer) -> list[str]:
    yes = sum(trial.resolved.resolved for trial in answer.trials)
    # Of one trial the replicates speak, of several the trials.
    over: ImportanceAnswer | TrialAnswer = answer
    unit = "trials"
    if len(answer.trials) == 1:
        over, unit = answer.trials[0], "replicates"
    lines = [
        *_new_network(answer),
        f"- Mean of the trials' best lambdas: {_interval(answer.best)}.",
        f"- Resolved: {'yes' if answer.resolved.resolved else 'no'} for the study, "
        f"in {yes} of {len(answer.trials)} trials on their own.",
        f"- Gain over lambda = 0, over {unit}: {_interval(over.gain)}.",
        f"- Distance to joint training, over {unit}: {_interval(over.distance)}.",
        "",
        "| trial | best lambda | decades wide | low end worse by | high end worse by | resolved |",
        "|---|---|---|---|---|---|",
    ]
    for trial in answer.trials:
        said = trial.resolved
        cells = (
            str(trial.trial),
            _best(trial.best),
            _decades(trial.best),
            _errors(said.low_errors),
            _errors(said.high_errors),
            "yes" if said.resolved else "no",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _new_network(answer: ImportanceAnswer) -> list[str]:
    """The lambda to use and what it costs, where there are several trials."""
    found = answer.recommendation
    if len(answer.trials) == 1:
        return []
    lines = [f"- Lambda to use on a new network: {_interval(found.use)}."]
    if not found.regret.reason:
        near, wide = found.tolerances
        lines += [
            f"- It costs {found.regret.mean:.1%} of that network's own best measure on average, "
            f"at most {found.regret.most:.1%}; within 5% of the least are {_ends(near)}, within "
            f"10% {_ends(wide)}.",
            f"- A new network's own best lambda: {_ends(found.own)} (95% prediction interval).",
        ]
    return lines


def _comparison(answers: Answers) -> list[str]:
    compared = answers.comparison
    by_name = {answer.importance: answer for answer in answers}
    lines = [
        f"Ranked by the measure at the best lambda, paired over {answers.compared_over}s; ranks "
        "that overlap are ties. Not told from the best: "
        f"{', '.join(compared.tied_with_best)}.",
        "",
        "| importance measure | rank | measure | worse than the best by | lambda to use | trials "
        "resolved |",
        "|---|---|---|---|---|---|",
    ]
    behind = {d.second: d for d in compared.differences if d.first in compared.names[:1]}
    ranks = {
        name: str(low) if low == high else f"{low} to {high}"
        for name, low, high in zip(
            compared.names, compared.rank_low, compared.rank_high, strict=True
        )
    }
    means = dict(zip(compared.names, compared.means, strict=True))
    means |= {each.name: each.mean for each in compared.unranked}
    for name, mean in means.items():
        answer = by_name[name]
        apart = behind.get(name)
        cells = (
            name,
            ranks.get(name, "none: best at an end of the range"),
            f"{mean:.4g}",
            "" if apart is None else f"{-apart.mean:.3g} ({-apart.high:.3g} to {-apart.low:.3g})",
            _interval(answer.recommendation.use),
            f"{sum(t.resolved.resolved for t in answer.trials)} of {len(answer.trials)}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _noise_section(name: str, common: Study, independent: Study) -> list[str]:
    noise = extract(common, independent)
    lines = [
        f"## {NOISE[name]}",
        "",
        f"`{_command(f'{name}_common')}`  ",
        f"`{_command(f'{name}_independent')}`",
        "",
        f"![{NOISE[name]}](figures/{name}.png)",
        "",
        "The same grid of lambdas and as many replicates, with common and with independent random "
        "numbers. A single replicate (a thin line) with independent ones is what the original saw.",
        "",
        "Variance of a paired difference between two lambdas, independent to common: "
        f"{_interval(noise.near_ratio)} times for neighbouring lambdas, between which a search "
        f"decides, {_interval(noise.ratio)} times over all pairs, far ones included. What is left "
        "with common random numbers is no noise of the measurement: replicates differ in how much "
        "they gain from lambda. And common random numbers cost less, since the first task is "
        "trained once for all lambdas.",
        "",
        "| trial | neighbouring lambdas | all pairs |",
        "|---|---|---|",
    ]
    for trial, near, every in zip(noise.trials, noise.near_ratios, noise.ratios, strict=True):
        lines.append(f"| {trial} | {_interval(near)} | {_interval(every)} |")
    return [*lines, ""]


def _command(name: str) -> str:
    if name == "digits":
        return "snakemake --cores 2"
    return f"snakemake --cores 2 --configfile config/studies/{name}.yaml"


def _interval(value: Interval) -> str:
    if not math.isfinite(value.estimate):
        return f"none ({value.reason})"
    if value.reason:
        return f"{value.estimate:.3g} (no interval: {value.reason})"
    return f"{value.estimate:.3g} ({_ends(value)})"


def _ends(value: Interval | Tolerance) -> str:
    low = f"{'less than ' * value.open_low}{value.low:.3g}"
    return f"{low} to {'more than ' * value.open_high}{value.high:.3g}"


def _best(value: BestLambda) -> str:
    if value.reason:
        return f"{value.estimate:.3g} (no interval: {value.reason})"
    low = f"{value.low:.3g}" if value.bounded_low else "open"
    high = f"{value.high:.3g}" if value.bounded_high else "open"
    return f"{value.estimate:.3g} ({low} to {high})"


def _decades(value: BestLambda) -> str:
    bounded = value.bounded_low and value.bounded_high and not value.reason
    return f"{math.log10(value.high / value.low):.2f}" if bounded and value.low > 0 else ""


def _errors(value: float) -> str:
    return f"{value:.1f} standard errors" if math.isfinite(value) else ""
