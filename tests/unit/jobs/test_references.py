"""The reference lines that a study asks for."""

import in_process
import pytest

from ewc_lambda.reporting.answers import answer_study, open_study


@pytest.mark.parametrize(
    ("references", "unknown"),
    [
        (["finetuning", "joint"], {}),
        (["finetuning"], {"distance": "no reference line joint training"}),
        (["joint"], {"gain": "no reference line lambda = 0"}),
        (
            [],
            {
                "gain": "no reference line lambda = 0",
                "distance": "no reference line joint training",
            },
        ),
    ],
)
def test_a_line_that_is_not_asked_for_is_not_trained_and_not_known(tmp_path, references, unknown):
    files = in_process.files_of(tmp_path, {"references": references, "max_rounds": 1})
    made = in_process.run(files)
    trained = [product.place["reference"] for product in made if product.kind == "reference"]
    assert trained == references
    ((answer,),) = (tuple(answer_study(open_study(files.record("study")))),)
    (trial,) = answer.trials
    for name in ("gain", "distance"):
        assert getattr(trial, name).reason == unknown.get(name, "")


def test_a_line_that_is_asked_for_later_is_trained_alone(tmp_path):
    before = in_process.files_of(tmp_path, {"references": ["finetuning"], "max_rounds": 1})
    in_process.run(before)
    after = in_process.files_of(tmp_path, {"max_rounds": 1})
    assert [product.kind for product in in_process.run(after)] == ["reference", "study"]
    assert [product.kind for product in in_process.run(before)] == ["study"]
