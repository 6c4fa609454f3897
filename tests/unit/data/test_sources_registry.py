"""The registry of data sets, and its documentation."""

import re
from pathlib import Path

import pytest

from ewc_lambda.data.sources import DATASETS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "datasets.md"


@pytest.mark.parametrize("name", list(DATASETS))
def test_every_data_set_is_documented(name):
    text = PAGE.read_text(encoding="utf-8")
    # Data sets of the same files share a section.
    section = re.split(rf"^## (?:.*, )?{name}(?:, .*)?$", text, flags=re.MULTILINE)[1]
    section = section.split("\n## ")[0]
    for file in DATASETS[name].files:
        assert f"`{file.name}`" in section
    for known in (DATASETS[name].classes or ()) + DATASETS[name].features:
        assert known.isdigit() or known in section


def test_registry_names_agree():
    assert all(name == info.name for name, info in DATASETS.items())


def test_published_files_have_a_sha256_and_an_address():
    files = {file for info in DATASETS.values() for file in info.files}
    assert len({file.sha256 for file in files}) == len(files) == 16
    for file in files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.urls
        assert all(url.endswith("/" + file.name) for url in file.urls)
