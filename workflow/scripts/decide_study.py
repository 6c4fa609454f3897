"""Look at how wide the intervals are that were asked for, and decide how many trials there are to
be.
"""

from typing import Any

import numpy as np

from ewc_lambda.jobs.gathering import gathered_origin
from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.results.decided import targets
from ewc_lambda.results.run_tables import joined, read_tables, run_table
from ewc_lambda.results.runs import read_run
from ewc_lambda.results.searches import gain_width, interval_width
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import look
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import write_json
from ewc_lambda.store.stamps import stamped


def main(snakemake: Any) -> None:
    """Checkpoint decide_study."""
    config = snakemake.params.config
    steps = joined([read_tables(path)[0]["steps"] for path in snakemake.input.searches])
    runs = [read_run(path) for path in snakemake.input.get("references", [])]
    lines = run_table(runs, [run.sha256 for run in runs], 0, config.get("select_by", MEASURE))
    study = Study.of(
        {"steps": steps, "references": lines}, {"config": config, "tasks": {"names": []}}
    )
    # Configs leave out a target_gain that is null.
    asked, names = targets(config), config["importance"]
    widths, gains = (
        {name: width(study, name) for name in names} if key in asked else {}
        for key, width in (("target_width", interval_width), ("target_gain", gain_width))
    )
    trials = len(study.trials)
    most = config["trials"]
    found = look(widths, asked.get("target_width"), trials, most, gains, asked.get("target_gain"))
    place = {"look": int(snakemake.wildcards.look)}
    record = {
        **place,
        "trials": trials,
        "widths": {name: _said(width) for name, width in widths.items()},
        **({"gains": {name: _said(width) for name, width in gains.items()}} if gains else {}),
        "next_trials": found.next_trials,
        "stop": found.stop,
    }
    origin = gathered_origin("look", snakemake.input, place)
    record |= stamped(provenance(snakemake.params.code, config), origin)
    write_json(snakemake.output[0], record)
    for what, each in (("interval", widths), ("interval of the gain", gains)):
        if each:
            widest = max((w for w in each.values() if not np.isnan(w)), default=float("nan"))
            logger.info("%d trials: the %s is %.2g wide", trials, what, widest)
    logger.info(
        "asked for: %s; %s",
        ", ".join(f"{key} {width:g}" for key, width in asked.items()),
        found.stop or f"going on to {found.next_trials} trials",
    )


def _said(width: float) -> float | str | None:
    """A width for JSON, which knows neither infinity nor NaN."""
    return "open" if np.isinf(width) else None if np.isnan(width) else width


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
