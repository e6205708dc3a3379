"""Every method on every architecture: it learns, repeats itself, and is base where it should be.

Models are tiny, with random weights that were saved and are loaded in the hub's format.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

import trainers.methods
from tests.trainers.hub_places import TWENTY_STEPS
from tests.trainers.teachers import teacher_for
from trainers import metrics
from trainers.errors import MethodError
from trainers.loop import Fit
from trainers.methods import (
    KD,
    L2SP,
    LLRD,
    LS,
    R3F,
    R4F,
    SMART,
    SPD,
    AnnealingKD,
    Base,
    BitFit,
    ConfidencePenalty,
    FreeLB,
    Magnitude,
    Method,
    Mixout,
    Movement,
    NEFTune,
    RDrop,
    Reinit,
    SelfKD,
    SequenceKD,
    TFReg,
    Theseus,
)
from trainers.steps.predicting import predict
from trainers.tasks import Examples

KINDS = ("bert", "roberta", "distilbert", "gpt2", "deberta-v2", "resnet")

#: Each method beside the setting at which it is base; None where it has no such setting.
METHODS: list[tuple[Method, Method | None]] = [
    (LS(), LS(0.0)),
    (TFReg(), TFReg(alpha=0.0)),
    (KD(), KD(alpha=0.0, tau=2.0)),
    (SelfKD(), SelfKD(alpha=0.0)),
    (SequenceKD(), None),  # it is for texts alone
    (ConfidencePenalty(), ConfidencePenalty(beta=0.0)),
    (AnnealingKD(), None),  # it has two phases
    (R3F(), R3F(weight=0.0)),
    (R4F(), None),  # its head is normalised
    (RDrop(), None),  # it sees each example twice
    (SMART(), SMART(alpha=0.0, mu=0.0)),
    (FreeLB(), FreeLB(passes=1)),
    (NEFTune(), NEFTune(alpha=0.0)),
    (Mixout(), Mixout(p=0.0)),
    (LLRD(), LLRD(decay=1.0)),
    (Reinit(), Reinit(layers=0)),
    (L2SP(), L2SP(alpha=0.0)),
    (BitFit(), None),  # it freezes matrices
    (Magnitude(0.5), Magnitude(0.0)),
    (Movement(0.5), Movement(0.0)),
    (Movement(0.5, soft=True) + R3F(), Movement(0.0) + R3F(weight=0.0)),
    (Theseus(0.5), None),  # it has a teacher
    (SPD(0.5), None),
    (SPD(0.5) + R3F() + LLRD(), None),
    (KD() + R3F(), KD(alpha=0.0) + R3F(weight=0.0)),
    (LS() + LLRD() + Mixout(), LS(0.0) + LLRD(1.0) + Mixout(0.0)),
]
#: `make test` has each method on BERT, `make test-all` every third on each of the others.
CASES = [
    pytest.param(
        kind,
        method,
        neutral,
        id=f"{method.name}-{kind}",
        marks=[
            *[pytest.mark.slow] * (kind != "bert"),
            *[pytest.mark.long] * (kind != "bert" and (place + KINDS.index(kind)) % 3 > 0),
        ],
    )
    for place, (method, neutral) in enumerate(METHODS)
    for kind in KINDS
]
#: A residual network has neither dropout nor embeddings.
REFUSED = {("resnet", "r_drop"), ("resnet", "neftune")}
#: Nor has it linear parts in its layers, and those of GPT-2 are of a class of its own.
PRUNING = ("magnitude", "movement", "movement+r3f", "theseus", "spd", "spd+r3f+llrd")
REFUSED |= {(kind, method) for kind in ("resnet", "gpt2") for method in PRUNING}
#: Its attention is not transformers' common one.
REFUSED |= {("deberta-v2", "spd"), ("deberta-v2", "spd+r3f+llrd")}
#: No task here asks for texts.
REFUSED |= {(kind, "sequence_kd") for kind in KINDS}
#: Epochs of those that learn nothing of the labels at first.
EPOCHS = {"annealing_kd": 12}


def own_methods() -> Iterator[type[Method]]:
    """Every method of the package, also one that nothing else imports."""
    for found in pkgutil.walk_packages(trainers.methods.__path__, "trainers.methods."):
        for each in vars(importlib.import_module(found.name)).values():
            if isinstance(each, type) and issubclass(each, Method) and "name" in vars(each):
                yield each


def test_no_method_is_left_out():
    assert {type(method) for method, _ in METHODS} | {Base} >= set(own_methods())


@pytest.fixture(scope="module")
def fit(text, images):
    """Makes runs of five steps an epoch on forty examples."""

    def make(kind: str, method: Method, epochs: int = 4) -> Fit:
        place = images if kind == "resnet" else text
        examples = place.task.load("train", place.folder, 0)
        columns = {name: values[:40] for name, values in examples.inputs.items()}
        few = Examples(examples.ids[:40], examples.labels[:40], columns)
        model = place.model(kind)
        encoded, module = model.encode(few, place.folder, 32), place.build(model)
        training = replace(TWENTY_STEPS, epochs=epochs, lr=5e-3)
        teacher = teacher_for(method, module, encoded)
        return Fit(module, method, encoded, encoded, training, 1, metric="nll", teacher=teacher)

    return make


@pytest.fixture(scope="module")
def base(fit):
    """The weights of an epoch of base, by architecture."""
    return {kind: weights(fit(kind, Base(), epochs=1)) for kind in KINDS}


def weights(one: Fit):
    return one.run(None).model.state_dict()


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def nll(one: Fit) -> float:
    return metrics.score("nll", predict(one.model, one.dev_set, one.training), one.dev_set.labels)


@pytest.mark.parametrize(("kind", "method", "neutral"), CASES)
def test_it_learns_repeats_itself_and_is_base_at_its_neutral_setting(
    fit, base, text, images, kind, method, neutral
):
    place = images if kind == "resnet" else text
    if (kind, method.name) in REFUSED:
        with pytest.raises(
            MethodError,
            match=r"needs (dropout|an embedding layer)|prunes linear layers|gives none away|"
            r"has its teacher write the targets",
        ):
            method.check(place.model(kind), place.task)
        return
    method.check(place.model(kind), place.task)
    epochs = EPOCHS.get(method.name, 4)
    one, finite = fit(kind, method, epochs), []
    for parameter in one.model.parameters():
        parameter.register_post_accumulate_grad_hook(
            lambda p: finite.append(bool(p.grad.isfinite().all()))
        )
    before = nll(one)
    one.model.train()  # as it is when it is built
    trained = one.run(None)
    assert trained.steps == 5 * epochs
    assert nll(one) < before
    assert finite
    assert all(finite)
    assert same(weights(fit(kind, method, epochs)), trained.model.state_dict())
    if neutral is not None:
        assert same(weights(fit(kind, neutral, epochs=1)), base[kind])
