"""A study as a Workflow Run RO-Crate, read back by the library that others read it with."""

import hashlib
import zipfile

import pytest
from made_up_studies import made_up_study
from rocrate.rocrate import ROCrate

from ewc_lambda.command.main import main
from ewc_lambda.errors import StudyError
from ewc_lambda.upkeep import crate as module
from ewc_lambda.upkeep.crate import PROFILES, pack_crate


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/made_up"
    (folder / "tables").mkdir(parents=True)
    made_up_study(folder / "study.h5")
    (folder / "tables/trials.csv").write_text("a\n1\n")
    return folder / "study.h5"


@pytest.fixture
def unpacked(study, tmp_path):
    assert main(["pack", str(study), "--ro-crate"]) == 0
    with zipfile.ZipFile("made_up.crate.zip") as packed:
        names = packed.namelist()
        packed.extractall(tmp_path / "crate")
    assert len(names) == len(set(names))
    return ROCrate(tmp_path / "crate"), tmp_path / "crate"


def test_it_names_its_profiles_licence_and_authors(unpacked):
    crate, _ = unpacked
    root = crate.root_dataset
    assert set(PROFILES) <= {each.id for each in root["conformsTo"]}
    assert root["license"].id == "https://spdx.org/licenses/MIT"
    assert [author["name"] for author in root["author"]] == ["The ewc-lambda authors"]


def test_the_run_takes_the_config_and_gives_the_results(unpacked):
    crate, _ = unpacked
    (action,) = [e for e in crate.contextual_entities if e.type == "CreateAction"]
    assert action["instrument"].id == crate.mainEntity.id == "workflow/Snakefile"
    assert "config.yaml" in {each.id for each in action["object"]}
    assert {each.id for each in action["result"]} == {"study.h5", "tables/trials.csv"}
    assert action["endTime"]
    assert action["agent"]


def test_every_file_is_the_one_of_its_digest(unpacked):
    crate, folder = unpacked
    digests = {e.id: e["sha256"] for e in crate.data_entities if e.get("sha256")}
    assert {"study.h5", "config.yaml", "Snakefile", "config/config.yaml"} <= set(digests)
    for name, digest in digests.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    assert (folder / "workflow/scripts/ewc_lambda/inference/best_lambda.py").is_file()
    assert not list(folder.rglob("__pycache__"))


def test_inputs_are_named_by_the_digests_that_the_record_of_the_data_has(study, monkeypatch):
    (study.parent / "data.h5").touch()
    digest = "a" * 64
    monkeypatch.setattr(module, "read_attributes", lambda path: {"sources": {"mine.npz": digest}})
    pack_crate(study, "one.zip")
    given = ROCrate("one.zip").get(f"#sha256-{digest}")
    assert (given["name"], given["sha256"]) == ("mine.npz", digest)


def test_without_the_workflow_beside_the_library_it_says_so(study, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SCRIPTS", tmp_path / "workflow/scripts")
    with pytest.raises(StudyError, match="the workflow is not beside the library"):
        pack_crate(study, "one.zip")
