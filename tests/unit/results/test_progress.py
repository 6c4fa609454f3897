"""How far a study is, said from its files."""

import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from ewc_lambda.config.study_config import resolve
from ewc_lambda.jobs.progress_log import ProgressLog, in_words
from ewc_lambda.results.decided import Decided
from ewc_lambda.results.files import Files
from ewc_lambda.results.progress import (
    AsWritten,
    SearchState,
    progress_lines,
    read_search,
    rounds_to_come,
    study_work,
)
from ewc_lambda.search.rounds import decide, grid
from ewc_lambda.store.records import write_json

CONFIG = resolve(
    {
        "trials": 1,
        "steps": 4,
        "max_rounds": 4,
        "termination_threshold": 0.5,
        "low_range": [1, 10],
        "high_range": [1e5, 1e6],
        "tasks": [[0, 1], [2, 3]],
    }
)


def files(folder, **config):
    """The files of a study that lies in a folder."""
    return Files({**CONFIG, "study": folder.name, **config}, folder.parent)


def decision(stop):
    return {
        "measures": [3.0, 1.0, None, 2.0],
        "lambdas": [1.0, 10.0, 100.0, 1e3],
        "next_bracket": [1.0, 100.0],
        "stop": stop,
    }


def first_line(folder):
    return progress_lines(files(folder))[0]


def test_a_study_that_was_not_begun(tmp_path):
    assert progress_lines(files(tmp_path)) == [
        "trial 0, fisher: not begun",
        "0 of about 16 lambda steps are done.",
    ]


def test_a_round_under_way_counts_its_steps(tmp_path):
    search = tmp_path / "trial_0/fisher"
    write_json(search / "round_0/decision.json", decision(None))
    (search / "round_1").mkdir()
    (search / "round_1/step_2.h5").touch()
    line = first_line(tmp_path)
    assert "round 1, 1 of 4 steps" in line
    assert "lambda = 10 (measure 1)" in line


def test_what_a_step_is_judged_by_is_called_by_its_name(tmp_path):
    write_json(tmp_path / "trial_0/fisher/round_0/decision.json", decision(None))
    line, _ = progress_lines(files(tmp_path, select_by="final_loss"))
    assert "lambda = 10 (mean loss after the last task 1)" in line


def test_a_finished_search_says_why_it_stopped(tmp_path):
    write_json(tmp_path / "trial_0/fisher/round_0/decision.json", decision("max_rounds"))
    line, study = progress_lines(files(tmp_path))
    assert "finished after 1 round (max_rounds)" in line
    assert study == "4 of about 4 lambda steps are done."


@pytest.mark.parametrize("text", ["", "{}", "no json"])
def test_a_broken_decision_is_named(tmp_path, text):
    path = tmp_path / "trial_0/fisher/round_0/decision.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert str(path) in first_line(tmp_path)


@pytest.mark.parametrize(
    ("width", "steps", "rounds"),
    [
        # 5 decades, 9 steps: 1.25 after a round, 0.31 after two.
        (5.0, 9, 2),
        # 4 steps: 2/3 of it are left each time: 0.8, 0.53, 0.36.
        (1.2, 4, 3),
        (0.6, 4, 1),
        # Never more than max_rounds.
        (1e9, 4, 4),
    ],
)
def test_rounds_follow_from_the_width_of_the_bracket(width, steps, rounds):
    assert rounds_to_come(width, CONFIG | {"steps": steps}) == rounds


@pytest.mark.parametrize("best", [1, 4, 7])
def test_the_expected_rounds_are_those_of_a_search(best):
    """A search whose best step is never at an end needs as many rounds as are expected."""
    lambdas, rounds, found = grid((1.0, 1e5), 9, "log"), 0, None
    while found is None or found.bracket is not None:
        measures = [abs(step - best) for step in range(9)]
        found = decide(
            lambdas,
            measures,
            spacing="log",
            threshold=0.5,
            round_=rounds,
            max_rounds=4,
            expand_at_edge=False,
        )
        rounds += 1
        if found.bracket is not None:
            lambdas = grid(found.bracket, 9, "log")
    assert rounds_to_come(5.0, CONFIG | {"steps": 9}) == rounds


class NothingStands(AsWritten):
    """Files of another study than today's."""

    def __init__(self, files):
        super().__init__(files)
        self.rounds = lambda place: Decided([], ended=False)

    def stand(self, products):
        return not list(products)


