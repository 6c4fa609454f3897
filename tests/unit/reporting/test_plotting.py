"""Figures: what is taken out of a study is known, and what is drawn is drawn the same again."""

import numpy as np
import pytest
from commands import ewc_lambda
from made_up_studies import EPOCHS, made_up_study

from ewc_lambda.errors import StudyError
from ewc_lambda.reporting.plotting import (
    FIGURES,
    bracket,
    curves,
    draw_figure,
    importance,
    measure_over_lambda,
    paired_differences,
    regret,
    style,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


class TestMeasureOverLambda:
    def test_curve_is_mean_and_standard_error_at_rising_lambdas(self, path):
        study = made_up_study(path, trials=1, replicates=3, spread=0, rounds=2)
        curve = measure_over_lambda.extract(study).panels[0].curves[0]
        assert (np.diff(curve.lambdas) > 0).all()
        np.testing.assert_allclose(curve.means, 10 + 0.5 * (np.log10(curve.lambdas) - 3) ** 2)
        # Offsets -0.2, 0, 0.2 over three replicates.
        np.testing.assert_allclose(curve.errors, 0.2 / np.sqrt(3))
        assert (curve.finetuning, curve.joint) == pytest.approx((15, 9))
        assert curve.at_best == pytest.approx(10, abs=0.01)

    def test_steps_that_lost_a_race_are_placed_by_what_they_share(self, path, tmp_path):
        # Offsets of the replicates, from -0.2 to 0.2, are negative in the three that are left.
        whole = made_up_study(tmp_path / "whole.h5", trials=1, spread=0, rounds=1)
        raced = made_up_study(path, trials=1, spread=0, rounds=1, raced=3)
        one, other = (
            measure_over_lambda.extract(study).panels[0].curves[0] for study in (whole, raced)
        )
        np.testing.assert_allclose(other.means, one.means)
        assert set(np.round(other.errors / one.errors, 3)) == {1.0, 0.756}
        data = measure_over_lambda.extract(raced)
        assert data.replicates == (3, 6)
        title = measure_over_lambda.draw(data).legends[0].get_title().get_text()
        assert title == "mean ± standard error over 3 to 6 replicates"

    def test_diverged_steps_are_apart(self, path):
        study = made_up_study(path, trials=1, diverged_above=1e5, rounds=1)
        curve = measure_over_lambda.extract(study).panels[0].curves[0]
        assert curve.lambdas.max() <= 1e5 < curve.diverged.min()
        assert len(curve.lambdas) + len(curve.diverged) == 9

    def test_one_replicate_has_no_errors(self, path):
        curve = measure_over_lambda.extract(made_up_study(path, replicates=1)).panels[0].curves[0]
        assert np.isnan(curve.errors).all()

    def test_mean_over_trials_is_the_mean_where_all_overlap(self, path):
        study = made_up_study(
            path, trials=7, spread=0, centres=np.linspace(2, 4, 7), steps=40, rounds=1
        )
        panel = measure_over_lambda.extract(study).panels[0]
        lambdas, means, errors = measure_over_lambda.mean_over_trials(panel.curves, log=True)
        x, centres = np.log10(lambdas), np.linspace(2, 4, 7)
        np.testing.assert_allclose(x[[0, -1]], [0, 6], atol=1e-9)
        values = 10 + 0.5 * (x - centres[:, None]) ** 2
        np.testing.assert_allclose(means, values.mean(axis=0), atol=0.005)
        np.testing.assert_allclose(errors, values.std(axis=0, ddof=1) / np.sqrt(7), atol=0.005)

    def test_no_star_without_a_resolved_minimum(self, path):
        star, circle = (style.optimum_look(said, "white")["marker"] for said in (True, False))
        assert (star, circle) == ("*", "o")
        flat = made_up_study(path, curve=lambda x, c: 10 + 0 * x * c, noise=0.3)
        assert star not in markers(measure_over_lambda, flat)
        assert star not in markers(importance, flat)
        clear = made_up_study(path, spread=0.01, noise=0.01)
        assert star in markers(measure_over_lambda, clear)
        assert star in markers(importance, clear)


def markers(module, study):
    with style.style():
        figure = module.draw(module.extract(study))
    return {line.get_marker() for axes in figure.axes for line in axes.lines}


class TestBracket:
    def test_brackets_narrow_to_the_neighbours_of_the_optimum(self, path):
        data = bracket.extract(made_up_study(path, trials=2, steps=7, spread=0))
        first, second = data.panels["fisher"][:2]
        assert (first.trial, first.round, second.round) == (0, 0, 1)
        assert first.bracket == (1.0, 1e6)
        assert first.optimum == pytest.approx(1e3)
        assert second.bracket == pytest.approx((1e2, 1e4))

    def test_a_round_that_diverged_has_no_optimum(self, path):
        data = bracket.extract(made_up_study(path, diverged_above=0))
        assert np.isnan(data.panels["fisher"][0].optimum)
        assert data.panels["fisher"][0].diverged.all()


class TestCurves:
    def test_columns_are_those_of_zero_best_and_largest(self, path):
        study = made_up_study(path, trials=2, replicates=3, tasks=2, spread=0, steps=7)
        data = curves.extract(study)
        zero, best, largest = data.blocks["fisher"]
        assert zero.lambdas == (0, 0)
        np.testing.assert_allclose(best.lambdas, 1e3, rtol=1e-9)
        np.testing.assert_allclose(largest.lambdas, 1e6)
        assert best.loss.shape == (6, 2 * EPOCHS + 1, 2)
        np.testing.assert_array_equal(data.epochs, np.arange(2 * EPOCHS + 1))
        assert data.boundaries == (EPOCHS,)
        np.testing.assert_allclose(best.accuracy[:, -1], [[0.8, 0.9]] * 6)

    def test_largest_lambda_is_one_that_did_not_diverge(self, path):
        data = curves.extract(made_up_study(path, diverged_above=1e4, rounds=1, steps=7))
        np.testing.assert_allclose(data.blocks["fisher"][2].lambdas, 1e4)

    def test_titles_say_the_lambda_or_its_range(self):
        empty = np.empty((0, 0, 0))
        assert curves.column_title(curves.Column("λ = 0", (0, 0), empty, empty)) == "λ = 0"
        one = curves.Column("best λ", (250.0,), empty, empty)
        assert curves.column_title(one) == "best λ = 250"
        several = curves.Column("best λ", (250.0, 12345.0), empty, empty)
        assert curves.column_title(several) == f"best λ: 250 to 1.23{style.TIMES}10⁴"


class TestImportance:
    def test_rows_are_differences_to_the_best(self, path):
        study = made_up_study(
            path, importance=("random", "fisher"), heights={"random": 2.0}, spread=0.1
        )
        data = importance.extract(study)
        best, worse = data.rows
        assert (best.importance, best.difference, best.ranks) == ("fisher", 0, (1, 1))
        assert worse.difference == pytest.approx(2)
        assert worse.low <= 2 <= worse.high
        assert (best.tied, worse.tied) == (True, False)
        assert data.searched == (1, 1e6)

    def test_one_measure_is_one_row_that_says_so(self, path):
        data = importance.extract(made_up_study(path))
        assert len(data.rows) == 1
        assert data.reason == "one importance measure only"

    def test_one_trial_has_its_own_interval_of_best_lambda(self, path):
        row = importance.extract(made_up_study(path, trials=1)).rows[0]
        assert row.best_low < 1e3 < row.best_high
        assert (row.open_low, row.open_high) == (False, False)


class TestPairedDifferences:
    def studies(self, tmp_path, **case):
        quiet = made_up_study(tmp_path / "c.h5", noise=0.05, rounds=1, **case)
        noisy = made_up_study(
            tmp_path / "i.h5", noise=0.5, rounds=1, randomness="independent", **case
        )
        return quiet, noisy

    def test_ratio_of_variances_is_near_that_of_the_noise(self, tmp_path):
        noise = paired_differences.extract(*self.studies(tmp_path, replicates=16, spread=0))
        # Twice the variance of the noise, 0.5² / 0.05² = 100.
        assert noise.ratio.low < 100 < noise.ratio.high
        assert noise.ratio.n == 3
        assert "any two λ: 100 times" in paired_differences.ratio_text(noise)

    def test_too_few_replicates_have_no_ratio(self, tmp_path):
        noise = paired_differences.extract(*self.studies(tmp_path, replicates=2))
        assert np.isnan(noise.ratio.estimate)
        assert "3 in each randomness mode" in paired_differences.ratio_text(noise)

    def test_studies_the_wrong_way_round_are_refused(self, tmp_path):
        quiet, noisy = self.studies(tmp_path)
        with pytest.raises(StudyError, match="its randomness is independent, not common"):
            paired_differences.extract(noisy, quiet)

    def test_other_grids_are_refused(self, tmp_path):
        quiet, _ = self.studies(tmp_path)
        other = made_up_study(tmp_path / "o.h5", steps=5, randomness="independent")
        with pytest.raises(StudyError, match="grids"):
            paired_differences.extract(quiet, other)

    def test_command_line_draws_and_says_what_is_wrong(self, tmp_path):
        self.studies(tmp_path, trials=2)
        files = [str(tmp_path / "c.h5"), str(tmp_path / "i.h5")]
        done = ewc_lambda("noise", *files, "--output", str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "paired_differences.png").exists()
        assert (tmp_path / "paired_differences.svg").exists()
        done = ewc_lambda("noise", *files[::-1])
        assert done.returncode != 0
        assert "randomness" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_drawn_again_is_the_same_bytes(path, name):
    study = made_up_study(path, trials=2)
    files = [[path.with_name(f"{n}.{kind}") for kind in ("png", "svg")] for n in "ab"]
    for pair in files:
        draw_figure(name, study, pair)
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert b"2026" not in first.read_bytes() or first.suffix == ".png"


def test_the_users_own_settings_change_nothing(path):
    import matplotlib

    study = made_up_study(path, trials=1)
    draw_figure("bracket", study, [path.with_name("a.png")])
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "savefig.dpi": 50}):
        draw_figure("bracket", study, [path.with_name("b.png")])
        assert matplotlib.rcParams["font.size"] == 20
    assert path.with_name("a.png").read_bytes() == path.with_name("b.png").read_bytes()


