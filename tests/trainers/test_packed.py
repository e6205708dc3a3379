"""What is computed of a BERT without padding is what transformers computes with it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from trainers.packed.attention import attention
from trainers.packed.dropout import kept
from trainers.packed.hooks import for_rows
from trainers.packed.models import Classifier, Encoder, left_to_transformers
from trainers.packed.rows import TokenRows, filled_up
from trainers.settings import Training
from trainers.steps.checkpointing import checkpoint_layers
from trainers.steps.passes import forward

SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
COMMON = {"vocab_size": 60, "max_position_embeddings": 40, "num_labels": 3, "pad_token_id": 0}
FLOAT32 = Training(device="cpu", precision="float32")


def model(kind: str, dropout: float = 0.0, layers: int = 3) -> nn.Module:
    """A small classifier of transformers, its weights large enough that everything matters."""
    import transformers as hub

    torch.manual_seed(3)
    if kind == "DistilBert":
        config = hub.DistilBertConfig(
            dim=32,
            n_layers=layers,
            n_heads=4,
            hidden_dim=64,
            dropout=dropout,
            attention_dropout=dropout,
            seq_classif_dropout=dropout,
            **COMMON,
        )
    else:
        sizes = {**SIZES, "num_hidden_layers": layers, "intermediate_size": 64}
        drops = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        config = getattr(hub, f"{kind}Config")(**sizes, **drops, **COMMON)
    module = getattr(hub, f"{kind}ForSequenceClassification")(config)
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(0, 0.3) if weight.ndim > 1 else weight.add_(
                0.1 * torch.randn_like(weight)
            )
    return module.train()


def batch(lengths: list[int], kind: str = "Bert", types: bool = False) -> dict[str, Tensor]:
    """Texts of these lengths, filled up on the right."""
    draws = torch.Generator().manual_seed(1)
    width = max(lengths)
    mask = (torch.arange(width) < torch.tensor(lengths)[:, None]).long()
    words = torch.randint(4, 60, mask.shape, generator=draws) * mask
    inputs = {"input_ids": words, "attention_mask": mask}
    if types:
        inputs["token_type_ids"] = torch.randint(0, 2, mask.shape, generator=draws) * mask
    return inputs


def packs(module: nn.Module, inputs: dict[str, Tensor]) -> bool:
    """Whether it is computed here."""
    return Classifier.of(module, inputs) is not None


def gradients(module: nn.Module, logits: Tensor) -> dict[str, Tensor]:
    """Of a loss of the logits, by the names of the weights."""
    module.zero_grad()
    F.cross_entropy(logits, torch.arange(len(logits)) % 3).backward()
    return {n: w.grad.clone() for n, w in module.named_parameters() if w.grad is not None}


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "XLMRoberta", "DistilBert"])
@pytest.mark.parametrize("lengths", [[5, 9, 1, 7], [6, 6, 6], [1]])
def test_logits_and_gradients_are_those_of_transformers(kind: str, lengths: list[int]) -> None:
    module, inputs = model(kind), batch(lengths, kind)
    assert packs(module, inputs)
    theirs = module(**inputs).logits
    expected = gradients(module, theirs)
    ours = forward(module, inputs, FLOAT32)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    found = gradients(module, ours)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5)


def test_two_texts_are_told_apart_by_their_types() -> None:
    module, inputs = model("Bert"), batch([5, 8, 3], types=True)
    theirs = module(**inputs).logits
    torch.testing.assert_close(forward(module, inputs, FLOAT32), theirs, rtol=1e-4, atol=1e-5)
    other = {**inputs, "token_type_ids": torch.zeros_like(inputs["input_ids"])}
    assert not torch.allclose(forward(module, other, FLOAT32), theirs, atol=1e-3)


def test_other_weights_are_run_in_place_of_the_models_own() -> None:
    module, inputs = model("Roberta"), batch([4, 6])
    other = {name: 1.1 * weight.detach() for name, weight in module.named_parameters()}
    theirs = torch.func.functional_call(module, other, kwargs=inputs).logits
    ours = forward(module, inputs, FLOAT32, other)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["Bert", "DistilBert"])
def test_layers_computed_again_give_the_same_bits(kind: str) -> None:
    module, inputs = model(kind, dropout=0.2), batch([5, 9, 2])
    found = []
    for _ in range(2):
        torch.manual_seed(8)
        found.append(gradients(module, forward(module, inputs, FLOAT32)))
        checkpoint_layers(module)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_dropout_leaves_the_mean_where_it_is() -> None:
    module, inputs = model("Bert", dropout=0.1, layers=1), batch([6, 4])
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(0.3)  # nearly linear, so that means go through
        torch.manual_seed(0)
        drawn = torch.stack([forward(module, inputs, FLOAT32) for _ in range(600)])
        expected = forward(module.eval(), inputs, FLOAT32)
    assert drawn.std(0).min() > 0
    error = drawn.std(0) / 600**0.5
    assert ((drawn.mean(0) - expected).abs() < 4 * error + 0.02).all()


@given(st.floats(0.001, 0.9), st.integers(1, 9), st.integers(0, 1000))
def test_masks_drop_what_they_should(p: float, width: int, seed: int) -> None:
    torch.manual_seed(seed)
    mask, scale = kept((4000, width), p)
    n = mask.numel()
    assert set(mask.unique().tolist()) <= {0, 1}
    share = 1 - float(mask.double().mean())
    assert abs(share - p) < 5 * (p * (1 - p) / n) ** 0.5 + 2**-16
    assert scale * (1 - round(p * 2**16) / 2**16) == pytest.approx(1, abs=1e-12)


def test_numbers_out_of_one_draw_are_independent() -> None:
    torch.manual_seed(0)
    mask = kept((50_000, 4), 0.3)[0].double()
    correlation = torch.corrcoef(mask.T) - torch.eye(4)
    assert correlation.abs().max() < 5 / 50_000**0.5


def test_the_same_seed_drops_the_same() -> None:
    torch.manual_seed(5)
    one, two = kept((7, 3), 0.5)[0], kept((7, 3), 0.5)[0]
    torch.manual_seed(5)
    assert torch.equal(kept((7, 3), 0.5)[0], one)
    assert not torch.equal(one, two)


@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=6),
    st.sampled_from([1, 3]),
)
def test_rows_come_back_from_their_lines(marks: list[list[bool]], heads: int) -> None:
    mask = torch.tensor(marks)
    n = int(mask.sum())
    for rows in (TokenRows.of(mask), TokenRows.chosen(mask)) if n else ():
        x = 1 + torch.rand(len(rows), 2 * heads)
        by_head = rows.by_head(heads)
        table = by_head.spread(x, empty=0.0)
        back = by_head.gather(table)
        assert torch.equal(back[:n], x[:n])
        assert not back[n:].any()
        assert (table != 0).sum() == n * 2 * heads
        of_text = [int(line.count_nonzero()) for line in table.view(len(marks), -1)]
        assert of_text == (2 * heads * mask.sum(1)).tolist()


def test_the_last_layer_is_computed_where_it_is_asked_for() -> None:
    body = model("Bert").bert
    blocks = batch([8, 8, 8])["input_ids"]
    marks = torch.rand(blocks.shape, generator=torch.Generator().manual_seed(4)) < 0.3
    marks[1] = False
    positions = marks.flatten().nonzero().squeeze(1)
    encoder = Encoder.of(body)
    assert encoder is not None
    wanted = TokenRows.chosen(marks)
    assert wanted.count == len(positions) < len(wanted)
    ours = encoder({"input_ids": blocks}, TokenRows.all(3, 8), wanted, filled_up(positions))
    ours = ours[: len(positions)]
    theirs = body(blocks).last_hidden_state.flatten(0, 1)[positions]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_many_weights_of_attention_are_not_kept_at_once() -> None:
    draws = torch.Generator().manual_seed(0)
    mask = torch.ones(3, 1200)
    mask[1, 700:] = 0
    rows = TokenRows.of(mask)
    q, k, v = (torch.randn(len(rows), 16, generator=draws) for _ in range(3))
    many = attention(q, k, v, rows, rows, 2, 0.0)
    one = TokenRows.of(mask[1:2, :700])
    part = slice(1200, 1200 + len(one))
    few = attention(q[part], k[part], v[part], one, one, 2, 0.0)
    torch.testing.assert_close(many[1200:1900], few[:700], rtol=1e-4, atol=1e-5)


def test_what_looks_into_a_layer_is_given_what_transformers_gives() -> None:
    module, inputs = model("Bert"), batch([5, 9])
    seen: list[tuple[int, ...]] = []
    inner = module.bert.encoder.layer[1]
    handle = inner.register_forward_hook(lambda _, __, output: seen.append((*output.shape,)))
    assert not packs(module, inputs)
    forward(module, inputs, FLOAT32)
    assert seen == [(2, 9, 32)]
    handle.remove()
    assert packs(module, inputs)


def test_hooks_on_words_are_given_texts_and_marked_ones_rows() -> None:
    module, inputs = model("Bert"), batch([5, 9])
    seen: list[tuple[int, ...]] = []

    def look(_: nn.Module, __: Any, output: Tensor) -> None:
        seen.append((*output.shape,))

    body = module.bert
    body.embeddings.word_embeddings.register_forward_hook(look)
    body.encoder.layer[0].output.dense.register_forward_hook(for_rows(look))
    assert packs(module, inputs)
    forward(module, inputs, FLOAT32)
    assert seen == [(2, 9, 32), (32, 32)]


CHANGES = ("norm", "bare norm", "dropout", "decoder", "half", "names", "other")
CHANGES += ("attention", "scaling", "linear", "hook on linear")


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_built_otherwise_is_left_to_transformers(change: str) -> None:
    module, inputs = model("Bert"), batch([5, 9])
    layer = module.bert.encoder.layer[0]
    if change == "norm":
        layer.output.LayerNorm = nn.RMSNorm(32)
    elif change == "bare norm":
        layer.output.LayerNorm = nn.LayerNorm(32, elementwise_affine=False)
    elif change == "attention":
        module.config._attn_implementation = "flex_attention"
    elif change == "scaling":
        layer.attention.self.scaling *= 0.1
    elif change == "linear":
        layer.output.dense = nn.Sequential(layer.output.dense)
    elif change == "hook on linear":
        layer.output.dense.register_forward_hook(lambda *_: None)
    elif change == "dropout":
        layer.output.dropout = nn.Identity()
    elif change == "decoder":
        layer.is_decoder = True
    elif change == "half":
        module.to(torch.bfloat16)
    elif change == "names":
        inputs["inputs_embeds"] = torch.zeros(2, 9, 32)
    else:
        module = nn.Linear(2, 2)
    assert not packs(module, inputs)


def test_code_that_was_changed_is_what_is_computed(monkeypatch) -> None:
    module, inputs = model("Bert"), batch([5, 9])
    inner = type(module.bert.encoder.layer[0].intermediate)
    monkeypatch.setattr(inner, "forward", lambda self, x: self.dense(x))
    assert not packs(module, inputs)
    theirs = module(**inputs).logits
    assert torch.equal(forward(module, inputs, FLOAT32), theirs)


def test_what_watches_every_module_sees_all_of_them() -> None:
    module, inputs = model("Bert"), batch([5, 9])
    seen: list[str] = []
    handle = nn.modules.module.register_module_forward_hook(
        lambda m, *_: seen.append(type(m).__name__)
    )
    try:
        forward(module, inputs, FLOAT32)
    finally:
        handle.remove()
    assert seen.count("BertLayer") == 3
    assert packs(module, inputs)


@pytest.mark.parametrize("learned", ["LayerNorm", "bias", "classifier"])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_gradients_of_what_is_not_frozen_are_those_of_transformers(learned, precision) -> None:
    module, inputs = model("Bert"), batch([5, 9, 3])
    training = Training(device="cpu", precision=precision)
    for name, weight in module.named_parameters():
        weight.requires_grad_(learned in name or "classifier" in name)
    ours = gradients(module, forward(module, inputs, training))
    with left_to_transformers():
        theirs = gradients(module, forward(module, inputs, training))
    assert ours.keys() == theirs.keys()
    near = {"rtol": 1e-3, "atol": 1e-5} if precision == "float32" else {"rtol": 0.2, "atol": 0.02}
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, **near)


def test_transforms_of_functions_are_left_to_transformers() -> None:
    module, inputs = model("Bert").eval(), batch([5, 9])
    weights = {name: weight.detach() for name, weight in module.named_parameters()}

    def loss(some: dict[str, Tensor]) -> Tensor:
        return forward(module, inputs, FLOAT32, some).square().sum()

    found = torch.func.grad(loss)(weights)
    leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    loss(leaves).backward()
    for name, leaf in leaves.items():
        torch.testing.assert_close(found[name], leaf.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("gap", ["before", "within"])
def test_texts_with_gaps_are_what_transformers_reads(gap: str) -> None:
    module, inputs = model("Bert"), batch([6, 6, 4])
    inputs["attention_mask"][1, 0 if gap == "before" else 3] = 0
    assert packs(module, inputs) == (gap == "within")
    ours = forward(module, inputs, FLOAT32)
    torch.testing.assert_close(ours, module(**inputs).logits, rtol=1e-4, atol=1e-5)


def test_bits_do_not_depend_on_what_was_computed_before() -> None:
    module, inputs = model("Bert", dropout=0.1), batch([5, 9, 3])
    found = []
    for _ in range(2):
        torch.manual_seed(2)
        found.append(forward(module, inputs, FLOAT32))
        forward(module, batch([3, 2]), FLOAT32)
    assert torch.equal(*found)


def test_in_bfloat16_it_is_as_near_as_transformers_is() -> None:
    module, inputs = model("Bert").eval(), batch([5, 9, 3, 8])
    exact = forward(module, inputs, FLOAT32)
    with torch.autocast("cpu", torch.bfloat16):
        theirs = module(**inputs).logits.float()
    ours = forward(module, inputs, Training(device="cpu", precision="bf16"))
    assert (ours - exact).abs().max() < 2 * (theirs - exact).abs().max() + 1e-3
