"""What is read off a learning curve."""

import pytest

from analyses.common.learning_curves import accuracy, early_stop


def moment(epoch, dev, **tests):
    rates = {"dev": {"n": 5, "correct": dev}, "testing": {"n": 99, "correct": 0.0}}
    return {"epoch": epoch, "rates": rates | {name.replace("_", " "): value for name, value in tests.items()}}


def test_the_first_of_the_best_moments_after_the_start():
    curve = [moment(0, 0.9), moment(1, 0.5), moment(2, 0.7), moment(3, 0.7)]
    assert early_stop(curve)["epoch"] == 2


def test_accuracy_is_over_all_facts_of_a_split_and_of_no_other():
    found = moment(1, 0.5, test_Known={"n": 30, "correct": 1.0}, test_Unknown={"n": 10, "correct": 0.2},
                   other_Known={"n": 4, "correct": 0.25})  # fmt: skip
    assert accuracy(found, "test") == pytest.approx(32 / 40)
    assert accuracy(found, "other") == 0.25
