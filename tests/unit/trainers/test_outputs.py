"""The losses that a command writes, in the forms that it may write them in."""

import numpy as np
import pytest

from ewc_lambda.errors import StudyError
from ewc_lambda.trainers.outputs import read_losses

LOSSES, ACCURACIES = [[1.0, 2.0], [0.5, 1e-3]], [[0.1, 0.2], [0.3, 0.4]]


def read(tmp_path, text):
    (tmp_path / "output").write_text(text)
    return read_losses(tmp_path / "output", "trainer_command: mine")


@pytest.mark.parametrize(
    "text",
    [
        "[[1, 2], [0.5, 1e-3]]",
        '{"losses": [[1, 2], [0.5, 0.001]], "accuracies": null, "more": 3}',
        "1,2\n0.5,1e-3\n",
        "first, second\n1,2\n0.5,1e-3\n\n",
    ],
)
def test_losses_alone(tmp_path, text):
    found = read(tmp_path, text)
    assert list(found) == ["losses"]
    assert found["losses"].tolist() == LOSSES


@pytest.mark.parametrize(
    "text",
    [
        '{"losses": [[1, 2], [0.5, 0.001]], "accuracies": [[0.1, 0.2], [0.3, 0.4]]}',
        "a,b,accuracy a,Accuracy b\n1,2,.1,.2\n.5,1e-3,.3,.4\n",
        "loss a,accuracy a,loss b,accuracy b\n1,.1,2,.2\n.5,.3,1e-3,.4\n",
    ],
)
def test_losses_and_accuracies(tmp_path, text):
    found = read(tmp_path, text)
    assert found["losses"].tolist() == LOSSES
    assert found["accuracies"].tolist() == ACCURACIES


def test_what_is_not_finite_is_kept(tmp_path):
    for text in ("nan,inf\n", "[[NaN, Infinity]]"):
        (losses,) = read(tmp_path, text)["losses"]
        assert np.isnan(losses[0])
        assert np.isinf(losses[1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("a,b\n1,2\n3\n", "inhomogeneous"),
        ("a\n1,2\n", "1 names, 2 columns"),
        ("1,2\n3,four\n", "could not convert string to float: 'four'"),
        ('{"loss": 1}', "no losses in it"),
        ('[["a"]]', "could not convert string to float"),
        ("[[1, 2]", "Expecting"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, text, said):
    with pytest.raises(StudyError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith("trainer_command: mine: what it wrote to {output} cannot be")
    assert said in str(error.value)


def test_no_text_and_no_file_are_said(tmp_path):
    (tmp_path / "output").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match="is no text"):
        read_losses(tmp_path / "output", "trainer_command: mine")
    with pytest.raises(StudyError, match="wrote nothing to the path that stood for"):
        read_losses(tmp_path / "absent", "trainer_command: mine")
