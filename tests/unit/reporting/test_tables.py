"""Tables, metrics, summary and page of made-up studies whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import yaml
from made_up_studies import made_up_study
from scipy import stats

from ewc_lambda.reporting.answers import answer_importance, answer_study
from ewc_lambda.reporting.field_metrics import (
    ACCURACY,
    BACKWARD,
    FORGETTING,
    FORWARD,
    LOSS,
    metric_rows,
)
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.reporting.tables_page import config_text, provenance_text, tables_page

TABLES = ("answer", "trials", "lambdas", "metrics", "importance", "columns")
WHY = "missing_because"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


def tables(study):
    return make_tables(study, answer_study(study))


class TestTables:
    def test_there_are_six_with_their_rows(self, path):
        study = made_up_study(path, importance=("fisher", "random"))
        found = tables(study)
        assert tuple(found) == TABLES
        assert len(found["answer"]) == 2
        assert len(found["trials"]) == 6
        assert len(found["lambdas"]) == len(study.steps)
        assert len(found["importance"]) == 3

    def test_lambdas_have_means_and_standard_errors(self, path):
        study = made_up_study(path, trials=1, diverged_above=1e5)
        found = tables(study)["lambdas"]
        measures = study.measures(study.steps)
        assert np.isinf(measures).any()
        measures[np.isinf(measures)] = np.nan
        np.testing.assert_allclose(found["measure"], measures.mean(axis=1))
        np.testing.assert_allclose(
            found["measure_error"],
            stats.sem(measures, axis=1, nan_policy="propagate"),
        )
        assert (found["diverged"] == np.where(found["lambda"] > 1e5, "yes", "no")).all()
        assert (found.loc[found["diverged"] == "yes", "like_best"] == "no").all()

    def test_lambdas_not_told_from_the_best_are_those_counted(self, path):
        study = made_up_study(path, trials=1, rounds=1, noise=0.3)
        found = tables(study)
        alike = found["lambdas"]["like_best"] == "yes"
        assert alike.sum() == found["trials"]["alike"].iloc[0] > 0

    @pytest.mark.parametrize("case", [{"replicates": 1}, {"diverged_above": 0}, {"references": ()}])
    def test_no_number_is_missing_without_a_reason(self, path, case):
        found = tables(made_up_study(path, trials=1, importance=("fisher", "random"), **case))
        numbers = found["answer"].drop(columns=WHY).select_dtypes("number")
        for name in ("answer", "trials"):
            numbers = found[name].drop(columns=WHY).select_dtypes("number")
            gaps = numbers.isna().any(axis=1)
            assert gaps.any()
            assert (found[name].loc[gaps, WHY] != "").all()

    def test_a_table_read_back_is_the_table(self, path, tmp_path):
        found = tables(made_up_study(path))["trials"]
        found.to_csv(tmp_path / "trials.csv", index=False)
        again = pd.read_csv(tmp_path / "trials.csv", keep_default_na=False)
        assert list(again.columns) == list(found.columns)


class TestMetrics:
    def rows(self, study):
        return (
            pd.DataFrame(metric_rows(study))
            .set_index(["importance", "line", "trial", "metric", "split"])
            .sort_index()
        )

    def test_metrics_are_those_of_the_made_up_accuracies(self, path):
        # Three tasks: 0.9 after the own training, minus 0.1 with every later task; 0.5 before it,
        # 0.3 of the base model. So the last accuracies are 0.7, 0.8, 0.9.
        found = self.rows(made_up_study(path, tasks=3))["mean"]
        chosen = found["fisher", "chosen lambda", "all"]
        np.testing.assert_allclose(chosen[ACCURACY, "validation"], 0.8)
        np.testing.assert_allclose(chosen[LOSS, "validation"], 0.2, atol=1e-7)
        np.testing.assert_allclose(chosen[FORGETTING, "validation"], 0.15)
        np.testing.assert_allclose(chosen[BACKWARD, "validation"], -0.15)
        np.testing.assert_allclose(chosen[FORWARD, "validation"], 0.2)
        for line in (("fisher", "chosen lambda"), ("", "lambda = 0"), ("", "joint training")):
            np.testing.assert_allclose(found[(*line, "0", ACCURACY, "test")], 0.8)
            np.testing.assert_allclose(found[(*line, "0", LOSS, "test")], 0.25)

    def test_what_is_not_there_has_a_reason(self, path):
        why = self.rows(made_up_study(path, tasks=1, trials=1))[WHY]
        chosen = why["fisher", "chosen lambda", "0"]
        assert chosen[FORGETTING, "validation"] == "one task only"
        assert "test split" in chosen[FORGETTING, "test"]
        assert why["fisher", "chosen lambda", "all", ACCURACY, "validation"] == "one trial only"

    def test_a_study_without_curves_has_reasons_only(self, path):
        found = self.rows(made_up_study(path, curves=False, references=()))
        assert found["mean"].isna().all()
        assert (found[WHY] != "").all()

    def test_selection_on_the_test_split_has_that_split_alone(self, path):
        found = self.rows(made_up_study(path, selection_split="test"))
        assert set(found.index.get_level_values("split")) == {"test"}
        assert np.isfinite(found["mean"]["fisher", "chosen lambda", "0", FORGETTING, "test"])


class TestSummary:
    def test_a_resolved_study_says_its_best_lambda(self, path):
        text = summary(made_up_study(path, spread=0.01, noise=0.02))
        assert "fisher: the lambda to use is 1" in text
        assert "95% interval" in text
        assert "over lambda = 0" in text

    def test_a_flat_study_says_that_the_data_do_not_decide(self, path):
        study = made_up_study(path, curve=lambda x, c: 10 + 0 * x * c, noise=0.3)
        assert "the data do not decide which lambda is best" in summary(study)

    @pytest.mark.parametrize("trials", [1, 2])
    def test_one_replicate_says_why_there_is_no_interval(self, path, trials):
        text = summary(made_up_study(path, trials=trials, replicates=1))
        assert "one replicate only" in text or "2 trials" in text
        assert "nan" not in text

    def test_ties_are_said_to_be_ties(self, path):
        text = summary(made_up_study(path, importance=("fisher", "random"), noise=0.2))
        assert "The data do not decide which is best: " in text
        assert "are tied" in text

    def test_a_minimum_at_an_end_says_which_range_to_move(self, path):
        study = made_up_study(path, centres=[-1, 3, -2])
        assert [trial.edge for trial in answer_importance(study, "fisher").trials] == [
            "low",
            "",
            "low",
        ]
        assert "low end of the search in 2 of 3 trials: move low_range" in summary(study)

    def test_a_measure_that_lambda_does_not_change_has_no_best_end(self, path):
        study = made_up_study(path, curve=lambda x, c: 10 + 0 * x * c)
        assert all(trial.edge == "" for trial in answer_importance(study, "fisher").trials)

    def test_many_trials_are_cut_short(self, path):
        text = summary(made_up_study(path, trials=17, replicates=2, rounds=1))
        assert "7 more in trials.csv" in text


class TestPage:
    def test_every_table_is_on_it_without_empty_columns(self, path):
        study = made_up_study(path)
        found = tables(study)
        page = tables_page(study.name, study.tasks, found)
        for name in found:
            assert f"<h2>{name}</h2>" in page
        assert "why the search ended" in page
        # One importance measure has nothing to be compared with.
        assert found["importance"]["compared_with"].eq("").all()
        assert "<th>compared_with</th>" not in page

    def test_config_and_provenance_are_those_of_the_file(self, path):
        study = made_up_study(path, replicates=3)
        assert yaml.safe_load(config_text(study)) == study.config
        known = yaml.safe_load(provenance_text(study))
        assert known == {"study": "made_up", "study_file_sha256": study.attributes["sha256"]}


class TestRace:
    def test_tables_say_how_many_replicates_there_are(self, path):
        study = made_up_study(path, raced=3)
        found = tables(study)
        counts = study.replicates("steps")
        assert set(counts) == {3, 6}
        assert sorted(found["lambdas"]["replicates"]) == sorted(counts)
        assert set(found["trials"]["replicates"]) == {6}
        assert set(found["trials"]["fewest_replicates"]) == {3}
        measures = study.measures(study.steps)
        dropped = found["lambdas"]["replicates"] == 3
        errors = stats.sem(measures[counts == 3, :3], axis=1)
        np.testing.assert_allclose(
            np.sort(found["lambdas"]["measure_error"][dropped]), np.sort(errors)
        )
        assert "3 trials of 3 to 6 replicates per lambda (racing)" in summary(study)
