"""What is tested is tested on the test split: where the samples of a class are all alike, in every
split, losses on it are those of the split on which lambda is chosen.
"""

import in_process
import numpy as np
import pytest

from ewc_lambda.results.study_file import Study


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
