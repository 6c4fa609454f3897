"""Table: what every column of the other tables means."""

from __future__ import annotations

import pandas as pd

from ewc_lambda.reporting.answers import Answers
from ewc_lambda.reporting.tables.cells import UNIT
from ewc_lambda.results.study_file import Study

# Of several tables.
_SHARED = {
    "importance": "importance measure, or group of a sweep",
    "trial": "number of the trial",
    "open_below": "whether the interval before it reaches lower than the end given",
    "open_above": "whether the interval before it reaches higher than the end given",
    "resolved": "whether both ends of the search are worse beyond doubt",
    "low_end_errors": "by how many standard errors the low end is worse",
    "high_end_errors": "by how many standard errors the high end is worse",
    "errors_needed": "standard errors that are needed at both ends",
    "gain": f"how much lower the measure is than at lambda = 0 {UNIT}",
    "gain_low": f"low end of its 95% interval {UNIT}",
    "gain_high": f"high end of its 95% interval {UNIT}",
    "distance": f"how much higher the measure is than in joint training {UNIT}",
    "distance_low": f"low end of its 95% interval {UNIT}",
    "distance_high": f"high end of its 95% interval {UNIT}",
    "replicates": "replicates",
    "missing_because": "why a number of the row is missing",
}
MEANINGS = {
    "answer": {
        "lambda_to_use": "where the mean curve over trials is lowest: for a new network",
        "lambda_to_use_low": "low end of its 95% interval, over trials",
        "lambda_to_use_high": "high end of its 95% interval, over trials",
        "regret": "by how much the measure lies above a new network's own best (share)",
        "regret_high": "high end of its 95% interval (share)",
        "within_5_low": "lowest lambda within 5% of the least measure",
        "within_5_high": "highest lambda within 5% of the least measure",
        "within_10_low": "lowest lambda within 10% of the least measure",
        "within_10_high": "highest lambda within 10% of the least measure",
        "factor_2_cost": "what a lambda wrong by a factor of 2 costs, the worse way (share)",
        "factor_3_cost": "what a lambda wrong by a factor of 3 costs, the worse way (share)",
        "factor_10_cost": "what a lambda wrong by a factor of 10 costs, the worse way (share)",
        "own_best_low": "a new network's own best lambda: low end of a 95% prediction interval",
        "own_best_high": "a new network's own best lambda: high end of that interval",
        "trials_to_halve": "trials for an interval of the lambda to use half as wide",
        "mean_best_lambda": "mean of the trials' own best lambdas",
        "mean_best_lambda_low": "low end of its 95% interval, over trials",
        "mean_best_lambda_high": "high end of its 95% interval, over trials",
        "by_accuracy": "best lambda by the final average accuracy",
        "by_accuracy_low": "low end of its 95% interval",
        "by_accuracy_high": "high end of its 95% interval",
        "by_accuracy_apart": "whether that is beyond doubt another one than by the measure",
        "trials": "trials",
        "trials_resolved": "trials that are resolved on their own",
        "replicates": "replicates of a trial",
        "randomness": "whether the lambdas of a trial share their random numbers (common)",
        "trials_missing": "trials that the config asks for and the file lacks",
    },
    "trials": {
        "best_lambda": "minimum of the trial's own curve",
        "best_lambda_low": "low end of its 95% interval, over replicates",
        "best_lambda_high": "high end of its 95% interval, over replicates",
        "lowest_lambda": "lambda of the lowest mean measure, of those trained",
        "lowest_at_end": "which end of the search that is, if it is one",
        "alike": "lambdas that cannot be told from the best",
        "alike_low": "least of them",
        "alike_high": "greatest of them",
        "fewest_replicates": "fewest replicates of a lambda: a race drops some",
        "lambdas": "lambdas that were trained",
        "lambdas_finite": "of these, lambdas of which no replicate diverged",
        "rounds": "rounds of the search",
        "stop": "why the search ended",
    },
    "lambdas": {
        "round": "round of the search",
        "step": "step of the round",
        "lambda": "lambda",
        "measure": f"mean of the measure over replicates {UNIT}",
        "measure_error": f"its standard error {UNIT}",
        "accuracy": "average accuracy after the last task, selection split (share)",
        "accuracy_error": "its standard error over replicates (share)",
        "forgetting": "mean of highest minus last accuracy, selection split (share)",
        "forgetting_error": "its standard error over replicates (share)",
        "diverged": "whether a loss was not finite",
        "like_best": "whether the lambda cannot be told from the best of its trial",
    },
    "metrics": {
        "line": "the chosen lambda of each trial, lambda = 0, or joint training",
        "trial": "number of the trial; all: their mean",
        "metric": "loss (mean over samples), or shares of samples and their differences",
        "split": "split of the data on which it was evaluated",
        "mean": "mean over replicates; of all trials, over trials",
        "error": "standard error of that mean",
        "low": "low end of its 95% interval",
        "high": "high end of its 95% interval",
        "n": "how many values the mean is of",
    },
    "importance": {
        "compared_with": "the other importance measure of a pair; empty in a row of one alone",
        "measure": f"measure at its own best lambda {UNIT}",
        "best_rank": "best rank that the intervals leave open",
        "worst_rank": "worst rank that the intervals leave open",
        "difference": f"measure of the first minus that of the second {UNIT}",
        "difference_low": f"low end of its simultaneous 95% interval {UNIT}",
        "difference_high": f"high end of its simultaneous 95% interval {UNIT}",
        "tied": "whether that interval holds 0",
        "paired_over": "what the differences are paired over, and how many of it",
    },
}


def table(study: Study, answers: Answers) -> pd.DataFrame:
    """One row per table and column, in the order in which they are explained."""
    unit = f"({study.measured})" if study.measured else UNIT
    rows = [
        {"table": name, "column": column, "meaning": meaning.replace(UNIT, unit)}
        for name, own in {**MEANINGS, "several": _SHARED}.items()
        for column, meaning in own.items()
    ]
    return pd.DataFrame(rows)


def meaning_of(name: str, column: str) -> str:
    """What a column of a table means."""
    return MEANINGS.get(name, {}).get(column) or _SHARED[column]
