"""The image runs a study as root and as a plain user, and says what was not mounted."""

import json

import numpy as np

SMALL = "trials=1 hidden=[8] epochs=2 replicates=2 steps=4 max_rounds=1 target_width=null"
STUDY = ["snakemake", "--cores", "2", "--config", "study=small", *SMALL.split()]


def test_a_study_runs_and_its_results_are_in_the_mounted_folder(container):
    said = container(*STUDY)
    assert "are lost" not in said
    study = container.folder / "results/small"
    assert (study / "study.h5").is_file()
    assert list((study / "figures").glob("*.png"))
    base = json.loads((study / "trial_0/base_model.json").read_text())
    assert base["provenance"]["revision"] == "tested"
    assert "small" in container("ewc-lambda", "summary", "small")
    assert "all is well" in container("ewc-lambda", "verify", "small")
    # Another container goes on from what is there.
    assert "Nothing to be done" in container(*STUDY)


def test_results_that_are_not_mounted_are_said_to_be_lost(container):
    said = container("snakemake", "--version", mounted=())
    assert "results: are lost with this container. Keep them: --volume" in said


def test_a_data_folder_that_was_not_mounted_is_named(container):
    own = [*STUDY, "dataset=npz", "npz_file=own.npz", "tasks=[[0,1],[2,3]]"]
    said = container(*own, status=1)
    assert "There is no folder /ewc-lambda/data: make it, or mount yours there" in said
    assert "Traceback" not in said
    (container.folder / "data").mkdir()
    x, y = np.random.default_rng(0).normal(size=(200, 3)), np.tile(np.arange(4), 50)
    np.savez(container.folder / "data/own.npz", x_train=x, y_train=y, x_test=-x, y_test=y)
    container(*own, mounted=("results", "data"))
    assert (container.folder / "results/small/study.h5").is_file()
