"""What a reader of the field looks for first: accuracy and forgetting."""

import re

import numpy as np
import pytest
from made_up_studies import made_up_study

from ewc_lambda import read_study
from ewc_lambda.reporting.answers import answer_study
from ewc_lambda.reporting.ending import ending
from ewc_lambda.reporting.field_lines import field_lines
from ewc_lambda.reporting.field_metrics import metric_rows
from ewc_lambda.reporting.plotting.accuracy_over_lambda import draw, extract
from ewc_lambda.reporting.summary import summary
from ewc_lambda.reporting.tables import make_tables
from ewc_lambda.reporting.tables.columns import MEANINGS
from ewc_lambda.reporting.tables_page import tables_page


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


class TestFigure:
    def test_it_shows_the_made_up_accuracies_in_percent(self, path):
        # Last accuracies are 0.7, 0.8 and 0.9; 0.2 and 0.1 were forgotten.
        data = extract(made_up_study(path, tasks=3, trials=2))
        assert data.names == ("average accuracy (%)", "forgetting (%)")
        for curve in data.panels[0].rows[0]:
            np.testing.assert_allclose(curve.means, 80, rtol=1e-6)
            assert (np.diff(curve.lambdas) > 0).all()
            np.testing.assert_allclose([curve.finetuning, curve.joint], 80, rtol=1e-6)
        np.testing.assert_allclose(data.panels[0].rows[1][0].means, 15, rtol=1e-6)

    def test_accuracy_stands_above_forgetting_and_panels_share_their_axes(self, path):
        study = made_up_study(path, importance=("fisher", "random"), trials=2)
        axes = draw(extract(study)).axes
        assert [each.get_ylabel() for each in axes] == [
            *("average accuracy (%)", "forgetting (%)"),
            *("", ""),
        ]
        assert axes[0].get_ylim() == axes[2].get_ylim()
        assert [each.get_title() for each in axes] == ["fisher", "", "random", ""]

    def test_one_task_has_nothing_to_forget(self, path):
        data = extract(made_up_study(path, tasks=1))
        assert data.names == ("average accuracy (%)",)
        assert len(draw(data).axes) == 1

    def test_a_study_without_accuracies_says_so(self, path):
        figure = draw(extract(made_up_study(path, curves=False)))
        assert "no accuracy is recorded" in figure.texts[0].get_text()

    def test_lambdas_that_diverged_are_left_out(self, path):
        data = extract(made_up_study(path, diverged_above=1e5))
        assert max(curve.lambdas.max() for curve in data.panels[0].rows[0]) <= 1e5


class TestLines:
    def test_both_are_said_with_their_lines_and_split(self, path):
        study = made_up_study(path, tasks=3)
        accuracy, forgotten = field_lines(metric_rows(study), "fisher")
        assert re.search(r"accuracy +80% \(80% to 80%\) at the chosen lambda, 80%", accuracy)
        assert "at lambda = 0" in accuracy
        assert accuracy.endswith("in joint training; test split, 95% intervals")
        assert re.search(r"forgetting +15% ", forgotten)
        assert forgotten.endswith("validation split, 95% intervals")
        for text in (summary(study), "\n".join(ending(study, {"more": "command"}))):
            assert accuracy in text
            assert forgotten in text

    def test_one_trial_has_intervals_over_its_replicates(self, path):
        lines = field_lines(metric_rows(made_up_study(path, tasks=3, trials=1)), "fisher")
        assert "80% (80% to 80%) at the chosen lambda" in lines[0]

    def test_an_untouched_test_split_leaves_the_selection_split(self, path):
        lines = field_lines(metric_rows(made_up_study(path, tested=False)), "fisher")
        assert "validation split" in lines[0]

    @pytest.mark.parametrize(
        ("case", "count"), [({"tasks": 1}, 1), ({"curves": False, "tested": False}, 0)]
    )
    def test_what_is_not_known_has_no_line(self, path, case, count):
        assert len(field_lines(metric_rows(made_up_study(path, **case)), "fisher")) == count

    def test_intervals_end_where_shares_do(self):
        row = {"metric": "average accuracy", "importance": "", "trial": "all", "split": "test"}
        rows = [{**row, "line": "chosen lambda", "mean": 0.99, "low": 0.95, "high": 1.03}]
        (line,) = field_lines([*rows, {**rows[0], "trial": "0"}, {**rows[0], "trial": "1"}], "x")
        assert "99% (95% to 100%)" in line


class TestTables:
    def test_read_study_has_a_value_for_each_replicate(self, path):
        made_up_study(path, tasks=3, raced=3)
        runs = read_study(path)
        np.testing.assert_allclose(runs["accuracy"], 0.8, rtol=1e-6)
        np.testing.assert_allclose(runs["forgetting"], 0.15, rtol=1e-6)

    def test_without_curves_there_are_no_accuracies(self, path):
        made_up_study(path, curves=False)
        assert read_study(path)[["accuracy", "forgetting"]].isna().all(axis=None)

    def test_lambdas_have_accuracies_and_their_errors(self, path):
        study = made_up_study(path, tasks=3)
        found = make_tables(study, answer_study(study))["lambdas"]
        np.testing.assert_allclose(found["accuracy"], 0.8, rtol=1e-6)
        np.testing.assert_allclose(found["accuracy_error"], 0, atol=1e-7)

    def test_every_column_has_a_short_name_and_is_explained(self, path):
        study = made_up_study(path, importance=("fisher", "random"))
        found = make_tables(study, answer_study(study))
        said = found.pop("columns")
        shared = set(said.loc[said["table"] == "several", "column"])
        used = set()
        for name, table in found.items():
            own = set(said.loc[said["table"] == name, "column"])
            # Own or shared, and nothing explained that is not there.
            assert set(table) <= own | shared, name
            assert own <= set(table), name
            used |= set(table)
            assert all(re.fullmatch(r"[a-z0-9_]{1,21}", column) for column in table)
        assert shared <= used
        assert said.groupby("table")["column"].apply(lambda names: names.is_unique).all()

    def test_another_measure_has_its_own_unit(self, path):
        study = made_up_study(path, select_by="final_accuracy")
        said = make_tables(study, answer_study(study))["columns"].set_index(["table", "column"])
        assert "loss x epochs" not in said.loc[("several", "gain"), "meaning"]

    def test_a_table_too_wide_for_a_page_is_turned_round_and_explained(self, path):
        study = made_up_study(path)
        page = tables_page(study.name, study.tasks, make_tables(study, answer_study(study)))
        assert MEANINGS["answer"]["lambda_to_use"] in page
        for head in re.findall(r"<thead>(.*?)</thead>", page, re.DOTALL):
            assert head.count("<th>") <= 16
