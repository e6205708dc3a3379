"""Methods that act on weights: which ones they touch, by how much, and when they are base."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_model
from transformers import BertModel

from tests.trainers.test_loop import TRAINING, fit, run, same_weights
from trainers.errors import MethodError
from trainers.methods import L2SP, LLRD, LS, R4F, Base, BitFit, Mixout, Reinit
from trainers.models import Bert, Checkpoint, ResNet
from trainers.models.anatomy import body, body_parts, body_weights, layers, levels, skeleton
from trainers.tasks import Digits

DIGITS = Digits(digits=(0, 1, 2), train=96, dev=48, test=60)
DEEP = Bert(layers=3, width=32, heads=2, initializer_range=0.1)


def state_after(words, method, **options):
    return run(words, method, **options).model.state_dict()


def start(words, seed=1):
    return words.model.build(words.task, words.folder, seed)


def changed(before, after):
    return {name for name, w in after.items() if not torch.equal(w, before[name])}


@pytest.fixture(scope="module")
def base(words):
    return run(words, Base())


@pytest.mark.parametrize("neutral", [Mixout(p=0.0), LLRD(decay=1.0), Reinit(layers=0), L2SP(0.0)])
def test_a_neutral_setting_is_base_bit_for_bit(words, base, neutral):
    assert same_weights(run(words, neutral), base)
    assert same_weights(run(words, LS(0.3) + neutral), run(words, LS(0.3)))


# -- head and body


def _without_pooler(model):
    """The body that pre-training by masked words leaves."""
    bare = BertModel(model.config, add_pooling_layer=False)
    bare.load_state_dict(model.bert.state_dict(), strict=False)
    return bare


# -- mixout


@pytest.fixture
def matrices():
    draws = torch.Generator().manual_seed(0)
    return [torch.randn(4, 6, generator=draws, dtype=torch.float64) for _ in range(2)]


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_the_gradient_of_mixout_is_that_of_its_formula(matrices, p):
    """m/(1 − p) of that in the mixed matrix, where the authors' code has m."""
    w, w0 = matrices
    w.requires_grad_()
    m = torch.tensor([[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    slope = torch.randn(4, 6, dtype=torch.float64)
    (Mixout(p).mixed(w, w0, m) * slope).sum().backward()
    torch.testing.assert_close(w.grad, slope * m / (1 - p))


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_mixout_gives_w_on_average_and_the_start_where_nothing_is_kept(matrices, p):
    w, w0 = matrices
    kept, dropped = (Mixout(p).mixed(w, w0, torch.full((1, 6), m)) for m in (1.0, 0.0))
    torch.testing.assert_close(dropped, w0)
    torch.testing.assert_close((1 - p) * kept + p * dropped, w)


def prepared(words, method):
    one = fit(words, method)
    one.method.prepare(one.model, one.state)
    one.model.train()
    return one


def first_step(one):
    step = one.step(np.arange(8), phase=0, epoch=0, progress=0.0)
    one.method.before_step(step)
    return step


def test_mixout_mixes_whole_columns_of_the_bodys_matrices_from_a_stream_of_its_own(words):
    one = prepared(words, Mixout(p=0.5))
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first_step(one)
    assert torch.equal(torch.rand(1), expected)
    inside = set(body_parts(one.model))
    assert one.model.bert.pooler.dense not in inside
    assert one.state.masks.keys() == {m for m in inside if isinstance(m, torch.nn.Linear)}
    for module, mask in one.state.masks.items():
        assert mask.shape == (1, module.in_features)
    drawn = torch.cat([mask.flatten() for mask in one.state.masks.values()])
    assert set(drawn.tolist()) == {0.0, 1.0}
    assert 0.4 < drawn.mean().item() < 0.6


def test_mixout_at_one_is_the_starting_model_in_training_and_w_in_evaluation(words):
    quiet = replace(words, model=replace(words.model, dropout=0.0))
    one, plain = prepared(quiet, Mixout(p=1.0)), prepared(quiet, Base())
    with torch.no_grad():
        for module in one.state.starts:
            module.weight.add_(1.0)
    step = first_step(one)
    assert torch.equal(step.logits, first_step(plain).logits)
    one.method.backward(step)
    assert all(module.weight.grad is None for module in one.state.starts)
    one.model.eval()
    plain.model.load_state_dict(one.model.state_dict())
    plain.model.eval()
    assert torch.equal(step.forward(), first_step(plain).logits)


def test_mixout_changes_the_pass_and_keeps_names_and_dropout(words):
    one = prepared(words, Mixout(p=0.5))
    assert one.model.state_dict().keys() == start(words).state_dict().keys()
    assert any(m.p > 0 for m in one.model.modules() if isinstance(m, torch.nn.Dropout))
    off = prepared(words, Mixout(p=0.5, keep_dropout=False))
    assert all(m.p == 0 for m in off.model.modules() if isinstance(m, torch.nn.Dropout))
    assert not same_weights(run(words, Mixout(p=0.5)), run(words, Base()))


def test_a_gpt2_has_its_columns_in_the_first_dimension(text):
    one = text.fit(text.model("gpt2"), Mixout(p=0.5))
    one.method.prepare(one.model, one.state)
    first_step(one)
    by_name = {name: one.state.masks.get(m) for name, m in one.model.named_modules()}
    assert by_name["transformer.h.0.mlp.c_fc"].shape == (32, 1)
    assert by_name["transformer.h.0.mlp.c_proj"].shape == (128, 1)
    assert by_name["score"] is None


# -- llrd


def rates(module, method, training=TRAINING):
    groups = method.parameter_groups(module, training)
    names = {id(p): name for name, p in module.named_parameters()}
    return {names[id(p)]: g["lr"] / training.lr for g in groups for p in g["params"]}


def test_each_layer_learns_slower_than_the_one_above_it(words):
    deep = DEEP.build(words.task, words.folder, 1)
    found = rates(deep, LLRD(0.5))
    assert found.keys() == dict(deep.named_parameters()).keys()
    expected = {"classifier": 1, "bert.pooler": 1, "bert.embeddings": 0.5**4}
    expected |= {f"bert.encoder.layer.{i}": 0.5 ** (3 - i) for i in range(3)}
    for name, rate in found.items():
        assert rate == next(r for part, r in expected.items() if name.startswith(f"{part}."))


def test_the_first_step_moves_every_level_by_its_own_rate(words):
    model = replace(words.model, layers=3)
    training = replace(TRAINING, weight_decay=0.0, warmup=0.0, clip=1e9, batch_size=96, epochs=1)
    before = model.build(words.task, words.folder, 1).state_dict()
    after = run(replace(words, model=model), LLRD(0.5), training=training).model.state_dict()
    for name, k in (("classifier", 0), ("bert.encoder.layer.1.output.dense", 2)):
        moved = (after[f"{name}.weight"] - before[f"{name}.weight"]).abs().max().item()
        assert moved == pytest.approx(training.lr * 0.5**k, rel=1e-2)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "deberta-v2", "gpt2"])
def test_every_language_model_has_its_layers_between_head_and_embeddings(text, kind):
    module = text.build(text.model(kind))
    found = levels(module)
    names = {id(p): name for name, p in module.named_parameters()}
    assert len(found) == 4
    assert sum(map(len, found)) == len(names)
    assert len(found[1]) == len(found[2]) > 5
    top, bottom = ([names[id(p)] for p in found[i]] for i in (0, -1))
    assert all("emb" in n or "wte" in n or "wpe" in n or "encoder.LayerNorm" in n for n in bottom)
    assert not any("emb" in n or ".layer" in n or ".h." in n for n in top)
    assert ("transformer.ln_f.weight" in top) == (kind == "gpt2")


def test_the_stages_of_a_residual_network_are_its_layers():
    module = skeleton(ResNet(widths=(8, 16, 32)), DIGITS)
    names = {id(p): name for name, p in module.named_parameters()}
    found = [{names[id(p)].rpartition("stages.")[2][0] for p in level} for level in levels(module)]
    assert found == [{"c"}, {"2"}, {"1"}, {"0"}, {"r"}]  # classifier, stages, resnet.embedder


# -- reinit


@pytest.mark.parametrize("pooled", [True, False])
def test_the_top_layers_and_a_pre_trained_pooler_start_afresh_and_nothing_else(
    words, tmp_path, pooled
):
    """A pooler that the run draws anyway is head, which stays that of base."""
    learned = DEEP.build(words.task, words.folder, 7)
    save_model(learned if pooled else _without_pooler(learned), tmp_path / "model.safetensors")
    model = DEEP.build(words.task, words.folder, 1, Checkpoint(tmp_path))
    before = {name: w.clone() for name, w in model.state_dict().items()}
    torch.manual_seed(5)
    Reinit(layers=2).prepare(model, SimpleNamespace())
    matrices = {n for n, w in before.items() if w.ndim > 1}
    tops = ("bert.encoder.layer.1.", "bert.encoder.layer.2.", *["bert.pooler."] * pooled)
    after = model.state_dict()
    assert changed(before, after) == {n for n in matrices if n.startswith(tops)}
    fresh = torch.cat([after[n].flatten() for n in matrices if n.startswith(tops)])
    assert fresh.std().item() == pytest.approx(0.1, rel=0.02)


def test_reinit_draws_what_the_seed_says(words):
    assert same_weights(run(words, Reinit()), run(words, Reinit()))
    drawn = []
    for seed in (1, 1, 2):
        one = fit(words, replace(_Still(), layers=1), seed=seed)
        drawn.append(one.run(None).model.bert.encoder.layer[0].output.dense.weight)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


class _Still(Reinit):
    """Reinit whose steps change nothing."""

    def backward(self, step):
        return torch.zeros(())


def test_more_layers_than_there_are_are_refused_when_the_study_is_loaded(words):
    Reinit(layers=3).check(DEEP, words.task)
    with pytest.raises(MethodError, match=r"Reinit\(layers=4\): bert-3x32 has 3 layers"):
        Reinit(layers=4).check(DEEP, words.task)
    with pytest.raises(MethodError, match="has 2 layers"):
        Reinit(layers=3).check(ResNet(), DIGITS)


# -- l2_sp


def test_the_penalty_of_l2_sp_pulls_the_body_to_its_start_and_leaves_the_head(words):
    one = prepared(words, L2SP(alpha=0.3))
    step = first_step(one)
    assert one.method.penalty(step).item() == 0.0
    starts = {id(w): w0 for w, w0 in one.state.starts}
    with torch.no_grad():
        for p in one.model.parameters():
            p.add_(0.01 * torch.randn_like(p))
    one.method.penalty(step).backward()
    for p in body_weights(one.model):
        torch.testing.assert_close(p.grad, 0.3 * (p.detach() - starts[id(p)]))
    assert one.model.classifier.weight.grad is None
    assert one.model.bert.pooler.dense.weight.grad is None


def test_a_strong_l2_sp_stays_near_its_start(words):
    def distance(method):
        after, before = body(run(words, method).model), body(start(words))
        pairs = zip(after.parameters(), before.parameters(), strict=True)
        return sum((a - b).square().sum().item() for a, b in pairs)

    assert distance(L2SP(alpha=10.0)) < 0.5 * distance(Base())


# -- bitfit


def test_bitfit_changes_biases_and_head_alone(words):
    before = start(words).state_dict()
    after = state_after(words, BitFit())
    head = ("classifier.", "bert.pooler.")
    learned = {n for n in after if n.endswith("bias") or n.startswith(head)}
    assert changed(before, after) <= learned
    assert {n for n in learned if "key.bias" not in n} <= changed(before, after)


def test_bitfit_refuses_a_body_without_biases():
    class Unbiased(ResNet):
        def module(self, task, folder):
            module = super().module(task, folder)
            for part in module.resnet.modules():
                if hasattr(part, "bias"):
                    part.bias = None
            return module

    BitFit().check(ResNet(), DIGITS)
    with pytest.raises(MethodError, match=r"learns biases, and resnet-16-32 has none"):
        BitFit().check(Unbiased(), DIGITS)


# -- what models lack


def test_a_skeleton_has_no_weights_and_draws_nothing(words):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    module = skeleton(DEEP, words.task)
    assert torch.equal(torch.rand(1), expected)
    assert {p.device.type for p in module.parameters()} == {"meta"}
    assert len(layers(module)) == 3


def test_a_module_that_names_no_body_or_has_no_layers_is_refused():
    with pytest.raises(MethodError, match="does not say which part of it is the head"):
        body(torch.nn.Linear(2, 2))
    flat = torch.nn.Module()
    flat.base_model = torch.nn.Linear(2, 2)
    with pytest.raises(MethodError, match="no list of layers"):
        layers(flat)


class Flat(ResNet):
    """Its module is not built as those of transformers are."""

    def module(self, task, folder):
        return torch.nn.Linear(2, 2)


class Headless(ResNet):
    """Its head has no matrix."""

    def module(self, task, folder):
        module = super().module(task, folder)
        module.classifier = torch.nn.Flatten()
        return module


@pytest.mark.parametrize(
    ("method", "lacks"),
    [
        (Mixout(), "does not say which part of it is the head"),
        (L2SP(), "does not say which part of it is the head"),
        (BitFit(), "does not say which part of it is the head"),
        (R4F(), "does not say which part of it is the head"),
        (LLRD(), "has no list of layers"),
        (Reinit(), "resnet-16-32 does not say how: give its module an _init_weights"),
    ],
)
def test_what_a_module_lacks_is_said_when_the_study_is_loaded(method, lacks):
    method.check(ResNet(), DIGITS)
    with pytest.raises(MethodError, match=lacks):
        method.check(Flat(), DIGITS)


def test_r4f_refuses_a_head_without_a_matrix():
    with pytest.raises(MethodError, match=r"R4F needs a linear layer in the head, and resnet-16"):
        R4F().check(Headless(), DIGITS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mixout(p=1.5),
        lambda: LLRD(decay=0.0),
        lambda: Reinit(layers=-1),
        lambda: Reinit(layers=1.5),
        lambda: L2SP(alpha=-1.0),
    ],
)
def test_hyper_parameters_out_of_range_are_refused(make):
    with pytest.raises(MethodError):
        make()
