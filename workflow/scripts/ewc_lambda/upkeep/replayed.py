"""A race played again from the records of its steps, to see that it could have gone so."""

from __future__ import annotations

from collections.abc import Sequence

from ewc_lambda.inference.student import Floats
from ewc_lambda.results.runs import Run
from ewc_lambda.search.racing import doubts, race


def replayed(runs: Sequence[Run], earlier: Sequence[Run], replicates: int) -> list[int]:
    """The numbers of replicates that the steps of a round must have for its race to have been as
    its runs say; ``earlier`` are the runs of the rounds before.
    """
    repeated = {run.labels["lambda"]: run.measure for run in earlier}
    met = {
        step: repeated[run.labels["lambda"]]
        for step, run in enumerate(runs)
        if run.labels["lambda"] in repeated
    }
    short: dict[int, int] = {}

    def train(running: Sequence[int], part: slice) -> dict[int, Floats]:
        measures = {step: runs[step].measure[part] for step in running}
        short.update((step, part.stop) for step in running if len(runs[step].measure) < part.stop)
        return {step: values for step, values in measures.items() if step not in short}

    found = race(dict(enumerate(doubts(len(runs), not earlier))), replicates, met, train)
    return [short.get(step, len(found.get(step, ()))) for step in range(len(runs))]
