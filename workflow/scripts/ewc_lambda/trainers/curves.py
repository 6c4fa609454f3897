"""What a trainer returns, checked, and put together to the curves of a whole run.

A run of K tasks has n = `epochs` x `evaluations_per_epoch` evaluations while each is trained, and
one of the base model before: 1 + K n rows of K losses each. Where `start` trained the first task
and returned its losses, `train` returns the rows from the second task on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ewc_lambda.errors import StudyError

Floats = NDArray[np.float64]
Curves = tuple[Floats, Floats]


@dataclass(frozen=True)
class Shape:
    """How many tasks a study has, and evaluations while each is trained; ``name`` is what messages
    call its trainer.
    """

    tasks: int
    epochs: int
    per_epoch: int
    name: str

    @classmethod
    def of(cls, config: Mapping[str, Any], name: str) -> Shape:
        """That of a study's config."""
        return cls(len(config["tasks"]), config["epochs"], config["evaluations_per_epoch"], name)

    @property
    def evaluations(self) -> int:
        """Evaluations while one task is trained."""
        return self.epochs * self.per_epoch

    @property
    def epoch(self) -> Floats:
        """Epochs since the start of each evaluation of a whole run."""
        return np.arange(1 + self.tasks * self.evaluations) / self.per_epoch

    def first(self, returned: Mapping[str, np.ndarray]) -> Curves:
        """Losses and accuracies (1 + n, tasks) of the first task, from what `start` returned;
        (0, tasks) where it returned no losses.

        Raises:
            StudyError: they are of another shape.

        """
        if "losses" not in returned:
            nothing = np.empty((0, self.tasks))
            return nothing, nothing
        rows = self.evaluations
        return self._with_base(rows, *self._checked("start", returned, rows, True))

    def whole(self, first: Curves, returned: Mapping[str, np.ndarray], function: str) -> Curves:
        """Losses and accuracies (1 + K n, tasks) of a run that goes on from the ``first`` task, or
        trained that itself.

        Raises:
            StudyError: they are of another shape.

        """
        if not len(first[0]):
            rows = self.tasks * self.evaluations
            return self._with_base(rows, *self._checked(function, returned, rows, True))
        rest = self._checked(function, returned, (self.tasks - 1) * self.evaluations, False)
        loss, accuracy = (np.concatenate(pair) for pair in zip(first, rest, strict=True))
        return loss, accuracy

    def _checked(
        self, function: str, returned: Mapping[str, np.ndarray], rows: int, base: bool
    ) -> Curves:
        loss = np.asarray(returned["losses"], dtype=np.float64)
        allowed = {(rows, self.tasks)} | ({(rows + 1, self.tasks)} if base else set())
        what = "all tasks" if function != "start" and base else "the first task"
        if function != "start" and not base:
            what = "the tasks after the first, whose losses start returned"
        if loss.shape not in allowed:
            raise StudyError(
                f"{self.name}: {function} returned losses of shape {loss.shape}; with epochs "
                f"{self.epochs} and evaluations_per_epoch {self.per_epoch} those of {what} are "
                f"({rows}, {self.tasks}): evaluations, tasks"
                f"{', or one row more, of the base model, in front' if base else ''}"
            )
        if "accuracies" not in returned:
            return loss, np.full_like(loss, np.nan)
        accuracy = np.asarray(returned["accuracies"], dtype=np.float64)
        if accuracy.shape != loss.shape:
            raise StudyError(
                f"{self.name}: {function} returned accuracies of shape {accuracy.shape} beside "
                f"losses of shape {loss.shape}; they must be as many"
            )
        outside = accuracy[(accuracy < 0) | (accuracy > 1)]
        if outside.size:
            raise StudyError(
                f"{self.name}: {function} returned an accuracy of {outside[0]:g}; they are shares, "
                "from 0 to 1"
            )
        return loss, accuracy

    def _with_base(self, rows: int, loss: Floats, accuracy: Floats) -> Curves:
        """Curves with a row for the base model, empty where it was not evaluated."""
        if len(loss) > rows:
            return loss, accuracy
        empty = np.full((1, self.tasks), np.nan)
        return np.concatenate([empty, loss]), np.concatenate([empty, accuracy])


def differing(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> str | None:
    """The name of an array that two calls returned otherwise, to the bit; None where none is."""
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            return name
        a, b = np.asarray(one[name]), np.asarray(other[name])
        if a.dtype != b.dtype or a.shape != b.shape or a.tobytes() != b.tobytes():
            return name
    return None
