"""Own models and those of the hub: what they read, what they learn from, and what they write."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_model
from torch.nn import functional as F
from transformers import AutoModel

from tests.trainers.generation.conftest import KINDS, TRAINING
from tests.trainers.tiny_hub import save
from trainers.errors import ModelError
from trainers.generation.writing import token_losses, write
from trainers.inputs.batches import WANTED
from trainers.models import WEIGHTS, Checkpoint, HubModel
from trainers.models.generation.pairs import prompts
from trainers.steps.passes import forward
from trainers.tasks import Decoding

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_is_read_back_as_it_was(place, kind):
    model, codec = place.model(kind), place.model(kind).codec(place.folder)
    references = place.task.load("train", place.folder, 0).inputs["target"][:40]
    targets = place.encode(model, "train").targets
    rows = [targets.joined(np.array([i])).tolist() for i in range(40)]
    assert all(row[-1] == codec.marks.end for row in rows)
    assert codec.texts([row[:-1] for row in rows]) == references


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_mean_over_target_tokens_whatever_is_padded(place, kind):
    model = place.model(kind)
    module, examples = place.build(model).eval(), place.encode(model, "train")
    rows = np.arange(8)
    batch = examples.batch(rows, CPU)
    together = F.cross_entropy(forward(module, batch.inputs, TRAINING), batch.labels)
    alone = [examples.batch(rows[i : i + 1], CPU) for i in range(8)]
    each = [
        F.cross_entropy(forward(module, one.inputs, TRAINING), one.labels, reduction="sum")
        for one in alone
    ]
    assert batch.inputs["attention_mask"].min() == 0  # something is padded
    assert len(batch.labels) == batch.inputs[WANTED].sum() == sum(len(one.labels) for one in alone)
    expected = (sum(each) / len(batch.labels)).item()
    assert together.item() == pytest.approx(expected, rel=1e-5)
    sums, counts = token_losses(module, examples, TRAINING, rows=rows)
    assert sums.sum() / counts.sum() == pytest.approx(expected, rel=1e-5)


def test_a_decoder_learns_from_its_target_alone(place):
    model = place.model("gpt2")
    examples, end = place.encode(model, "train"), model.codec(place.folder).marks.end
    batch = examples.batch(np.arange(4), CPU)
    for i, row in enumerate(batch.inputs["input_ids"]):
        between = int((row == end).nonzero()[0])
        places = batch.inputs[WANTED][i].nonzero().flatten().tolist()
        length = int(batch.inputs["attention_mask"][i].sum())
        assert places == list(range(between, length))
        assert prompts(examples)[i] == row[: between + 1].tolist()
        joined = examples.targets.joined(np.array([i])).tolist()
        assert row[between + 1 : length].tolist() == joined[:-1]


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_the_most_likely_tokens_and_the_same_alone_as_among_others(place, kind):
    # Fresh weights of these write one text for all.
    fit = place.fit(kind, training=replace(TRAINING, epochs=12))
    if kind in ("own", "t5"):
        fit.run(None)
    if kind == "gpt2":
        with torch.no_grad():
            for weight in fit.model.parameters():
                weight.mul_(6)
    examples, how = fit.dev_set, (fit.codec, fit.decoding, TRAINING, 1)
    (texts,) = write(fit.model, examples, *how)
    assert len(set(texts)) > 1
    for i in (0, 7):
        few = replace(examples, ids=examples.ids[[i]], labels=examples.labels[[i]])
        few = replace(few, ragged={n: _row(c, i) for n, c in examples.ragged.items()})
        few = replace(few, targets=_row(examples.targets, i))
        assert write(fit.model, few, *how) == [[texts[i]]]
        assert fit.codec.texts([_greedy(fit, prompts(few)[0])]) == [texts[i]]


def _row(column, i):
    return type(column).of([column.joined(np.array([i])).tolist()])


@torch.inference_mode()
def _greedy(fit, prompt):
    """By hand, one token after the other."""
    marks, written = fit.codec.marks, []
    while len(written) < fit.decoding.longest and marks.end not in written:
        if fit.codec.has_encoder:
            read = {"input_ids": torch.tensor([prompt])}
            read["decoder_input_ids"] = torch.tensor([[marks.start, *written]])
        else:
            read = {"input_ids": torch.tensor([[*prompt, *written]])}
        written.append(int(fit.model(**read).logits[0, -1].argmax()))
        while written[-1] == marks.padding != marks.end:  # it is never written
            raise AssertionError("padding was the most likely token")
    return [token for token in written if token != marks.end]


@pytest.mark.parametrize("kind", ["own", "gpt2"])
def test_arms_that_learn_other_texts_see_the_same_batches(place, kind):
    model, examples = place.model(kind), place.task.load("train", place.folder, 0)
    told = {"text": examples.inputs["text"], "target": ["river and house"] * len(examples)}
    own, others = (
        model.encode(each, place.folder, 16) for each in (examples, replace(examples, inputs=told))
    )
    assert (own.targets.lengths != others.targets.lengths).any()
    assert (own.lengths == others.lengths).all()
    assert own.lengths.tolist() == [len(row) for row in prompts(own)]


@pytest.mark.parametrize("kind", ["own", "gpt2"])
def test_a_search_finds_what_is_at_least_as_likely(place, kind):
    fit = place.fit(kind)
    fit.run(None)
    wide = replace(fit.decoding, beams=4, length_penalty=0.0)
    found = [
        write(fit.model, fit.dev_set, fit.codec, how, TRAINING, 1)[0]
        for how in (fit.decoding, wide)
    ]
    likely = [_likelihood(place, fit, texts) for texts in found]
    assert likely[1] >= likely[0] - 1e-4


def _likelihood(place, fit, texts):
    """Σ log p of texts behind the sources of dev."""
    model = place.model("gpt2" if not fit.codec.has_encoder else "own")
    examples = place.task.load("dev", place.folder, 0)
    columns = {"text": examples.inputs["text"][:12], "target": texts}
    told = type(examples)(examples.ids[:12], examples.labels[:12], columns)
    return -token_losses(fit.model, model.encode(told, place.folder, 16), TRAINING)[0].sum()


def test_draws_are_the_seeds_own_and_move_no_other_stream(place):
    fit = place.fit("own")
    drawn = Decoding(longest=8, draws=3, temperature=0.8, top_p=0.95)

    def texts(seed):
        return write(fit.model, fit.dev_set, fit.codec, drawn, TRAINING, seed)

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = texts(1)
    assert torch.equal(torch.rand(1), expected)
    assert texts(1) == first
    assert texts(2) != first
    assert first[0] != first[1] != first[2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_starts_from_the_weights_that_another_left(place, kind, tmp_path):
    model = place.model(kind)
    module = place.build(model)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.01)
    save_model(module, str(tmp_path / WEIGHTS))
    assert model.misfit(place.task, place.folder, tmp_path) is None
    again = model.build(place.task, place.folder, 3, Checkpoint(tmp_path)).state_dict()
    assert all(torch.equal(again[name], w) for name, w in module.state_dict().items())
    other = place.model("bart" if kind == "gpt2" else "gpt2")
    assert other.misfit(place.task, place.folder, tmp_path) is not None


@pytest.mark.parametrize("kind", KINDS[1:])
def test_pretrained_weights_are_those_of_the_folder_and_scratch_is_the_seeds(place, kind):
    model = place.model(kind)
    stored = load_file(place.models / kind / "model.safetensors")
    own = place.build(model).state_dict()
    assert all(torch.equal(own[name], weight) for name, weight in stored.items() if name in own)
    assert sum(name in own for name in stored) == len(stored)
    drawn = [model.build(place.task, place.folder, seed).state_dict() for seed in (1, 1, 2)]
    assert all(torch.equal(drawn[0][n], drawn[1][n]) for n in own)
    assert not all(torch.equal(drawn[0][n], drawn[2][n]) for n in own)


@pytest.mark.parametrize("kind", ["bart", "gpt2"])
def test_a_folder_with_the_body_alone_and_nothing_on_how_to_write_is_whole(place, kind, tmp_path):
    folder = tmp_path / kind
    shutil.copytree(place.models / kind, folder)
    AutoModel.from_pretrained(place.models / kind).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    body = HubModel(folder)
    whole, alone = (place.build(model).state_dict() for model in (place.model(kind), body))
    assert all(torch.equal(alone[name], weight) for name, weight in whole.items())
    assert body.misfit(place.task, place.folder, "pretrained") is None


def test_a_tokenizer_without_an_end_is_refused(place, tmp_path):
    folder = tmp_path / "endless"
    shutil.copytree(place.models / "bart", folder)
    file = folder / "tokenizer_config.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**told, "eos_token": None}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"no token that ends a text.*save_pretrained"):
        HubModel(folder).check(place.task, 16)


@pytest.mark.parametrize(
    ("kind", "max_length", "message"),
    [
        ("bart", 2000, "max_length: 2000 tokens are more than the 1026 positions of bart"),
        ("gpt2", 1020, "together: 1029 tokens are more than the 1026 positions of gpt2"),
        ("own", 100, "max_length: 100 tokens are more than the 64 positions"),
    ],
)
def test_texts_for_which_there_is_no_room_are_refused(place, kind, max_length, message):
    with pytest.raises(ModelError, match=message):
        place.model(kind).check(place.task, max_length)


def test_a_model_that_writes_nothing_is_refused(place, tmp_path):
    save(kind := "bert", ["a few words"] * 4, tmp_path)
    with pytest.raises(ModelError, match=f'of the type "{kind}", which writes no text'):
        HubModel(tmp_path).check(place.task, 16)


def test_only_what_has_two_stacks_says_whose_embeddings_are_perturbed(place):
    assert place.model("bart").specification()["embeddings"] == "encoder"
    assert "embeddings" not in place.model("gpt2").specification()
