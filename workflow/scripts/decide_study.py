"""Look at how wide the interval of the lambda to use is, and decide how many trials there are to
be.
"""

from typing import Any

import numpy as np

from ewc_lambda.jobs.gathering import gathered_origin
from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.results.run_tables import joined, read_tables
from ewc_lambda.results.searches import interval_width
from ewc_lambda.results.study_file import Study
from ewc_lambda.search.looks import look
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import write_json
from ewc_lambda.store.stamps import stamped


def main(snakemake: Any) -> None:
    """Checkpoint decide_study."""
    config = snakemake.params.config
    steps = joined([read_tables(path)[0]["steps"] for path in snakemake.input.searches])
    study = Study.of({"steps": steps}, {"config": config, "tasks": {"names": []}})
    widths = {name: interval_width(study, name) for name in config["importance"]}
    trials = len(study.trials)
    found = look(widths, config["target_width"], trials, config["trials"])
    place = {"look": int(snakemake.wildcards.look)}
    record = {
        **place,
        "trials": trials,
        "widths": {name: _said(width) for name, width in widths.items()},
        "next_trials": found.next_trials,
        "stop": found.stop,
    }
    origin = gathered_origin("look", snakemake.input, place)
    record |= stamped(provenance(snakemake.params.code, config), origin)
    write_json(snakemake.output[0], record)
    width = max((w for w in widths.values() if not np.isnan(w)), default=float("nan"))
    logger.info(
        "%d trials: the interval is %.2g wide, %g are asked for; %s",
        trials,
        width,
        config["target_width"],
        found.stop or f"going on to {found.next_trials} trials",
    )


def _said(width: float) -> float | str | None:
    """A width for JSON, which knows neither infinity nor NaN."""
    return "open" if np.isinf(width) else None if np.isnan(width) else width


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
