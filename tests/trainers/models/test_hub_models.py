"""Models in the hub's layout: what they learn, what a seed decides, and what padding must not."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from tests.trainers import tiny_hub
from tests.trainers.hub_places import TWENTY_STEPS, Place
from trainers.errors import ModelError
from trainers.loop import Fit
from trainers.methods import Base
from trainers.models import Checkpoint, HubModel, every_second_layer
from trainers.models.images import Preprocessing
from trainers.tasks import Examples, Task

CPU = torch.device("cpu")


@pytest.fixture(params=[*tiny_hub.TEXT, *tiny_hub.IMAGES])
def kind(request) -> str:
    return request.param


@pytest.fixture
def place(kind, text, images) -> Place:
    return images if kind in tiny_hub.IMAGES else text


@dataclass(frozen=True)
class Watched(Base):
    """Base that looks at every gradient it leaves."""

    name: ClassVar[str] = "watched"

    def backward(self, step):
        loss = super().backward(step)
        gradients = [p.grad for p in step.model.parameters() if p.grad is not None]
        assert gradients
        assert all(bool(torch.isfinite(g).all()) for g in gradients)
        return loss


@pytest.mark.sampled(test=3)
def test_every_architecture_learns_and_repeats_itself_bit_for_bit(kind, place):
    model, epochs = place.model(kind), []
    one = place.fit(model, Watched())
    trained = one.run(lambda: place.encode(model, "test"), epochs.append)
    assert trained.steps == 20
    assert epochs[-1].loss < 0.9 * epochs[0].loss
    again = place.fit(model).run(lambda: place.encode(model, "test"))
    assert np.array_equal(trained.logits["test"], again.logits["test"])
    assert trained.logits["test"].shape == (60, 3)


def head_and_body(module):
    prefix = f"{module.base_model_prefix}."
    state = module.state_dict()
    body = {n: w for n, w in state.items() if n.startswith(prefix) and "pooler" not in n}
    return {n: w for n, w in state.items() if not n.startswith(prefix)}, body


def same(a, b) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def test_an_init_decides_on_the_body_and_the_seed_on_the_head(kind, place):
    model = place.model(kind)
    head, body = head_and_body(place.build(model))
    scratch_head, scratch_body = head_and_body(place.build(model, "scratch"))
    other_head, other_body = head_and_body(place.build(model, seed=2))
    assert same(head, scratch_head)
    assert not same(body, scratch_body)
    assert not same(head, other_head)
    assert same(body, other_body)


def test_the_pretrained_body_is_that_of_the_file(kind, place):
    from safetensors.torch import load_file

    saved = load_file(place.models / kind / "model.safetensors").values()
    _, body = head_and_body(place.build(place.model(kind)))
    # The vision transformer's file keeps older names, so contents are compared.
    assert {w.numpy().tobytes() for w in body.values()} <= {w.numpy().tobytes() for w in saved}


def test_building_draws_nothing_from_the_generator_of_others(kind, place):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    place.build(place.model(kind))
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("kind", tiny_hub.TEXT)
def test_neither_padding_nor_the_batch_changes_what_is_said(kind, text):
    model = text.model(kind)
    module, examples = text.build(model).eval(), text.encode(model, "dev")
    together = module(**examples.batch(np.arange(16), CPU).inputs).logits
    alone = [module(**examples.batch(np.array([i]), CPU).inputs).logits for i in range(16)]
    assert len(set(examples.lengths[:16])) > 3
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", tiny_hub.TEXT)
def test_two_texts_are_read_in_their_order(kind, text):
    model, both = text.model(kind), {"text": ["apple"], "text_pair": ["the old saw"]}
    swapped = {"text": both["text_pair"], "text_pair": both["text"]}
    numbers = np.array([0])
    module = text.build(model).eval()
    said = []
    for inputs in (both, swapped):
        encoded = model.encode(Examples(numbers, numbers, inputs), text.folder, 32)
        assert ("token_type_ids" in encoded.ragged) == (kind == "bert")
        said.append(module(**encoded.batch(numbers, CPU).inputs).logits)
    assert not torch.allclose(*said)


def test_gpt2_joins_two_texts_by_its_end_of_text_and_cuts_the_longer(text):
    model = text.model("gpt2")
    inputs = {"text": ["apple " * 30, ""], "text_pair": ["saw", ""]}
    encoded = model.encode(Examples(np.arange(2), np.arange(2), inputs), text.folder, 12)
    end = model.config(2).eos_token_id
    rows = encoded.ragged["input_ids"].padded(np.arange(2), end)
    assert encoded.lengths.tolist() == [12, 1]
    position = rows[0].tolist().index(end)
    short = model.encode(Examples(np.array([0]), np.array([0]), {"text": ["saw"]}), text.folder, 12)
    assert rows[0].tolist()[position + 1 :] == short.ragged["input_ids"].values.tolist()


def test_a_text_longer_than_the_positions_is_refused_where_roberta_counts_from_its_padding(text):
    assert text.model("bert").positions == 48
    assert text.model("roberta").positions == 48
    text.model("roberta").check(text.task, 48)
    with pytest.raises(ModelError, match="48 positions"):
        text.model("roberta").check(text.task, 49)


def test_a_model_of_half_precision_is_trained_in_float32(text, tmp_path):
    import transformers

    folder = text.models / "bert"
    for dtype in (torch.float16, torch.bfloat16):
        there = tmp_path / str(dtype)
        module = transformers.AutoModel.from_pretrained(folder, dtype=dtype)
        module.save_pretrained(there)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (there / name).write_bytes((folder / name).read_bytes())
        for init in ("pretrained", "scratch"):
            built = text.build(HubModel(there), init)
            assert {p.dtype for p in built.parameters()} == {torch.float32}
    asked = text.build(HubModel(there, dtype="bfloat16"))
    assert {p.dtype for p in asked.parameters()} == {torch.bfloat16}
    encoded = text.encode(HubModel(there), "dev")
    assert asked(**encoded.batch(np.arange(4), CPU).inputs).logits.isfinite().all()


@pytest.mark.parametrize("kind", tiny_hub.IMAGES)
def test_images_pass_through_the_models_own_processing(kind, images):
    model = images.model(kind, dtype="bfloat16" if kind == "resnet" else "float32")
    module = images.build(model).eval()
    encoded = images.encode(model, "dev")
    assert encoded.dense["pixel_values"].shape[1:] == (1, 8, 8)
    pixels = encoded.batch(np.arange(3), CPU).inputs["pixel_values"]
    seen = []
    module.base_model.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs.get("pixel_values", (*args, None)[0])),
        with_kwargs=True,
    )
    module(pixel_values=pixels)
    assert seen[0].shape == (3, 3, 16, 16)
    assert seen[0].dtype == module.dtype
    white = Preprocessing.of(images.models / kind, None, torch.float32)
    torch.testing.assert_close(white.apply(torch.ones(1, 1, 8, 8)), torch.full((1, 3, 16, 16), 2.0))


def test_every_second_layer_is_what_the_student_starts_from(text, words, tmp_path):
    texts = list(words.task.corpus(words.folder))
    for kind in ("bert", "gpt2", "distilbert"):
        deep = tmp_path / kind
        deep.mkdir()
        tiny_hub.save(kind, texts, deep, layers=4)
        for first in (0, 1):
            student = text.build(HubModel(deep, layers=2), every_second_layer(deep, first))
            teacher = text.build(HubModel(deep))
            lists = [
                next(m for m in b.base_model.modules() if isinstance(m, torch.nn.ModuleList))
                for b in (student, teacher)
            ]
            for number, layer in enumerate(lists[0]):
                assert same(layer.state_dict(), lists[1][first + 2 * number].state_dict())
            other = lists[1][first + 1 if first == 0 else 0].state_dict()
            assert not same(lists[0][0].state_dict(), other)
            embeddings = [b.get_input_embeddings().weight for b in (student, teacher)]
            assert torch.equal(*embeddings)


def test_layers_that_do_not_fit_are_refused_with_the_way_out(text):
    with pytest.raises(ModelError, match="layers=1"):
        text.model("bert").start(every_second_layer(text.models / "bert"))
    with pytest.raises(ModelError, match="of the type bert"):
        text.model("bert").start(every_second_layer(text.models / "gpt2"))
    with pytest.raises(ModelError, match="every_second_layer"):
        text.model("bert", layers=1).start("pretrained")
    shallow = text.model("bert", layers=1)
    start = Checkpoint(text.models / "bert")
    with pytest.raises(ModelError, match="of 1 layers"):
        shallow.build(text.task, text.folder, 1, start)


def test_a_checkpoint_of_a_run_gives_its_body_and_not_its_head(kind, place, tmp_path):
    from safetensors.torch import save_model

    model = place.model(kind)
    run = place.build(model, "scratch", seed=5)
    save_model(run, str(tmp_path / "model.safetensors"))
    assert not (tmp_path / "config.json").exists()
    again = place.build(model, tmp_path)
    assert same(head_and_body(again)[1], head_and_body(run)[1])
    assert same(head_and_body(again)[0], head_and_body(place.build(model))[0])


def test_a_rehearsal_has_the_size_of_the_run(kind, place):
    model = place.model(kind)
    module, examples = model.rehearsal(place.task, 4, 12)
    built = place.build(model)
    assert sum(p.numel() for p in module.parameters()) == sum(p.numel() for p in built.parameters())
    one = Fit(module, Base(), examples, examples, TWENTY_STEPS, seed=0)
    module.train()
    step = one.step(np.arange(4), phase=0, epoch=0, progress=0.0)
    assert torch.isfinite(one.method.backward(step))


def test_a_task_of_another_kind_is_refused(text, images):
    with pytest.raises(ModelError, match="reads text"):
        text.model("gpt2").check(images.task, 32)
    with pytest.raises(ModelError, match="reads images"):
        images.model("vit").check(text.task, 32)


def test_fewer_than_two_classes_are_refused(text):
    lonely = replace(text, task=_OneClass())
    with pytest.raises(ModelError, match="two classes"):
        lonely.build(text.model("bert"))


@dataclass(frozen=True)
class _OneClass(Task):
    @property
    def name(self) -> str:
        return "lonely"

    @property
    def classes(self) -> tuple[str, ...]:
        return ("all",)
