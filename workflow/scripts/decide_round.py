"""Pick the optimum of a round, and the next bracket or the end of the search."""

from typing import Any

from ewc_lambda.jobs.gathering import gathered_origin
from ewc_lambda.jobs.run_job import logger, run_job
from ewc_lambda.results.criteria import MEASURE
from ewc_lambda.results.runs import Run, read_run, round_measures, trial_origin
from ewc_lambda.search import by_config
from ewc_lambda.store.provenance import provenance
from ewc_lambda.store.records import read_json, write_json
from ewc_lambda.store.stamps import stamped


def main(snakemake: Any) -> None:
    """Checkpoint decide_round."""
    config = snakemake.params.config
    grid = read_json(snakemake.input.grid)
    origin = trial_origin(snakemake.input, grid["importance"])
    runs = [_step(path, grid, step, origin) for step, path in enumerate(snakemake.input.steps)]
    measures = round_measures(runs, config.get("select_by", MEASURE))
    place = {name: grid[name] for name in ("trial", "importance", "round")}
    decision = by_config.decide_round(config, place, grid["lambdas"], measures, grid["searched"])
    best = decision.optimum
    made = provenance(snakemake.params.code, config)
    record = {
        **grid,
        **stamped(made, gathered_origin("decision", snakemake.input, place)),
        "measures": measures,
        "replicates": [len(run.measure) for run in runs],
        "optimum_step": best,
        "optimum": None if best is None else grid["lambdas"][best],
        "next_bracket": None if decision.bracket is None else list(decision.bracket),
        "stop": decision.stop,
    }
    write_json(snakemake.output[0], record)
    logger.info("optimum %s; %s", record["optimum"], decision.stop or "narrowing the bracket")


def _step(path: str, grid: dict[str, Any], step: int, origin: dict[str, str]) -> Run:
    expected = {
        "trial": grid["trial"],
        "importance": grid["importance"],
        "round": grid["round"],
        "step": step,
        "lambda": grid["lambdas"][step],
    }
    return read_run(path, **expected, **origin)


if __name__ == "__main__":
    run_job(main, globals()["snakemake"])
