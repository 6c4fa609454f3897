"""Which importance measure, or group of a sweep, wins, in a few plain lines."""

from __future__ import annotations

from ewc_lambda.inference.across_trials import Comparison
from ewc_lambda.reporting.answers import Answers
from ewc_lambda.reporting.lines import number as _number


def comparison_lines(answers: Answers, what: str = "Importance measures") -> list[str]:
    """Which importance measure, or group of a sweep, wins, or which are tied."""
    found = answers.comparison
    head = f"{what}, from the lowest measure at the best lambda:"
    if found.reason:
        head = f"{what}: the data do not decide between them ({found.reason})."
    lines = [head]
    names = [*found.names, *(each.name for each in found.unranked)]
    width = max(len(name) for name in names)
    for number, name in enumerate(found.names):
        text = f"  {name:<{width}}  {_number(found.means[number])}"
        low, high = found.rank_low[number], found.rank_high[number]
        if not found.reason:
            text += f"  rank {low}" if low == high else f"  rank {low} to {high}"
        lines.append(text)
    for each in found.unranked:
        lines.append(f"  {each.name:<{width}}  {_number(each.mean)}  no rank: {each.reason}")
    if not found.reason:
        lines.append(_winner(found))
    if found.unranked:
        lines.append(f"  {unranked_note(found)}")
    return lines


def _winner(found: Comparison) -> str:
    tied = found.tied_with_best
    if len(tied) > 1:
        return f"  The data do not decide which is best: {', '.join(tied)} are tied."
    if found.unranked:
        return f"  {tied[0]} is the best of those with a rank."
    return f"  {tied[0]} is the best beyond doubt."


def unranked_note(found: Comparison) -> str:
    """What measures without a rank mean, and what to do."""
    names = ", ".join(each.name for each in found.unranked)
    ends = [
        key
        for words, key in (("lower end", "low_range"), ("upper end", "high_range"))
        if any(words in each.reason for each in found.unranked)
    ]
    return (
        f"May be better outside of what was searched, so none is the best beyond doubt: {names}. "
        f"Move {' and '.join(ends)} outwards."
    )
