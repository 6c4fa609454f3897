"""Statements that would mislead, in the words of the summary and the cells of the table."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from made_up_studies import made_up_study
from scipy.stats import t

from ewc_lambda.reporting.answers import answer_importance, answer_study
from ewc_lambda.reporting.ending import ending
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.results.study_file import Study


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


def headline(study):
    return next(line for line in summary(study).splitlines() if line.startswith("fisher: "))


def line(study, label):
    (found,) = (t for t in summary(study).splitlines() if t.startswith(f"  {label}  "))
    return found.removeprefix(f"  {label}").strip()


class TestAsGoodAsNone:
    def test_a_gain_whose_interval_holds_0_is_said_in_the_headline(self, path):
        # lambda = 0 lies where the curves of the trials are lowest, but for noise.
        study = made_up_study(path, zero=10.02, noise=0.1)
        assert answer_importance(study, "fisher").resolved.resolved
        assert headline(study).endswith(
            "which is as good as lambda = 0: the interval of the gain holds 0."
        )

    def test_of_one_trial_too(self, path):
        study = made_up_study(path, trials=1, zero=10.0, noise=0.05)
        assert "which is as good as lambda = 0" in headline(study)

    def test_a_loss_is_said_to_be_one(self, path):
        study = made_up_study(path, zero=9.0, noise=0.05)
        assert headline(study).endswith("which is worse than lambda = 0.")

    def test_a_gain_needs_no_words(self, path):
        assert "lambda = 0" not in headline(made_up_study(path, noise=0.05))


class TestTwoTrials:
    def test_undecided_they_ask_for_a_third(self, path):
        study = made_up_study(path, trials=2, centres=[2.5, 3.5], spread=0.02, noise=0.1)
        answer = answer_importance(study, "fisher")
        assert [trial.resolved.resolved for trial in answer.trials] == [True, True]
        assert not answer.resolved.resolved
        said = line(study, "more trials    ")
        assert said.startswith("two must be worse by 6.31 standard errors at both ends, three by")
        assert said.endswith("2.92: add a third (--config trials=3)")

    @pytest.mark.parametrize("case", [{"diverged_above": 0}, {"centres": [-1.0, -1.0]}])
    def test_what_a_third_would_not_mend_asks_for_none(self, path, case):
        study = made_up_study(path, trials=2, noise=0.1, **case)
        assert not answer_importance(study, "fisher").resolved.resolved
        assert "add a third" not in summary(study)

    def test_three_do_not(self, path):
        assert "add a third" not in summary(made_up_study(path, trials=3, noise=0.05))


class TestUndecided:
    def test_it_is_said_how_many_trials_would_decide(self, path):
        study = made_up_study(path, trials=5, centres=[1.5, 2.0, 3.0, 4.0, 5.5], noise=0.5)
        answer = answer_importance(study, "fisher")
        assert not answer.resolved.resolved
        errors = min(answer.resolved.low_errors, answer.resolved.high_errors)
        # With its number of trials Student's factor falls, too.
        needed = next(m for m in range(6, 99) if errors * (m / 5) ** 0.5 >= t.ppf(0.95, m - 1))
        assert needed < 5 * (answer.resolved.critical / errors) ** 2
        assert line(study, "more trials    ") == (
            f"about {needed} in all would decide, if trials go on to differ as these do "
            f"(--config trials={needed})"
        )


def test_the_last_lines_of_a_run_say_what_is_missing_whatever_chose_lambda(path):
    study = made_up_study(path)
    asked = {**study.config, "trials": 4, "select_by": "final_accuracy"}
    said = ending(dataclasses.replace(study, config=asked), {"more": "command"})
    assert any(line.startswith("Chosen and judged by: ") for line in said)
    assert "Missing, and left out: trial 3 of fisher." in said


class TestANewNetwork:
    def test_the_lambda_to_use_and_a_networks_own_best_are_told_apart(self, path):
        study = made_up_study(path, trials=6, centres=[2.6, 2.8, 3.0, 3.0, 3.2, 3.4], noise=0.01)
        found = answer_importance(study, "fisher").recommendation
        use, own = (
            np.log10([found.use.low, found.use.high]),
            np.log10([found.own.low, found.own.high]),
        )
        # sqrt(1 + 1 / T) against sqrt(1 / T).
        assert np.ptp(own) / np.ptp(use) == pytest.approx(np.sqrt(7), rel=0.1)
        assert line(study, "own best       ").startswith("of a new network: ")
        assert "(95% prediction interval)" in line(study, "own best       ")
        assert "over trials" in line(study, "lambda to use  ")

    def test_the_table_has_the_numbers(self, path):
        study = made_up_study(path, noise=0.02)
        found = answer_study(study)
        (row,) = make_tables(study, found)["answer"].to_dict("records")
        said = found.importances[0].recommendation
        assert row["lambda_to_use"] == said.use.estimate
        assert row["regret_high"] == said.regret.most
        assert row["within_5_low"] == said.tolerances[0].low
        assert row["trials_to_halve"] == said.halving


class TestByAccuracy:
    def study(self, path, best):
        """A study whose final accuracy is highest at 10 to the power ``best``."""
        study = made_up_study(path, trials=4, centres=[2.9, 3.0, 3.0, 3.1], noise=0.02)
        x = np.log10(study.steps["lambda"].to_numpy())
        z = np.random.default_rng(5).normal(0, 0.05, (len(x), 6))
        final = 0.9 - 0.02 * (x[:, None] - best - 0.05 * z) ** 2
        tables = {name: dict(table) for name, table in study.tables.items()}
        accuracy = np.array(tables["steps"]["accuracy"])
        accuracy[:, :, -1] = final[:, :, None]
        tables["steps"]["accuracy"] = accuracy
        return Study(
            study.steps,
            study.references,
            study.tests,
            study.rounds,
            study.config,
            study.tasks,
            tables,
            study.attributes,
        )

    def test_another_best_lambda_is_said_where_it_differs_beyond_doubt(self, path):
        study = self.study(path, 4.5)
        found = answer_importance(study, "fisher").recommendation.by_accuracy
        assert np.log10(found.best.estimate) == pytest.approx(4.5, abs=0.05)
        assert np.log10(found.away.estimate) == pytest.approx(1.5, abs=0.05)
        assert found.apart
        assert line(study, "by accuracy    ").endswith(
            "beyond doubt not the best by the measure: the answer hangs on what is asked"
        )

    def test_the_same_best_lambda_is_not_told_apart(self, path):
        study = self.study(path, 3.0)
        assert not answer_importance(study, "fisher").recommendation.by_accuracy.apart
        assert line(study, "by accuracy    ").endswith("not told from the best by the measure")

    def test_without_accuracies_nothing_is_said(self, path):
        study = made_up_study(path, curves=False)
        assert "by accuracy" not in summary(study)
        (row,) = make_tables(study, answer_study(study))["answer"].to_dict("records")
        assert pd.isna(row["by_accuracy"])
        assert "no accuracy recorded" in row["missing_because"]
