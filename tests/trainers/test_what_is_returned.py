"""What tasks and models of a user's own give back is looked at before it is trained on."""

import numpy as np
import pytest
from torch import nn

from trainers.errors import ModelError, TaskError
from trainers.models import ResNet
from trainers.returned import check_examples, check_returned
from trainers.tasks import Digits, Examples


def examples(ids=3, labels=(0, 1, 2), texts=3):
    return Examples(np.arange(ids), np.array(labels), {"text": ["a"] * texts})


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "Digits.load returned None in place of Examples."),
        ("seven" * 50, r"Digits.load returned 'sevenseven.*\.\.\. in place of Examples."),
        (examples(labels=(0, 1)), "train: 3 ids and 2 labels, 3 text; there must be as many each."),
        (examples(texts=4), "train: 3 ids and 3 labels, 4 text; there must be as many each."),
        (examples(0, (), 0), "Digits.load, train: it holds no example."),
        (examples(labels=(0, 9, 9)), "label 9 of 2 examples stands for none of the 5 classes"),
        (examples(labels=(0, -1, 0)), "label -1 of 1 examples .* labels count from 0 to 4"),
    ],
)
def test_examples_that_no_model_could_learn_from_are_refused(returned, told):
    with pytest.raises(TaskError, match=told):
        check_examples(Digits(), "train", returned)


def test_examples_as_they_should_be_pass():
    check_examples(Digits(), "train", examples())


def test_a_model_that_builds_nothing_is_told_so():
    with pytest.raises(ModelError, match=r"ResNet.build returned None in place of Module."):
        check_returned(ResNet(), "build", None, nn.Module)
