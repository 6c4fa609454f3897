"""What a study answers: made-up studies whose answers are known."""

import dataclasses

import numpy as np
import pytest
from made_up_studies import made_up_study
from scipy import stats

from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.answers import answer_importance, answer_study, open_study
from ewc_lambda.reporting.summary import summary
from ewc_lambda.results.searches import searches
from ewc_lambda.store.records import write_hdf5


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


def test_notes_of_the_data_stand_in_the_summary(path):
    study = made_up_study(path)
    assert "Note" not in summary(study)
    attributes = {**study.attributes, "notes": ["own.npz: x_train is unscaled"]}
    noted = dataclasses.replace(study, attributes=attributes)
    assert "\nNote: own.npz: x_train is unscaled.\n" in summary(noted)


def test_no_penalty_is_said_to_help_where_lambda_is_lowest_at_0(path):
    at_zero = {"spacing": "linear", "low": 0.0, "high": 100.0, "centres": [-40.0] * 3}
    study = made_up_study(path, **at_zero, curve=lambda x, centre: 10 + 0.01 * (x - centre))
    text = summary(study)
    assert "lowest at lambda = 0 in 3 of 3 trials: no penalty helps here" in text
    assert "move low_range" not in text


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


class TestOpen:
    def test_a_missing_file_names_the_command(self, path):
        with pytest.raises(StudyError, match=r"study\.h5: the file is missing.*snakemake"):
            open_study(path)

    def test_a_broken_file_is_named_and_left_in_place(self, path):
        made_up_study(path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(StudyError, match=r"study\.h5: .*Put a whole copy") as error:
            open_study(path)
        # A broken input would be moved aside by the job; this one may be the only copy.
        assert type(error.value) is StudyError
        assert path.exists()

    def test_another_file_is_no_study(self, path):
        write_hdf5(path, {}, {"content": "search", "config": {}})
        with pytest.raises(StudyError, match="not a study file"):
            open_study(path)


class TestRace:
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


class TestADamagedStudyFile:
    def message(self, path):
        with pytest.raises(StudyError) as caught:
            open_study(path)
        return str(caught.value)

    def test_one_that_stands_alone_is_to_be_kept(self, path):
        made_up_study(path)
        path.write_bytes(path.read_bytes()[:-1])
        said = self.message(path)
        assert said.startswith(f"{path}: ")
        assert "keep this one until you have another" in said
        assert not any(word in said for word in ("delete", "remove", "mv "))

    def test_one_beside_its_results_can_be_gathered_anew(self, path):
        made_up_study(path)
        path.write_bytes(path.read_bytes()[:-1])
        (path.parent / "trial_0").mkdir()
        assert f"mv {path} {path}.broken" in self.message(path)

    def test_a_missing_one_is_to_be_made(self, path):
        assert "the file is missing. Put a copy of it there, or make the study" in self.message(
            path
        )
