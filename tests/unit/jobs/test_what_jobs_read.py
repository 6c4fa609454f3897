"""Jobs read the samples that they need, and test on the test split: where the samples of a class
are all alike, in every split, losses on it are those of the split on which lambda is chosen.
"""

import in_process
import numpy as np
import pytest

from ewc_lambda.jobs import open_trial
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.contents import Unread


@pytest.mark.parametrize("randomness", ["common", "independent"])
def test_reference_lines_and_chosen_lambdas_are_tested_on_its_samples(tmp_path, randomness):
    centres = np.random.default_rng(1).random((4, 5)).astype(np.float32)
    labels = {"train": np.arange(120) % 4, "test": np.arange(28) % 4}
    arrays = {f"x_{split}": centres[y] for split, y in labels.items()}
    arrays |= {f"y_{split}": y for split, y in labels.items()}
    np.savez(tmp_path / "alike.npz", **arrays)
    given = {"dataset": "npz", "npz_file": "alike.npz", "data_folder": str(tmp_path)}
    files = in_process.files_of(
        tmp_path, {**given, "samples_per_task": None, "epochs": 5, "randomness": randomness}
    )
    in_process.run(files)
    tables = Study.read(files.record("study")).tables
    for kind, rows in (("references", 2), ("tests", 1)):
        of = tables[kind]
        assert of["test_loss"].shape == (rows, 2, 2)
        np.testing.assert_allclose(of["test_loss"], of["loss"][:, :, -1], rtol=1e-5)
        np.testing.assert_array_equal(of["test_accuracy"], of["accuracy"][:, :, -1])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"randomness": "independent"},
        {"selection_split": "test", "importance": ["fisher", "synaptic_intelligence"]},
        {"tasks": [[0, 1], [2, 3], [4, 5]], "task_order": "drawn_classes", "trials": 2},
        {"tasks": [[0, 1], [2, 3], [4, 5]], "task_order": "drawn", "heads": "growing"},
        {"drawn_share": 0.7, "racing": True, "replicates": 4},
        {
            "low_range": "auto",
            "high_range": "auto",
            "first_trials": 1,
            "trials": 3,
            "min_trials": 3,
            "target_width": 3,
        },
    ],
)
def test_a_study_is_the_same_where_jobs_read_all_samples(tmp_path, monkeypatch, config):
    left, read = set(), open_trial.read_prepared

    def some(path, wanted):
        prepared = read(path, wanted)
        for task, splits in enumerate(prepared.splits):
            left.update((task, split) for split in splits if isinstance(splits[split][0], Unread))
        return prepared

    studies = []
    for number, way in enumerate((some, lambda path, _: read(path))):
        monkeypatch.setattr(open_trial, "read_prepared", way)
        files = in_process.files_of(tmp_path / str(number), config)
        in_process.run(files)
        studies.append(Study.read(files.record("study")).tables)
    draws = "drawn_share" in config or "task_order" in config
    assert bool(left) is not draws
    for name, table in studies[0].items():
        for column, values in table.items():
            np.testing.assert_array_equal(values, studies[1][name][column])
