"""The page of findings says what the committed study files say."""

from pathlib import Path

import pytest

from ewc_lambda.findings import findings
from ewc_lambda.records import check_seal

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results/reference"
STUDIES = sorted(REFERENCE.glob("*/study.h5"))


def test_every_number_is_that_of_the_study_files():
    assert (ROOT / "docs/findings.md").read_text() == findings(REFERENCE), "run: make findings"


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.parent.name)
def test_a_committed_study_is_whole_and_small(path):
    check_seal(path)
    assert path.stat().st_size < 2_000_000
