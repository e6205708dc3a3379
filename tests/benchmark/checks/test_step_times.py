"""What is timed before a plan is shown is what its runs will do."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmark.execute.calibration import StepTime
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Docstrings

TRAINING = Training(device="cpu", precision="float32")


def asked(masked: float | None) -> StepTime:
    return StepTime(Bert(layers=2, width=32), Docstrings(vocabulary=512), TRAINING, 4, 16, masked)


def flops(question: StepTime) -> int:
    threads = torch.get_num_threads()
    with FlopCounterMode(display=False) as counter:
        assert question.answer() > 0
    torch.set_num_threads(threads)
    return counter.get_total_flops()


def test_steps_of_pretraining_are_timed_with_what_they_predict():
    few, many = flops(asked(0.1)), flops(asked(0.9))
    assert many > 1.2 * few
    assert few != flops(asked(None))


@pytest.mark.parametrize("other", [0.2, None])
def test_other_shares_are_timed_anew(other):
    assert asked(0.1).place != asked(other).place
