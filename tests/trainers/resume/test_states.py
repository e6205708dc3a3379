"""What a method of a user's own may keep from step to step, and what is said of the rest."""

import random
from collections import Counter, OrderedDict, deque
from copy import deepcopy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from tests.trainers.resume.killed import counting, killed_at, outcome
from trainers.loop import Fit
from trainers.methods import Base, Method
from trainers.resume.checkpoints import Keeper
from trainers.resume.known import Known, Unwritable
from trainers.resume.reading import Read
from trainers.resume.writing import Written
from trainers.settings import Training

TRAINING = Training(
    epochs=2, batch_size=16, lr=5e-3, max_length=32, device="cpu", precision="float32"
)


@pytest.fixture
def made(words):
    """Makes runs of six steps an epoch."""

    def make(method: Method) -> Fit:
        model = words.model.build(words.task, words.folder, 1)
        sets = words.encode("train"), words.encode("dev")
        return Fit(model, method, *sets, TRAINING, 1)

    return make


@dataclass(frozen=True)
class MeanTeacher(Base):
    """Learns from a model of its own that follows, which a hook on the student reads too."""

    name: ClassVar[str] = "mean_teacher"

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        state.teacher = deepcopy(model).eval()
        shift = state.shift = {"by": torch.zeros(())}
        state.handle = model.classifier.register_forward_hook(lambda *a: a[2] + shift["by"])

    def penalty(self, step):
        with torch.no_grad():
            target = step.state.teacher(**step.inputs).logits
        return (step.logits - target).square().mean()

    def after_step(self, step):
        step.state.shift["by"] += 0.01
        with torch.no_grad():
            for theirs, ours in zip(
                step.state.teacher.parameters(), step.model.parameters(), strict=True
            ):
                theirs.lerp_(ours, 0.1)


@dataclass(frozen=True)
class Gambler(Base):
    """Draws from everything that there is to draw from, and freezes, counts and remembers."""

    name: ClassVar[str] = "gambler"

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        random.seed(1)
        np.random.seed(2)
        state.generators = [torch.Generator().manual_seed(3), np.random.default_rng(4)]
        state.own = random.Random(5)
        state.last = deque(maxlen=3)
        model.wishes = 0

    def penalty(self, step):
        drawn = random.random() + np.random.random() + float(torch.rand(()))
        drawn += float(torch.rand((), generator=step.state.generators[0]))
        drawn += step.state.generators[1].random() + step.state.own.gauss(0, 1)
        step.state.last.append(float(step.logits.detach().mean()))
        step.model.wishes += 1
        return step.logits.mean() * (drawn + sum(step.state.last) + step.model.wishes)

    def after_step(self, step):
        torch.rand(3)  # the next step's hooks find torch's own generator behind this
        if step.number == 3:
            for parameter in step.model.bert.embeddings.parameters():
                parameter.requires_grad_(False)

    def before_step(self, step):
        step.state.noise = torch.rand(2) + step.state.__dict__.get("noise", 0)


@dataclass(frozen=True)
class HalfFrozen(Base):
    """Leaves weights to no optimiser, whose gradients add up and count in the norm."""

    name: ClassVar[str] = "half_frozen"

    def parameter_groups(self, model, training):
        return [{"params": [*model.classifier.parameters()]}]


@pytest.mark.parametrize("method", [MeanTeacher(), Gambler(), HalfFrozen()], ids=lambda m: m.name)
def test_methods_of_a_users_own_go_on_as_if_nothing_had_been(made, tmp_path, method):
    run = lambda c: outcome(made(method), c)  # noqa: E731
    chances, undisturbed = counting(run)
    chosen = random.Random(method.name).sample(range(1, chances + 1), 6)
    assert killed_at(chosen, tmp_path / "at", run) == undisturbed


