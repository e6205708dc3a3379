"""A run that is killed at ten random steps and goes on has the bits of an undisturbed one."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import pytest

from tests.trainers.methods.test_every_method import METHODS, REFUSED
from tests.trainers.resume.killed import counting, killed_at, outcome
from tests.trainers.teachers import teacher_for
from trainers.inputs.augmentation import Augmentation
from trainers.loop import Fit
from trainers.masked_language_modelling import pretrain
from trainers.methods import Base, Method
from trainers.pretraining import MaskedLanguageModelling
from trainers.resume.checkpoints import Keeper
from trainers.schedules import StepDecay
from trainers.settings import Training
from trainers.tasks import Examples

EVERY = [Base(), *(method for method, _ in METHODS)]
TRAINING = Training(
    epochs=2, batch_size=8, lr=5e-3, max_length=32, device="cpu", precision="float32"
)
#: Ways of training in which a run may be broken off, by name.
WAYS = {
    "in micro-batches": replace(TRAINING, accumulate=3),
    "checkpointing layers": replace(TRAINING, gradient_checkpointing=True),
    "in bfloat16": replace(TRAINING, precision="bf16"),
    "by descent": replace(
        TRAINING, epochs=3, optimiser="sgd", schedule=StepDecay(at=(1,)), clip=None, select="last"
    ),
}


@pytest.fixture(scope="module")
def made(words, text, images):
    """Makes runs of five steps an epoch on forty examples, with dropout where the model has it."""

    def make(kind: str, method: Method, training: Training = TRAINING) -> Fit:
        place = images if kind == "resnet" else text
        examples = place.task.load("train", place.folder, 0)
        columns = {name: values[:40] for name, values in examples.inputs.items()}
        few = Examples(examples.ids[:40], examples.labels[:40], columns)
        model = words.model if kind == "own" else place.model(kind)
        encoded = model.encode(few, place.folder, 32)
        own = kind == "own"
        module = model.build(words.task, words.folder, 1) if own else place.build(model)
        teacher = teacher_for(method, module, encoded)
        return Fit(module, method, encoded, encoded, training, 1, metric="nll", teacher=teacher)

    return make


def hold_to_undisturbed(run: Callable[[Keeper], object], folder, seed: str) -> None:
    """Kill a run at ten of its chances, and compare all that it ends with."""
    chances, undisturbed = counting(run)
    chosen = random.Random(seed).sample(range(1, chances + 1), 10)
    assert killed_at(chosen, folder, run) == undisturbed


@pytest.mark.sampled(test=4, test_all=3)
@pytest.mark.parametrize("method", EVERY, ids=lambda m: m.name)
def test_every_method_goes_on_as_if_nothing_had_been(made, tmp_path, method):
    hold_to_undisturbed(lambda c: outcome(made("own", method), c), tmp_path / "at", method.name)


@pytest.mark.sampled(test_all=5)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "way"),
    [*zip(EVERY, cycle(WAYS), strict=False), *((EVERY[-1], way) for way in WAYS)],
    ids=lambda each: getattr(each, "name", each),
)
def test_it_does_so_however_it_is_trained(made, tmp_path, method, way):
    training = WAYS[way]
    if training.accumulate > 1 and method.whole_batch():
        pytest.skip(f"{method.name} needs the whole batch")
    run = lambda c: outcome(made("bert", method, training), c)  # noqa: E731
    hold_to_undisturbed(run, tmp_path / "at", method.name + way)


@pytest.mark.slow
@pytest.mark.parametrize("method", EVERY[::4], ids=lambda m: m.name)
def test_it_does_so_on_images_and_batch_statistics(made, tmp_path, method):
    if ("resnet", method.name) in REFUSED:
        pytest.skip(f"{method.name} is not for images")
    changed = Augmentation(padding=1, rotation=10.0)
    training = replace(TRAINING, augmentation=changed)
    run = lambda c: outcome(made("resnet", method, training), c)  # noqa: E731
    hold_to_undisturbed(run, tmp_path / "at", method.name)


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [1, 3])
def test_pre_training_goes_on_as_if_nothing_had_been(words, tmp_path, accumulate):
    settings = MaskedLanguageModelling(steps=200, batch_size=8, length=12, lr=3e-3)
    training = replace(TRAINING, accumulate=accumulate)

    def run(checkpoints: Keeper) -> object:
        told: list[object] = []
        what = words.model, settings, words.task, words.folder, training
        done = pretrain(*what, lambda *progress: told.append(progress), checkpoints)
        weights = {name: w.tolist() for name, w in done.model.state_dict().items()}
        return weights, done.loss, done.tokens, told

    hold_to_undisturbed(run, tmp_path / "at", "pre-training")