def test_an_unknown_figure_names_those_there_are(path):
    with pytest.raises(StudyError, match="Figures are measure_over_lambda"):
        draw_figure("pie", made_up_study(path), [])


class TestRegret:
    def test_it_is_the_mean_over_trials_against_their_own_best(self, path):
        study = made_up_study(path, trials=2, centres=[2.5, 3.5], spread=0)
        data = regret.extract(study)
        (panel,) = data.panels
        at = np.log10(panel.curve.lambdas)
        expected = 0.5 * ((at - 2.5) ** 2 + (at - 3.5) ** 2) / 2 / 10
        np.testing.assert_allclose(panel.curve.mean, expected, atol=2e-3)
        (axes,) = regret.draw(data).axes
        assert axes.get_ylabel() == "above the own best (%)"

    def test_panels_share_their_axis_and_leave_out_what_has_no_curve(self, path):
        study = made_up_study(path, importance=("fisher", "random"), noise=0.05)
        axes = regret.draw(regret.extract(study)).axes
        assert [a.get_title() for a in axes] == ["fisher", "random"]
        assert axes[0].get_ylim() == axes[1].get_ylim()

    def test_without_curves_it_says_why(self, path):
        figure = regret.draw(regret.extract(made_up_study(path, diverged_above=0)))
        assert "fewer than 3 usable lambdas" in figure.texts[0].get_text()
