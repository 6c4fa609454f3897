"""A study whose ranges a scout finds: what is made anew, and that it verifies."""

from pathlib import Path

import pytest
from in_process import files_of, run

from ewc_lambda.results.progress import progress_lines
from ewc_lambda.store.records import read_json
from ewc_lambda.upkeep.integrity import Integrity

AUTO = {"low_range": "auto", "high_range": "auto", "max_rounds": 1, "replace": True}


@pytest.mark.parametrize("randomness", ["common", "independent"])
def test_a_scout_is_made_anew_with_what_it_was_made_from(tmp_path, randomness):
    auto = AUTO | {"randomness": randomness}
    files = files_of(tmp_path, auto)
    assert progress_lines(files)[0] == "trial 0, fisher: not begun"
    made = [product.kind for product in run(files)]
    assert made.count("scout") == 1
    grid = read_json(files.product("grid", trial=0, importance="fisher", round=0).record)
    scout = files.scout("fisher")
    low, high = grid["bracket"]
    assert scout["low_range"][0] <= low <= scout["low_range"][1]
    assert scout["high_range"][0] <= high <= scout["high_range"][1]

    more = {(p.kind, p.place.get("trial")) for p in run(files_of(tmp_path, auto | {"trials": 2}))}
    assert ("step", 1) in more
    assert not more & {("scout", 0), ("step", 0), ("base_model", 0)}

    other = files_of(tmp_path, auto | {"trials": 2, "epochs": 2})
    again = [product.kind for product in run(other)]
    assert again.count("scout") == 1
    assert run(other) == []
    found = Integrity(Path(other.folder).parent, other.config)
    found.check()
    assert found.findings == []
