"""What a trainer may return, and the curves of a whole run that are made of it."""

import numpy as np
import pytest

from ewc_lambda.errors import StudyError
from ewc_lambda.trainers.curves import Shape, differing

# Three tasks of two evaluations each.
SHAPE = Shape(3, 1, 2, "trainer: mine.py")


def rows(count, tasks=3, value=1.0):
    return np.full((count, tasks), value)


@pytest.mark.parametrize("base", [0, 1])
def test_a_run_of_all_tasks(base):
    returned = {"losses": np.arange(3.0 * (6 + base)).reshape(-1, 3)}
    nothing = SHAPE.first({})
    loss, accuracy = SHAPE.whole(nothing, returned, "train")
    assert loss.shape == accuracy.shape == (7, 3) == (len(SHAPE.epoch), 3)
    assert np.isnan(accuracy).all()
    assert np.array_equal(loss[1 - base :], returned["losses"])
    assert np.isnan(loss[0]).all() == (base == 0)


@pytest.mark.parametrize("base", [0, 1])
def test_a_run_that_goes_on_from_the_first_task(base):
    first = SHAPE.first({"losses": rows(2 + base), "accuracies": rows(2 + base, value=0.5)})
    assert len(first[0]) == 3
    loss, accuracy = SHAPE.whole(first, {"losses": rows(4, value=2.0)}, "train")
    assert loss.shape == (7, 3)
    assert loss[1:, 0].tolist() == [1, 1, 2, 2, 2, 2]
    assert accuracy[1:3, 0].tolist() == [0.5, 0.5]
    assert np.isnan(accuracy[3:]).all()


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ({"losses": rows(5)}, "train returned losses of shape (5, 3); with epochs 1 and evaluatio"),
        ({"losses": rows(5)}, "those of all tasks are (6, 3): evaluations, tasks, or one row more"),
        ({"losses": rows(6, 2)}, "losses of shape (6, 2)"),
        ({"losses": np.ones(6)}, "losses of shape (6,)"),
        ({"losses": rows(6), "accuracies": rows(7)}, "accuracies of shape (7, 3) beside losses of"),
        ({"losses": rows(6), "accuracies": rows(6, value=97.5)}, "an accuracy of 97.5; they are"),
    ],
)
def test_what_has_another_shape_is_refused(returned, said):
    with pytest.raises(StudyError) as error:
        SHAPE.whole(SHAPE.first({}), returned, "train")
    assert str(error.value).startswith("trainer: mine.py: train returned ")
    assert said in str(error.value)


def test_each_part_is_asked_for_in_its_own_words():
    with pytest.raises(StudyError, match=r"start returned .* those of the first task are \(2, 3\)"):
        SHAPE.first({"losses": rows(4)})
    first = SHAPE.first({"losses": rows(2)})
    said = r"those of the tasks after the first, whose losses start returned are \(4, 3\)"
    with pytest.raises(StudyError, match=said):
        SHAPE.whole(first, {"losses": rows(6)}, "joint")


def test_losses_that_are_not_finite_are_no_fault():
    loss, _ = SHAPE.whole(SHAPE.first({}), {"losses": rows(6, value=np.nan)}, "train")
    assert np.isnan(loss).all()


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"a": np.array([1.0, np.nan]), "b": np.array(1)}, None),
        ({"a": np.array([1.0 + 1e-15, np.nan]), "b": np.array(1)}, "a"),
        ({"a": np.array([1.0, np.nan]), "b": np.array(1.0)}, "b"),
        ({"a": np.array([1.0, np.nan])}, "b"),
        ({"a": np.array([[1.0, np.nan]]), "b": np.array(1)}, "a"),
    ],
)
def test_arrays_differ_by_a_bit(other, name):
    assert differing({"a": np.array([1.0, np.nan]), "b": np.array(1)}, other) == name
