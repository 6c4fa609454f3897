"""The kinds of files of a study, in one table: path, what makes it, what it depends on.

`results.files` says of each single file what it is made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REFERENCES = ("finetuning", "joint")

_FIRST = ("seed", "data", "model", "training", "importance")
# Whether weights are kept is said in the records of runs that may have none.
_TRAINING = (*_FIRST, "files")


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    ``record`` is its path below the study's folder, ``weights`` that of another file whose digest
    stands in the record. ``script`` makes it, from files of the kinds ``above``. ``parts`` and
    ``keys`` of the config are all that the result depends on besides the files themselves. What is
    ``gathered`` from the files of some of its job's inputs, by their names, costs a moment, and is
    made again whenever one of them is; all else is trained.
    """

    record: str
    script: str
    above: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    weights: str | None = None
    gathered: tuple[str, ...] | None = None


_TRIAL = "trial_{trial}"
_SEARCH = f"{_TRIAL}/{{importance}}"
_ROUND = f"{_SEARCH}/round_{{round}}"

KINDS = {
    "data": Kind("data.h5", "prepare_data", parts=("seed", "data")),
    "base_model": Kind(
        f"{_TRIAL}/base_model.json",
        "create_base_model",
        above=("data",),
        parts=("seed", "data", "model"),
        weights=f"{_TRIAL}/base_model.safetensors",
    ),
    "first_task": Kind(
        f"{_TRIAL}/first_task.h5",
        "train_first_task",
        above=("data", "base_model"),
        parts=(*_FIRST, "measures"),
        weights=f"{_TRIAL}/first_task.safetensors",
    ),
    "reference": Kind(
        f"{_TRIAL}/reference/{{reference}}.h5",
        "train_reference",
        above=("data", "base_model", "first_task"),
        parts=_TRAINING,
        weights=f"{_TRIAL}/reference/{{reference}}.safetensors",
    ),
    "scout": Kind(
        f"{_SEARCH}/scout.json",
        "scout",
        above=("data", "base_model", "first_task"),
        parts=_FIRST,
        keys=("select_by",),
    ),
    "grid": Kind(
        f"{_ROUND}/grid.json",
        "make_grid",
        keys=(
            "seed",
            "spacing",
            "low_range",
            "high_range",
            "steps",
            "first_trials",
            "later_steps",
        ),
        gathered=("decision", "first_decisions", "scout"),
    ),
    # Not the grid: a step carries its own lambda.
    "step": Kind(
        f"{_ROUND}/step_{{step}}.h5",
        "train_steps",
        above=("data", "base_model", "first_task"),
        parts=_TRAINING,
        keys=("racing",),
        weights=f"{_ROUND}/step_{{step}}.safetensors",
    ),
    "decision": Kind(
        f"{_ROUND}/decision.json",
        "decide_round",
        keys=(
            "spacing",
            "termination_threshold",
            "max_rounds",
            "expand_at_edge",
            "first_trials",
            "select_by",
        ),
        gathered=("grid", "steps"),
    ),
    "search": Kind(
        f"{_SEARCH}/search.h5",
        "collect_search",
        keys=("randomness", "select_by"),
        gathered=("decisions", "steps"),
    ),
    "test": Kind(
        f"{_SEARCH}/test.h5",
        "evaluate_test",
        above=("data", "base_model"),
        parts=_TRAINING,
    ),
    "look": Kind(
        "look_{look}.json",
        "decide_study",
        keys=(
            "spacing",
            "importance",
            "replicates",
            "select_by",
            "trials",
            "min_trials",
            "target_width",
            "target_gain",
            "trial_mean",
        ),
        gathered=("before", "searches", "references"),
    ),
    "study": Kind(
        "study.h5",
        "collect_study",
        keys=("references",),
        gathered=("looks", "searches", "first_tasks", "references", "tests"),
    ),
}


@dataclass(frozen=True)
class Product:
    """A file, with its weights, of a study: of a ``kind``, at a ``place`` (trial, importance,
    round, step, reference, by name).
    """

    kind: str
    record: str
    weights: str | None = field(compare=False)
    place: Mapping[str, Any] = field(compare=False)

    @property
    def paths(self) -> list[str]:
        """Record and weights."""
        return [self.record] if self.weights is None else [self.record, self.weights]
