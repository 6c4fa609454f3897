"""What a study answers: made-up studies whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import yaml
from made_up_studies import made_up_study
from scipy import stats

from ewc_lambda.answers import answer_importance, answer_study, open_study, searches
from ewc_lambda.errors import StudyError
from ewc_lambda.field_metrics import ACCURACY, BACKWARD, FORGETTING, FORWARD, LOSS, metric_rows
from ewc_lambda.records import write_hdf5
from ewc_lambda.summary import summary
from ewc_lambda.tables import make_tables
from ewc_lambda.tables_page import config_text, provenance_text, tables_page

TABLES = ("answer", "trials", "lambdas", "metrics", "importance")
WHY = "why a number is missing"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


def tables(study):
    return make_tables(study, answer_study(study))


class TestSearches:
    def test_all_rounds_are_pooled_and_round_0_is_kept_apart(self, path):
        study = made_up_study(path, trials=2, steps=7, rounds=3, replicates=4)
        found = searches(study, "fisher")
        assert [search.trial for search in found] == [0, 1]
        assert found[0].measures.shape == (4, 21)
        assert found[0].first_measures.shape == (4, 7)
        np.testing.assert_array_equal(found[0].first_lambdas, found[0].lambdas[:7])

    def test_measures_stand_beside_their_lambdas(self, path):
        study = made_up_study(path, trials=1, spread=0)
        found = searches(study, "fisher")[0]
        expected = 10 + 0.5 * (np.log10(found.lambdas) - 3) ** 2
        np.testing.assert_allclose(found.measures.mean(axis=0), expected)


class TestTrial:
    def test_best_lambda_is_the_known_minimum(self, path):
        study = made_up_study(path, trials=1, centres=[3.2], spread=0.1)
        trial = answer_importance(study, "fisher").trials[0]
        # Replicates are parabolas with vertices 3.2 + 0.1 z: Student's interval of their mean.
        z = np.linspace(-1, 1, 6)
        low, high = stats.t.interval(0.95, 5, 3.2, stats.sem(0.1 * z))
        np.testing.assert_allclose(np.log10(trial.best.estimate), 3.2, atol=0.01)
        np.testing.assert_allclose(
            np.log10([trial.best.low, trial.best.high]), [low, high], atol=0.02
        )
        assert trial.resolved.resolved

    def test_gain_and_distance_are_those_of_the_reference_lines(self, path):
        study = made_up_study(path, trials=1, spread=0)
        trial = answer_importance(study, "fisher").trials[0]
        # All replicates differ by the same offset everywhere: the differences have no error.
        np.testing.assert_allclose([trial.gain.estimate, trial.gain.low, trial.gain.high], 5)
        np.testing.assert_allclose(
            [trial.distance.estimate, trial.distance.low, trial.distance.high], 1
        )

    def test_without_reference_lines_the_reason_says_so(self, path):
        study = made_up_study(path, references=())
        answer = answer_importance(study, "fisher")
        assert np.isnan(answer.gain.estimate)
        assert answer.gain.reason == "no reference line lambda = 0"
        assert answer.trials[0].distance.reason == "no reference line joint training"


class TestStudy:
    def test_best_lambda_is_the_geometric_mean_with_students_interval(self, path):
        centres = np.array([2.7, 3.0, 3.2, 3.1])
        study = made_up_study(path, trials=4, centres=centres)
        best = answer_importance(study, "fisher").best
        low, high = stats.t.interval(0.95, 3, centres.mean(), stats.sem(centres))
        np.testing.assert_allclose(
            np.log10([best.estimate, best.low, best.high]), [centres.mean(), low, high], atol=0.01
        )
        assert best.n == 4

    def test_distance_is_that_of_joint_training_with_its_sign(self, path):
        answer = answer_importance(made_up_study(path, spread=0), "fisher")
        np.testing.assert_allclose(answer.gain.estimate, 5)
        np.testing.assert_allclose(answer.distance.estimate, 1)
        assert answer.distance.low <= 1 <= answer.distance.high

    def test_linear_spacing_has_an_arithmetic_mean(self, path):
        study = made_up_study(
            path,
            trials=2,
            spacing="linear",
            low=0.0,
            high=20.0,
            centres=[8.0, 12.0],
            curve=lambda x, c: 10 + 0.1 * (x - c) ** 2,
        )
        np.testing.assert_allclose(answer_importance(study, "fisher").best.estimate, 10, atol=0.05)

    def test_one_trial_has_no_interval_over_trials_but_its_own(self, path):
        answer = answer_importance(made_up_study(path, trials=1), "fisher")
        assert np.isnan(answer.best.low)
        assert answer.best.reason == answer.gain.reason == "one trial only"
        assert np.isfinite(answer.trials[0].best.low)

    def test_one_replicate_of_one_trial_has_no_interval_at_all(self, path):
        study = made_up_study(path, trials=1, replicates=1)
        answer = answer_importance(study, "fisher")
        assert answer.trials[0].best.reason == "one replicate only"
        assert not answer.resolved.resolved
        for value in (answer.best, answer.gain, answer.distance):
            assert np.isnan([value.low, value.high]).all()
            assert value.reason
        np.testing.assert_allclose(np.log10(answer.best.estimate), 3, atol=0.01)

    def test_trials_of_one_replicate_carry_the_study(self, path):
        study = made_up_study(path, trials=17, replicates=1, steps=20, rounds=1, noise=0.05)
        answer = answer_importance(study, "fisher")
        assert answer.resolved.resolved
        assert answer.best.low < 1e3 < answer.best.high
        assert np.isfinite(answer.gain.low)

    def test_a_trial_that_diverged_everywhere_leaves_a_reason(self, path):
        answer = answer_importance(made_up_study(path, diverged_above=0), "fisher")
        assert not answer.resolved.resolved
        assert "3 of 3 trials" in answer.best.reason
        assert answer.trials[0].alike.lambdas == ()

    def test_missing_searches_are_named(self, path):
        study = made_up_study(path, trials=2)
        study.config["trials"] = 3
        study.config["importance"] = ["fisher", "random"]
        assert answer_study(study).missing == (
            (0, "random"),
            (1, "random"),
            (2, "fisher"),
            (2, "random"),
        )
        assert "trial 2 of fisher" in summary(study)


class TestComparison:
    def test_heights_of_measures_are_their_differences(self, path):
        heights = {"random": 1.0, "weight_decay": 0.25}
        study = made_up_study(
            path, importance=("random", "fisher", "weight_decay"), heights=heights, spread=0
        )
        found = answer_study(study)
        assert found.compared_over == "trial"
        assert found.comparison.names == ("fisher", "weight_decay", "random")
        np.testing.assert_allclose(np.diff(found.comparison.means), [0.25, 0.75])
        assert found.comparison.rank_low == found.comparison.rank_high == (1, 2, 3)

    def test_one_trial_is_compared_over_its_replicates(self, path):
        study = made_up_study(path, trials=1, importance=("fisher", "random"))
        found = answer_study(study)
        assert (found.compared_over, found.comparison.n) == ("replicate", 6)
        assert found.comparison.tied_with_best == ("fisher", "random")

    def test_one_replicate_of_one_trial_decides_nothing(self, path):
        study = made_up_study(
            path, trials=1, replicates=1, importance=("fisher", "random"), heights={"random": 1}
        )
        found = answer_study(study).comparison
        assert found.reason == "one replicate only"
        np.testing.assert_allclose(found.means, [10, 11], atol=1e-3)


class TestTables:
    def test_there_are_five_with_their_rows(self, path):
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
        np.testing.assert_allclose(found["mean measure (loss x epochs)"], measures.mean(axis=1))
        np.testing.assert_allclose(
            found["standard error (loss x epochs)"],
            stats.sem(measures, axis=1, nan_policy="propagate"),
        )
        assert (found["diverged"] == np.where(found["lambda"] > 1e5, "yes", "no")).all()
        assert (found.loc[found["diverged"] == "yes", "cannot be told from the best"] == "no").all()

    def test_lambdas_not_told_from_the_best_are_those_counted(self, path):
        study = made_up_study(path, trials=1, rounds=1, noise=0.3)
        found = tables(study)
        alike = found["lambdas"]["cannot be told from the best"] == "yes"
        assert alike.sum() == found["trials"]["lambdas not told from the best"].iloc[0] > 0

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
            .set_index(["importance measure", "line", "trial", "metric", "split"])
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
        assert "fisher: the best lambda is 1" in text
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


class TestOpen:
    def test_a_missing_file_names_the_command(self, path):
        with pytest.raises(StudyError, match=r"study\.h5: the file is missing.*snakemake"):
            open_study(path)

    def test_a_broken_file_is_named_and_left_in_place(self, path):
        made_up_study(path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(StudyError, match=r"study\.h5: .*snakemake") as error:
            open_study(path)
        # A broken input would be moved aside by the job; this one may be the only copy.
        assert type(error.value) is StudyError
        assert path.exists()

    def test_another_file_is_no_study(self, path):
        write_hdf5(path, {}, {"content": "search", "config": {}})
        with pytest.raises(StudyError, match="not a study file"):
            open_study(path)


class TestPage:
    def test_every_table_is_on_it_without_empty_columns(self, path):
        study = made_up_study(path)
        found = tables(study)
        page = tables_page(study.name, found)
        for name in found:
            assert f"<h2>{name}</h2>" in page
        assert "why the search ended" in page
        # One importance measure has nothing to be compared with.
        assert found["importance"]["compared with"].eq("").all()
        assert "compared with" not in page

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
        assert set(found["trials"]["fewest replicates of a lambda"]) == {3}
        measures = study.measures(study.steps)
        dropped = found["lambdas"]["replicates"] == 3
        errors = stats.sem(measures[counts == 3, :3], axis=1)
        np.testing.assert_allclose(
            np.sort(found["lambdas"]["standard error (loss x epochs)"][dropped]), np.sort(errors)
        )
        assert "3 trials of 3 to 6 replicates per lambda (racing)" in summary(study)

    def test_the_answer_is_that_of_the_whole_study(self, path, tmp_path):
        whole = answer_study(made_up_study(tmp_path / "whole.h5", noise=0.02))
        raced = answer_study(made_up_study(path, noise=0.02, raced=3))
        for one, other in zip(
            whole.importances[0].trials, raced.importances[0].trials, strict=True
        ):
            assert one.best.grid_best == other.best.grid_best
            assert other.best.low <= one.best.estimate <= other.best.high
            assert one.gain == other.gain
            assert other.resolved.resolved
