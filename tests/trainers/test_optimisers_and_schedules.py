"""What an optimiser and a schedule make of gradients that are known."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from trainers.errors import SettingsError
from trainers.loop import Fit
from trainers.methods import Base
from trainers.models import ResNet
from trainers.schedules import StepDecay, factor_of
from trainers.settings import Training
from trainers.tasks import Digits

#: Three steps an epoch, three epochs, and a step of exactly lr times the gradient.
PLAIN = Training(
    epochs=3,
    batch_size=10,
    lr=0.5,
    warmup=0.0,
    weight_decay=0.0,
    clip=None,
    select="last",
    device="cpu",
    precision="float32",
    optimiser="sgd",
    momentum=0.0,
    schedule="constant",
)
STEPS = 9


@dataclass(frozen=True)
class Pushed(Base):
    """A gradient of one everywhere; it notes how far the weights have gone before each step."""

    name: ClassVar[str] = "pushed"

    def prepare(self, model, state):
        state.start = _weights(model)
        state.moved = []

    def backward(self, step):
        step.state.moved.append(_weights(step.model) - step.state.start)
        for p in step.model.parameters():
            p.grad = torch.ones_like(p)
        return torch.zeros(())


def _weights(model) -> torch.Tensor:
    return torch.cat([p.detach().double().flatten() for p in model.parameters()])


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    task, folder = Digits(digits=(0, 1, 2), train=30, dev=30, test=30), tmp_path_factory.mktemp("d")
    task.prepare(folder)
    model = ResNet((4,))
    sets = [model.encode(task.load(s, folder, 0), folder, 8) for s in ("train", "dev")]
    return lambda: model.build(task, folder, 1), *sets


def pushes(digits, training) -> torch.Tensor:
    """How far each step moved the weights against the gradient, shape (steps,)."""
    build, train, dev = digits
    fit = Fit(build(), Pushed(), train, dev, training, seed=1)
    fit.run(None)
    places = torch.stack([*fit.state.moved, _weights(fit.model) - fit.state.start])
    steps = -(places[1:] - places[:-1])
    assert torch.allclose(steps, steps[:, :1], atol=1e-5)
    return steps[:, 0]


def test_gradient_descent_at_a_constant_rate_moves_by_lr_times_the_gradient(digits):
    assert torch.allclose(pushes(digits, PLAIN), torch.full((STEPS,), 0.5).double(), atol=1e-5)


def test_momentum_adds_up_the_gradients_before(digits):
    moved = pushes(digits, replace(PLAIN, momentum=0.9))
    velocity = [(1 - 0.9 ** (t + 1)) / (1 - 0.9) for t in range(STEPS)]
    assert torch.allclose(moved, 0.5 * torch.tensor(velocity).double(), atol=1e-4)


def test_step_decay_divides_the_rate_when_its_epochs_begin(digits):
    moved = pushes(digits, replace(PLAIN, schedule=StepDecay(at=(1, 2), divide_by=5)))
    assert torch.allclose(moved, 0.5 * torch.tensor([1.0] * 3 + [0.2] * 3 + [0.04] * 3).double())


def test_the_linear_schedule_rises_and_falls_to_zero(digits):
    moved = pushes(digits, replace(PLAIN, schedule="linear", warmup=2 / 9))
    expected = [1 / 2, 1, *((9 - t) / 7 for t in range(2, 9))]
    assert torch.allclose(moved, 0.5 * torch.tensor(expected).double(), atol=1e-5)


def test_a_gradient_is_clipped_unless_nothing_is(digits):
    clipped = pushes(digits, replace(PLAIN, clip=1.0))
    weights = len(_weights(digits[0]()))
    assert torch.allclose(clipped, torch.full((STEPS,), 0.5 / weights**0.5).double(), atol=1e-5)


def test_under_gradient_descent_filters_decay_and_biases_do_not(digits):
    build, train, dev = digits

    @dataclass(frozen=True)
    class Still(Pushed):
        def backward(self, step):
            for p in step.model.parameters():
                p.grad = torch.zeros_like(p)
            return torch.zeros(())

    before = {n: p.detach().clone() for n, p in build().named_parameters()}
    fit = Fit(build(), Still(), train, dev, replace(PLAIN, epochs=1, weight_decay=0.1), seed=1)
    fit.run(None)
    for name, after in fit.model.named_parameters():
        share = (1 - 0.5 * 0.1) ** 3 if after.ndim >= 2 else 1.0
        torch.testing.assert_close(after.detach(), share * before[name])


@pytest.mark.parametrize("schedule", ["linear", "constant", StepDecay((1,), 5)])
def test_every_schedule_rises_alike(schedule):
    factor = factor_of(schedule, warmup=0.2, steps=20, steps_an_epoch=10)
    assert [factor(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


def test_settings_that_are_as_ever_leave_a_run_its_key():
    as_ever = Training().specification()
    assert not {"optimiser", "momentum", "schedule", "augmentation"} & set(as_ever)
    assert not {"accumulate", "gradient_checkpointing"} & set(as_ever)
    assert not Training().savings()
    saving = Training(accumulate=4, gradient_checkpointing=True)
    assert saving.savings() == {"accumulate": 4, "gradient_checkpointing": True}
    assert saving.specification() == as_ever | saving.savings()
    assert Training(momentum=0.5).specification() == as_ever  # AdamW has none
    sgd = Training(optimiser="sgd").specification()
    assert sgd["optimiser"] == "sgd"
    assert sgd != Training(optimiser="sgd", momentum=0.5).specification()
    assert Training(schedule="constant").specification()["schedule"] == "constant"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"clip": 0.0}, "None clips nothing"),
        ({"clip": float("inf")}, "None clips nothing"),
        ({"optimiser": "adam"}, "adamw, sgd"),
        ({"momentum": 1.0}, "momentum"),
        ({"schedule": "cosine"}, "StepDecay"),
        ({"augmentation": "flip"}, "Augmentation"),
        ({"accumulate": 0}, "accumulate must be a whole number of at least 1"),
        ({"accumulate": 2.0}, "accumulate must be a whole number"),
        ({"accumulate": True}, "accumulate must be a whole number"),
        ({"accumulate": 33}, "take at most 32"),
        ({"gradient_checkpointing": 1}, "True or False"),
    ],
)
def test_settings_that_cannot_be_are_refused(fields, message):
    with pytest.raises(SettingsError, match=message):
        Training(**fields)


@pytest.mark.parametrize("at", [(), (2, 1), (0,), (1.5,), (3, 3)])
def test_epochs_of_a_step_decay_are_whole_and_ascend(at):
    with pytest.raises(SettingsError, match="ascending"):
        StepDecay(at=at)