@dataclass(frozen=True)
class Keeps(Base):
    """Keeps something of a kind, from its third step on."""

    name: ClassVar[str] = "keeps"
    what: str = ""

    def after_step(self, step):
        if step.number < 2:
            return
        model, state = step.model, step.state
        if self.what == "a module":
            state.ema = deepcopy(model)
        elif self.what == "a function":
            state.rule = lambda: model
        elif self.what == "a weight":
            state.old = model.classifier.weight.detach()
        elif self.what == "a graph":
            state.before = step.logits
        elif self.what == "a hook" and step.number == 2:
            model.register_forward_hook(lambda *_: None)
        elif self.what == "another weight" and step.number == 2:
            model.classifier.bias = nn.Parameter(model.classifier.bias.detach().clone())


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a module", "state.ema is a BertForSequenceClassification, which cannot be written down"),
        ("a function", "state.rule is a function, which cannot be written down"),
        ("a weight", "state.old shares its memory with something else; keep a clone()"),
        ("a graph", "state.before hangs on the graph of a step; keep it detached"),
        ("a hook", "a step changed the hooks of model; let prepare() do that"),
        ("another weight", "a step exchanged weights of model"),
    ],
)
def test_what_cannot_be_written_is_said_once_and_trained_all_the_same(made, what, said):
    told: list[str] = []
    undisturbed = counting(lambda c: outcome(made(Keeps(what=what)), c))[1]
    written = Keeper(lambda _: None, every=0.0, asked=lambda: True, say=told.append)
    assert outcome(made(Keeps(what=what)), written) == undisturbed
    assert told == [f"{said}: the run begins anew if it is interrupted."]
    assert not written.is_worth_it


def through(state: SimpleNamespace, prepared: SimpleNamespace | None = None) -> SimpleNamespace:
    """A state written down and read again into a prepared one."""
    model, there = nn.Linear(2, 2), prepared or SimpleNamespace()
    written = Written(Known(model, SimpleNamespace()))
    form = written.form(state, "state")
    kept = {name: tensor.clone() for name, tensor in written.tensors.items()}
    Read(Known(model, there), kept).value(form, there)
    return there


def test_values_are_read_as_they_were():
    itself: list[object] = [1]
    itself.append(itself)
    shared = torch.arange(3)
    state = SimpleNamespace(
        numbers=[1, 2**70, 0.1, float("inf"), True, None, np.float32(0.1), np.int8(-3)],
        texts={"a": "ä", 3: b"".hex(), (1, "b"): ("c", frozenset({1})), None: {1, 2}},
        kinds=[OrderedDict(b=1, a=2), Counter("aab"), deque([1, 2], 2), torch.Size([2, 3])],
        arrays=[np.asfortranarray(np.eye(3)[:, :2]), np.array(3), np.zeros((0, 2), np.uint16)],
        tensors=[shared, shared, torch.ones(2, 3).T, torch.tensor(1.5, dtype=torch.bfloat16)],
        itself=itself,
        learned=nn.Parameter(torch.zeros(2)),
    )
    found = through(state)
    assert found.numbers == state.numbers
    assert [type(n) for n in found.numbers] == [type(n) for n in state.numbers]
    assert found.texts == state.texts
    assert found.kinds == state.kinds
    assert [type(k) for k in found.kinds] == [type(k) for k in state.kinds]
    for a, b in zip(found.arrays, state.arrays, strict=True):
        assert (a.dtype, a.strides) == (b.dtype, b.strides)
        assert np.array_equal(a, b)
    assert found.tensors[0] is found.tensors[1]
    for a, b in zip(found.tensors, state.tensors, strict=True):
        assert (a.dtype, a.stride()) == (b.dtype, b.stride())
        assert torch.equal(a, b)
    assert found.itself[1] is found.itself
    assert isinstance(found.learned, nn.Parameter)


def test_what_was_prepared_is_filled_and_what_is_shared_there_is_not_mixed_up():
    one = torch.zeros(2)
    prepared = SimpleNamespace(a=one, b=one, c={"d": torch.zeros(3)}, gone=1)
    inner = prepared.c["d"]
    state = SimpleNamespace(a=torch.ones(2), b=2 * torch.ones(2), c={"d": torch.ones(3)})
    found = through(state, prepared)
    assert found.a is one
    assert found.a.tolist() == [1, 1]
    assert found.b.tolist() == [2, 2]
    assert found.c["d"] is inner
    assert inner.tolist() == [1, 1, 1]
    assert not hasattr(found, "gone")


@pytest.mark.parametrize(
    "value", [1j, object(), np.array(["a"]), torch.eye(2).to_sparse(), range(3), Base(), int]
)
def test_what_has_no_form_is_refused(value):
    with pytest.raises(Unwritable, match=r"state\.it\[0\] is "):
        through(SimpleNamespace(it=[value]))


def test_views_of_one_memory_are_refused():
    whole = torch.arange(4)
    with pytest.raises(Unwritable, match=r"state\.b shares its memory"):
        through(SimpleNamespace(a=whole, b=whole[:2]))
    rows = np.eye(2)
    with pytest.raises(Unwritable, match=r"state\.b shares its memory"):
        through(SimpleNamespace(a=rows, b=rows[0]))
