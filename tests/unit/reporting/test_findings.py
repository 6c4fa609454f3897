"""The page of findings says what the committed study files say."""

import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from ewc_lambda.config.study_config import load
from ewc_lambda.reporting.findings import findings
from ewc_lambda.reporting.gallery import gallery, write_gallery
from ewc_lambda.reporting.plotting import FIGURES
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.front import read_front

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "results/reference"
STUDIES = sorted(REFERENCE.glob("*/study.h5"))


def test_every_number_is_that_of_the_study_files():
    assert (ROOT / "docs/findings.md").read_text() == findings(REFERENCE), "run: make findings"


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.parent.name)
def test_a_committed_study_is_whole_and_small(path):
    read_front(path)
    assert path.stat().st_size < 2_000_000


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.parent.name)
def test_a_committed_study_is_the_one_that_its_command_runs(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    name = path.parent.name
    config = load("config/config.yaml" if name == "digits" else f"config/studies/{name}.yaml")
    stored = Study.read(path).config
    assert stored == {key: config[key] for key in stored}


class TestGallery:
    def test_the_page_is_that_of_the_studies_and_captions(self):
        page = (ROOT / "docs/figures.md").read_text()
        assert page == gallery(REFERENCE, ROOT / "workflow/report"), "run: make findings"

    def test_every_figure_is_shown_as_it_is_drawn_today(self, tmp_path):
        write_gallery(
            REFERENCE, ROOT / "workflow/report", tmp_path / "page.md", tmp_path / "figures"
        )
        shown = re.findall(r"\(figures/(\S+\.png)\)", (ROOT / "docs/figures.md").read_text())
        for figure in FIGURES:
            assert [name for name in shown if name.endswith(f"_{figure}.png")], figure
        assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(shown)
        for name in shown:
            with (
                Image.open(ROOT / "docs/figures" / name) as kept,
                Image.open(tmp_path / "figures" / name) as drawn,
            ):
                assert kept.size == drawn.size, f"{name}. Run: make findings"
                apart = ImageChops.difference(kept.convert("L"), drawn.convert("L"))
                # Another machine may round a line to the next dot.
                assert ImageStat.Stat(apart).mean[0] < 0.5, f"{name}. Run: make findings"
