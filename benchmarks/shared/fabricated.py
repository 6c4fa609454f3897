"""The files of a whole study of one round, each with the stamp that a run would have given it, and
nothing that was trained in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ewc_lambda.results.files import Files
from ewc_lambda.results.kinds import Product
from ewc_lambda.results.sources import Sources
from ewc_lambda.search.by_config import round_grid
from ewc_lambda.store.records import write_hdf5, write_json
from ewc_lambda.store.stamps import digest_of, gathered_from, read_stamp, stamped

DATA, MODEL, STATE, OMEGA = (digest_of(name) for name in ("data", "model", "state", "omega"))
START = {"data": DATA, "base_model": MODEL, "first_task": STATE}
# As many numbers as a step of the default study has: replicates, evaluations, tasks.
LOSSES = np.random.default_rng(0).random((10, 61, 2))


def fabricate(files: Files) -> None:
    """Write all files of a study of one round, in the order in which they are made."""
    for product in files.fixed():
        _write(files, product)
    for place in files.searches():
        grid, *steps = files.round(place, 0)
        _, lambdas = round_grid(files.config, place["trial"])
        _json(files, grid, {"bracket": [lambdas[0], lambdas[-1]], "lambdas": lambdas}, ())
        for step, value in zip(steps, lambdas, strict=True):
            _write(files, step, **{"lambda": value})
        decision = files.product("decision", **place, round=0)
        said = {"stop": "max_rounds is reached", "optimum": None, "lambdas": lambdas}
        said |= {"measures": [1.0] * len(lambdas), "next_bracket": None}
        _json(files, decision, said, (grid, *steps))
        for end in files.ends(place):
            _write(files, end, (decision, *steps))
    study = files.product("study")
    sources = Sources(files).of(study)
    names = ("searches", "first_tasks", "references", "tests")
    _write(files, study, [product for name in names for product in sources[name]])


def _write(
    files: Files, product: Product, of: Iterable[Product] | None = None, **labels: Any
) -> None:
    """A record, its weights, and what it was made from, or gathered ``of``."""
    known = {"study": files.config["study"]} if product.kind == "study" else dict(product.place)
    if product.kind == "base_model":
        _json(files, product, {"weights_sha256": MODEL}, None)
        return
    if product.kind == "first_task":
        labels = {"reference": "first_task"}
    elif product.kind == "reference":
        labels = {"lambda": 0.0}
    origin = {"labels": digest_of({**known, **labels})}
    if of is not None:
        origin["gathered"] = _seals(of)
    elif product.kind == "data":
        origin = {"samples": DATA}
    else:
        origin |= START if product.kind != "first_task" else {"data": DATA, "base_model": MODEL}
        origin |= {"omega": OMEGA} if product.kind == "step" else {}
    attributes = {"provenance": _made_by(files, product), "origin": {"state": STATE}}
    attributes["origin"] |= {f"omega/{name}": OMEGA for name in files.config["importance"]}
    recipe = files.recipe(product.kind)
    write_hdf5(product.record, {"loss": LOSSES}, attributes, recipe, origin)
    _weights(product)


def _json(
    files: Files, product: Product, said: dict[str, Any], of: Iterable[Product] | None
) -> None:
    origin = {"labels": digest_of(dict(product.place))}
    origin |= {"data": DATA} if of is None else {"gathered": _seals(of)}
    stamp = stamped(_made_by(files, product), origin)
    write_json(product.record, {**product.place, **said, **stamp})
    _weights(product)


def _weights(product: Product) -> None:
    if product.weights is not None:
        header = json.dumps({"w": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode()
        Path(product.weights).write_bytes(len(header).to_bytes(8, "little") + header)


def _made_by(files: Files, product: Product) -> dict[str, Any]:
    config = files.config_of(product.kind)
    return {"code_sha256": files.code_of(product.kind), "config": config}


def _seals(of: Iterable[Product]) -> str:
    return gathered_from(read_stamp(product.record).seal for product in of)