def test_what_is_made_anew_is_not_counted(tmp_path):
    write_json(tmp_path / "trial_0/fisher/round_0/decision.json", decision("narrow"))
    (tmp_path / "trial_0/fisher/round_0/step_0.h5").touch()
    found = files(tmp_path)
    assert read_search(found, 0, "fisher").text().startswith("finished")
    state = read_search(found, 0, "fisher", NothingStands(found))
    assert state.text() == "not begun"
    assert study_work(found, {(0, "fisher"): state}, NothingStands(found)).done == 0


class TestWork:
    """In trainings of one task: 4 steps, two tasks, the first one shared."""

    def work(self, folder, state, **config):
        return study_work(files(folder, **config), {(0, "fisher"): state})

    def test_nothing_done(self, tmp_path):
        work = self.work(tmp_path, SearchState(4, 0, 0, 2))
        # Round 0 trains 4 lambdas, round 1 the 2 that are new; lambda = 0 is one task, joint
        # training two, the first task one.
        assert (work.trained, work.expected, work.done, work.left) == (0, 8, 0, 6 + 1 + 2 + 1)

    def test_half_done(self, tmp_path):
        for name in ("first_task.h5", "reference/joint.h5"):
            path = tmp_path / "trial_0" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        work = self.work(tmp_path, SearchState(4, 1, 0, 2))
        assert (work.trained, work.expected) == (4, 8)
        assert work.done == 4 + 1 + 2
        assert work.left == 2 + 1

    def test_independent_randomness_trains_every_task_of_every_step(self, tmp_path):
        work = self.work(tmp_path, SearchState(4, 0, 1, 1), randomness="independent")
        assert (work.done, work.left) == (1 * 2, 3 * 2 + 2 + 3)

    def test_a_finished_study_has_nothing_left(self, tmp_path):
        for name in ("first_task.h5", "reference/joint.h5", "reference/finetuning.h5"):
            path = tmp_path / "trial_0" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        work = self.work(tmp_path, SearchState(4, 2, 0, 2, stop="narrow"))
        assert work.left == 0
        assert work.trained == work.expected


class TestLog:
    """Lines in Snakemake's log, from its events."""

    @pytest.fixture
    def said(self, tmp_path):
        logger = logging.Logger("snakemake")
        lines = []
        shown = logging.Handler()
        shown.emit = lambda record: lines.append(record.getMessage())
        logger.addHandler(shown)
        logger.addHandler(ProgressLog(files(tmp_path), AsWritten(files(tmp_path)), logger))

        def run(job, rule, **wildcards):
            begin = {"event": LogEvent.JOB_INFO, "jobid": job, "rule_name": rule}
            logger.info("begins", extra=begin | {"wildcards": wildcards})
            logger.info("ends", extra={"event": LogEvent.JOB_FINISHED, "job_id": job})
            return [line for line in lines if line not in ("begins", "ends")]

        return run

    def test_a_finished_step_gives_a_line_with_the_time_left(self, tmp_path, said):
        (tmp_path / "trial_0/fisher/round_0").mkdir(parents=True)
        (tmp_path / "trial_0/fisher/round_0/step_0.h5").touch()
        (line,) = said(3, "train_step", trial="0", importance="fisher", round="0", step="0")
        assert line.startswith("Trial 0, fisher: round 0, 1 of 4 steps. Study: 1 of about 16 steps")
        assert line.endswith("of training left.")

    def test_a_decided_round_gives_the_best_lambda(self, tmp_path, said):
        write_json(tmp_path / "trial_0/fisher/round_0/decision.json", decision(None))
        (line,) = said(4, "decide_round", trial="0", importance="fisher", round="0")
        assert "best so far lambda = 10 (measure 1)" in line

    def test_other_jobs_give_none(self, said):
        assert said(5, "prepare_data") == []

    def test_what_is_expected_changes_with_what_is_found(self, tmp_path, said):
        write_json(tmp_path / "trial_0/fisher/round_0/decision.json", decision("narrow"))
        (line,) = said(4, "decide_round", trial="0", importance="fisher", round="0")
        assert "finished after 1 round" in line
        assert "4 of about 4 steps" in line


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (89, "89 s"), (100, "2 min"), (5400, "1.5 h")]
)
def test_durations(seconds, text):
    assert in_words(seconds) == text
