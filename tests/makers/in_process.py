"""A study run in one process, without Snakemake: what a run plans is made, job by job, by the very
scripts of the rules.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ewc_lambda.config.study_config import resolve, steps_per_job
from ewc_lambda.jobs.agreement import check_inputs
from ewc_lambda.results import sources
from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import KINDS, Product
from ewc_lambda.upkeep.plan import Plan

# A whole study of these takes a second.
TINY = {
    "study": "tiny",
    "trials": 1,
    "tasks": [[0, 1], [2, 3]],
    "samples_per_task": 40,
    "hidden": [3],
    "epochs": 1,
    "replicates": 2,
    "steps": 4,
    "max_rounds": 2,
}


class Named(SimpleNamespace):
    """Inputs, outputs or parameters as Snakemake gives them."""

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)

    def __getitem__(self, place: int) -> Any:
        return list(vars(self).values())[place]

    def __iter__(self) -> Iterator[str]:
        for value in vars(self).values():
            yield from value if isinstance(value, list) else [value]


def files_of(folder: Path, config: Mapping[str, Any], code: str = "") -> Files:
    """The files of a tiny study; ``code`` stands for other code of all that trains."""
    resolved = resolve({**TINY, **config})
    own = Files(resolved, folder)
    trained = {kind for kind in KINDS if KINDS[kind].gathered is None and kind != "data"}
    codes = {
        kind: (digest + (code if kind in trained else ""), source)
        for kind, (digest, source) in own.codes().items()
    }
    return Files(resolved, folder, codes)


def run(
    files: Files, most: int | None = None, kinds: Collection[str] = tuple(KINDS)
) -> list[Product]:
    """Make what does not stand, of some ``kinds`` and at ``most`` so many jobs; what was made, in
    order.
    """
    plan = Plan(files, logging.getLogger("quiet"))
    try:
        plan.begin()
        return _run(files, plan, most, kinds)
    finally:
        plan.end()


def _run(files: Files, plan: Plan, most: int | None, kinds: Collection[str]) -> list[Product]:
    made: list[Product] = []

    def waits(product: Product) -> bool:
        return product.kind in kinds and not plan.stand([product])

    while waiting := next(filter(waits, plan.products()), None):
        if most is not None and len(made) >= most:
            break
        together = [waiting]
        if waiting.kind == "step" and steps_per_job(files.config) > 1:
            together = files.steps(waiting.place)
        _make(files, plan, together)
        made += together
        assert made.count(waiting) == 1, f"{waiting.record} is made again and again"
    return made


def _make(files: Files, plan: Plan, products: list[Product]) -> None:
    """One job: of steps, all that train together."""
    product = products[0]
    for path in [Path(path) for each in products for path in each.paths]:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
    named = sources.inputs(sources.Sources(files, plan).of(product))
    inputs = Named(**{name: paths for name, _, paths in named})
    params = Named(**files.made_by(product.kind), place=files.place)
    outputs: dict[str, Any] = dict(zip(("record", "weights"), product.paths, strict=False))
    if product.kind == "step":
        names = ("records", "weights")[: len(product.paths)]
        columns = zip(*(each.paths for each in products), strict=True)
        outputs = {name: list(paths) for name, paths in zip(names, columns, strict=True)}
    check_inputs(inputs, params.config)
    job = SimpleNamespace(
        input=inputs,
        output=Named(**outputs),
        params=params,
        rule=product.kind,
        threads=1,
        wildcards=Named(**{name: str(value) for name, value in product.place.items()}),
    )
    importlib.import_module(KINDS[product.kind].script).main(job)
