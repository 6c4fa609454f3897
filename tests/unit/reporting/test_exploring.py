"""The page to explore, without a browser; tests/workflow/test_report.py opens it in one."""

import re

import pytest
from made_up_studies import made_up_study
from made_up_sweeps import made_up_sweep

from ewc_lambda import analyse
from ewc_lambda.reporting.answers import answer_study
from ewc_lambda.reporting.exploring import TIPS, explore_page


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.h5"


def page(study):
    return explore_page(study, answer_study(study))


def test_it_is_whole_in_itself_and_the_same_bytes_again(path):
    study = made_up_study(path, trials=2)
    text = page(study)
    assert text == page(study)
    assert not re.findall(r"<(?:script|link)[^>]*(?:src|href)=", text)


def test_a_pointer_names_trial_round_and_replicate(path):
    text = page(made_up_study(path, importance=("fisher", "random")))
    assert {"trial", "round", "replicate", "measure", "accuracy"} <= {name for name, _ in TIPS}
    for _, field in TIPS:
        assert field in text
    for name in ("fisher", "random"):
        assert f'"title":"{name}"' in text


@pytest.mark.parametrize(
    ("case", "plots"),
    [({}, 3), ({"trials": 1}, 3), ({"curves": False}, 2), ({"diverged_above": 1e3}, 3)],
)
def test_there_is_a_plot_for_what_is_known(path, case, plots):
    assert page(made_up_study(path, **case)).count('"name":"Figure"') == plots


def test_a_sweep_has_one_too():
    assert '"name":"Figure"' in page(analyse(made_up_sweep()).study)
