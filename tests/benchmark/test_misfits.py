"""Weights and tokenizers that are here but fit no model are said before anything is trained."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import transformers
from safetensors.torch import save_model

from benchmark.errors import NotReady
from benchmark.loading import load_study
from benchmark.preflight import preflight
from benchmark.tracking import Store
from tests.trainers import tiny_hub
from trainers.errors import ModelError
from trainers.models import Bert, HubModel, ResNet
from trainers.models.weight_files import weight_files
from trainers.tasks import Digits, Examples

STUDY = """
from pathlib import Path
from benchmark import Arm, Comparison, Study
from trainers.methods import KD, LS, Base
from trainers.models import Bert, HubModel, ResNet, every_second_layer
from trainers.settings import Training
from trainers.tasks import Digits, Part, TextTask

texts = TextTask("texts.csv", dev=Part("train", 10), test=Part("train", 10), vocabulary=300)
study = Study(
    name="misfits",
    task=TASK,
    arms=Arm.grid(MODEL, INIT, [Base(), METHOD]),
    comparison=Comparison("base", METHOD.name),
    margin=1.0,
    training=Training(epochs=1, max_length=16),
)
"""
ROWS = [f"apple pear {i}" for i in range(60)]


def save(kind: str, name: str, **changes) -> None:
    """A tiny model in a folder of the current one; with changes, its body is made anew."""
    folder = Path(name)
    folder.mkdir()
    tiny_hub.save(kind, ROWS, folder, layers=4)
    if changes:
        config = transformers.AutoConfig.from_pretrained(folder)
        for field, value in changes.items():
            setattr(config, field, value)
        transformers.AutoModel.from_config(config).save_pretrained(folder)


@pytest.fixture
def said(tmp_path, monkeypatch):
    """What a study is refused with; empty where nothing stands in the way."""
    monkeypatch.chdir(tmp_path)
    table = "".join(f"{text},{i % 2}\n" for i, text in enumerate(ROWS))
    Path("texts.csv").write_text("text,label\n" + table)

    def said(model: str, init: str, method: str = "LS()", task: str = "texts") -> str:
        text = STUDY.replace("TASK", task).replace("MODEL", model)
        Path("study.py").write_text(text.replace("INIT", init).replace("METHOD", method))
        try:
            preflight(load_study(Path("study.py")), Path("study.py"), Store("runs").cache)
        except NotReady as refused:
            return str(refused)
        return ""

    return said


@pytest.fixture
def bert(said):
    save("bert", "bert")


@pytest.mark.usefixtures("bert")
def test_what_fits_is_not_refused(said):
    shutil.copytree("bert", "copy")
    for init in ('"pretrained"', '"scratch"', 'Path("copy")'):
        assert said('HubModel("./bert")', init) == ""
    for first in (0, 1):
        assert said('HubModel("./bert", layers=2)', f'every_second_layer("./bert", {first})') == ""
    teacher = 'KD(teacher=HubModel("./bert"))'
    assert said('HubModel("./bert", layers=2)', '"scratch"', teacher) == ""


@pytest.mark.usefixtures("bert")
def test_weights_of_another_width_are_named_once_with_both_shapes(said):
    save("bert", "wide", hidden_size=64)
    found = said('HubModel("./bert")', 'Path("wide")')
    assert "one thing stands" in found
    assert "wide does not fit BertForSequenceClassification: bert." in found
    assert "has the shape (64,) in place of (32,)" in found
    assert "-> give the model weights of its own architecture" in found
    found = said('HubModel("./bert", layers=2)', 'every_second_layer("./wide")')
    assert "(64,) in place of (32,)" in found


@pytest.mark.usefixtures("bert")
def test_weights_of_another_architecture_than_the_configuration_are_named(said):
    save("gpt2", "gpt2")
    shutil.copy("gpt2/model.safetensors", "bert/model.safetensors")
    for model, init, method in (
        ('HubModel("./bert")', '"pretrained"', "LS()"),
        ('HubModel("./gpt2")', '"scratch"', 'KD(teacher=HubModel("./bert"))'),
    ):
        found = said(model, init, method)
        assert "one thing stands" in found
        assert "does not fit BertForSequenceClassification: it has no bert.embeddings." in found
    assert said('HubModel("./bert")', '"scratch"') == ""


@pytest.mark.usefixtures("bert")
def test_too_few_and_too_many_layers_are_counted(said):
    save("bert", "shallow", num_hidden_layers=2)
    assert "it has no bert.encoder.layer.2." in said('HubModel("./bert")', 'Path("shallow")')
    assert "of 2 layers: it has " in said('HubModel("./shallow")', 'Path("bert")')
    assert "makes 2 layers" in said('HubModel("./bert")', 'every_second_layer("./bert")')


def test_every_misfit_is_listed_at_once_beside_what_is_missing(said):
    for name, width in (("narrow", 16), ("bert", 32), ("wide", 64)):
        save("bert", name, hidden_size=width)
    inits = '[Path("narrow"), Path("wide"), Path("nowhere")]'
    found = said('HubModel("./bert")', inits)
    assert "3 things stand" in found
    for shape in ("(16,) in place of (32,)", "(64,) in place of (32,)", "no folder nowhere"):
        assert shape in found


@pytest.mark.usefixtures("bert")
def test_of_the_weights_only_the_headers_are_read(said, monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("weights were read")

    monkeypatch.setattr("hashlib.file_digest", refuse)
    monkeypatch.setattr("trainers.models.body.load_file", refuse)
    (file,) = weight_files(Path("bert"))
    header = 8 + int.from_bytes(file.read_bytes()[:8], "little")
    with file.open("r+b") as whole:  # a hole in place of the numbers
        size = file.stat().st_size
        whole.truncate(header)
        whole.truncate(size)
    assert said('HubModel("./bert")', '"pretrained"') == ""


def test_weights_of_small_models_of_ones_own_are_looked_at_too(said, tmp_path):
    task = Digits()
    save_model(ResNet((16,)).module(task, tmp_path), tmp_path / "model.safetensors")
    assert said("ResNet((16,))", 'Path(".")', task="Digits()") == ""
    found = said("ResNet((8,))", 'Path(".")', task="Digits()")
    assert "size mismatch for embedder.embedder.convolution.weight" in found


def test_bert_is_looked_at_once_its_task_has_a_vocabulary(said, tmp_path):
    said("Bert(width=32)", '"scratch"')
    task = load_study(Path("study.py")).tasks[0]
    folder = tmp_path / "prepared"
    folder.mkdir()
    task.prepare(folder)
    Path("own").mkdir()
    save_model(Bert(width=32, layers=1).module(task, folder), Path("own/model.safetensors"))
    init = Path("own").resolve()
    assert Bert(width=32, layers=1).misfit(task, folder, init) is None
    assert Bert(width=64, layers=1).misfit(task, tmp_path / "not yet", init) is None
    assert "size mismatch" in Bert(width=64, layers=1).misfit(task, folder, init).where


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_a_padding_token_that_the_model_does_not_know_is_said(said, kind):
    save(kind, f"padded-{kind}")
    tokenizer = transformers.AutoTokenizer.from_pretrained(f"padded-{kind}")
    known = json.loads(Path(f"padded-{kind}/config.json").read_text())["vocab_size"]
    tokenizer.add_special_tokens({"pad_token": "<fill>"})
    tokenizer.save_pretrained(f"padded-{kind}")
    found = said(f'HubModel("./padded-{kind}")', '["pretrained", "scratch"]')
    assert "one thing stands" in found
    assert f"with the number {known}, but there are {known} embeddings" in found
    assert "tokenizer.pad_token = tokenizer.eos_token" in found
    row = Examples(np.array([0]), np.array([0]), {"text": ROWS[:1]})
    with pytest.raises(ModelError, match=f"gives the number {known}, but"):
        HubModel(f"./padded-{kind}").encode(row, Path(), 16)
