"""What belongs to the head: whatever a run draws anew, for every method and every architecture."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file, save_model

from tests.trainers.test_loop import TRAINING, fit
from trainers.loop import Fit
from trainers.methods import L2SP, LLRD, R4F, Base, BitFit, Mixout, Reinit
from trainers.models import Bert, Checkpoint, HubModel
from trainers.models.anatomy import body_parts, body_weights
from trainers.models.stored.tiny import save_tiny

STUDENT = Bert(layers=2, width=32, heads=2, initializer_range=0.1)


def head(module) -> set[str]:
    """Names of the weights that are head."""
    inside = {id(w) for w in body_weights(module)}
    return {name for name, w in module.named_parameters() if id(w) not in inside}


def without_pooler(folder, place):
    """A copy of a folder whose weights lack the pooler, as after masked words."""
    shutil.copytree(folder, place)
    weights = load_file(place / "model.safetensors")
    kept = {name: w for name, w in weights.items() if "pooler." not in name}
    save_file(kept, place / "model.safetensors", {"format": "pt"})
    return place


@pytest.mark.parametrize(
    ("kind", "outside", "pooler"),
    [
        ("bert", {"classifier"}, {"bert.pooler.dense"}),
        ("albert", {"classifier"}, {"albert.pooler"}),
        ("roberta", {"classifier.dense", "classifier.out_proj"}, set()),
        ("distilbert", {"classifier", "pre_classifier"}, set()),
        ("deberta-v2", {"classifier", "pooler.dense"}, set()),
        ("gpt2", {"score"}, set()),
    ],
)
def test_the_head_is_what_no_checkpoint_gave(words, tmp_path, kind, outside, pooler):
    whole = tmp_path / kind
    whole.mkdir()
    save_tiny(kind, whole, layers=2, side=8, texts=words.task.corpus(words.folder))

    def parts(folder, init="pretrained"):
        hub = HubModel(folder)
        module = hub.build(words.task, words.folder, 1, hub.start(init))
        return {name.rpartition(".")[0] for name in head(module)}

    assert parts(whole) == outside
    assert parts(whole, "scratch") == outside | pooler
    assert parts(without_pooler(whole, tmp_path / "bare")) == outside | pooler


@pytest.mark.parametrize("kind", ["resnet", "vit"])
def test_images_have_the_head_outside_the_body_and_a_stem_made_small(images, kind):
    def names(init, **fields):
        return head(images.build(images.model(kind, **fields), init))

    outside = {"classifier.1.weight", "classifier.1.bias"}
    outside = outside if kind == "resnet" else {"classifier.weight", "classifier.bias"}
    assert names("pretrained") == names("scratch") == outside
    if kind == "resnet":
        stem = "resnet.embedder.embedder.convolution.weight"
        assert names("pretrained", stem="small") == outside | {stem}
        assert names("scratch", stem="small") == outside | {stem}


def test_a_stem_that_a_run_has_trained_is_body(images, tmp_path):
    model = images.model("resnet", stem="small")
    save_model(images.build(model), tmp_path / "model.safetensors")
    again = model.build(images.task, images.folder, 1, Checkpoint(tmp_path))
    assert not any("embedder" in name for name in head(again))


# Every method on a student behind masked words, behind a task of labels, and from scratch


@pytest.fixture(params=["masked words", "labels", "scratch"])
def student(request, words, tmp_path):
    """A run of it, and whether its pooler is head."""
    learned, start = STUDENT.build(words.task, words.folder, 7), None
    if request.param != "scratch":
        save_model(learned, tmp_path / "model.safetensors")
        start = Checkpoint(tmp_path)
    if request.param == "masked words":
        weights = load_file(tmp_path / "model.safetensors")
        body = {n.removeprefix("bert."): w for n, w in weights.items() if n.startswith("bert.")}
        body = {n: w for n, w in body.items() if not n.startswith("pooler.")}
        save_file(body, tmp_path / "model.safetensors")

    def make(method) -> Fit:
        one = fit(words, method, training=replace(TRAINING, weight_decay=0.0))
        one.model = STUDENT.build(words.task, words.folder, 1, start)
        method.prepare(one.model, one.state)
        return one

    return make, request.param != "labels"


def learned(one: Fit) -> set[str]:
    return {name for name, w in one.model.named_parameters() if w.requires_grad}


def test_bitfit_learns_all_that_was_drawn_anew(student):
    make, anew = student
    one = make(BitFit())
    assert ("bert.pooler.dense.weight" in learned(one)) is anew
    assert "bert.encoder.layer.1.output.dense.weight" not in learned(one)
    assert {n for n in learned(one) if not n.endswith("bias")} <= head(one.model)


def test_mixout_and_l2_sp_hold_nothing_to_a_fresh_draw(student):
    make, anew = student
    mixout, l2_sp = make(Mixout()), make(L2SP())
    assert (mixout.model.bert.pooler.dense in mixout.state.starts) is not anew
    held = {id(w) for w, _ in l2_sp.state.starts}
    assert (id(l2_sp.model.bert.pooler.dense.weight) in held) is not anew
    assert len(held) == len(body_weights(l2_sp.model))


def test_reinit_leaves_the_head_that_base_has(student):
    make, anew = student
    one, base = make(Reinit()), make(Base())
    same = torch.equal(one.model.bert.pooler.dense.weight, base.model.bert.pooler.dense.weight)
    assert same is anew
    assert torch.equal(one.model.classifier.weight, base.model.classifier.weight)


def test_r4f_normalises_every_matrix_of_the_head(student):
    make, anew = student
    model = make(R4F()).model.train()
    for _ in range(300):  # each takes a step of the power iteration, whose start is random
        pooler, classifier = model.bert.pooler.dense.weight, model.classifier.weight
    assert torch.linalg.svdvals(classifier.detach()).max().item() == pytest.approx(1, abs=1e-3)
    largest = torch.linalg.svdvals(pooler.detach()).max().item()
    assert (largest == pytest.approx(1, abs=1e-3)) is anew


def test_what_reinit_draws_is_head_to_the_methods_beside_it(student):
    make, _ = student
    top = {n for n, _ in make(Base()).model.named_parameters() if ".layer.1." in n}
    both = make(Reinit() + L2SP() + Mixout())
    model, state = both.model, both.state
    assert top <= head(model)
    starts = {id(w) for w, _ in state.l2_sp.starts}
    assert not any(id(w) in starts for n, w in model.named_parameters() if n in top)
    assert not any(".layer.1." in n for n, m in model.named_modules() if m in state.mixout.starts)
    groups = (Reinit() + LLRD(0.5)).parameter_groups(model, TRAINING)
    rates = {id(w): g["lr"] / TRAINING.lr for g in groups for w in g["params"]}
    assert {rates[id(w)] for n, w in model.named_parameters() if n in top} == {1.0}


def test_a_small_stem_learns_as_the_head_does(images):
    module = images.build(images.model("resnet", stem="small"))
    stem = module.resnet.embedder.embedder.convolution
    state = SimpleNamespace()
    Mixout().prepare(module, state)
    assert stem not in state.starts
    groups = LLRD(0.5).parameter_groups(module, TRAINING)
    assert next(
        g["lr"] for g in groups if any(w is stem.weight for w in g["params"])
    ) == pytest.approx(TRAINING.lr)
    BitFit().prepare(module, state)
    assert stem.weight.requires_grad
    assert np.all([not m.weight.requires_grad for m in body_parts(module) if m in state.starts])
