"""Weights and tokenizers that are here but fit no model are said before anything is trained."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import transformers
from safetensors.torch import load_file, save_file, save_model

from benchmark.checks.preflight import preflight
from benchmark.declare.loading import load_study
from benchmark.errors import StudyError
from benchmark.store.store import Store
from tests.trainers import tiny_hub
from trainers.errors import ModelError
from trainers.models import Bert, HubModel, ResNet
from trainers.models.stored.weight_files import weight_files
from trainers.tasks import Digits, Examples

STUDY = """
from pathlib import Path
from benchmark import Arm, Comparison, Judging, Study
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
    judging=Judging(margin=1.0),
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
        except StudyError as refused:
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
def test_weights_are_held_against_their_model_by_their_headers_and_read_a_weight_at_a_time(
    said, monkeypatch
):
    def refuse(*arguments, **keywords):
        raise AssertionError("weights were read")

    monkeypatch.setattr("hashlib.file_digest", refuse)
    monkeypatch.setattr("trainers.models.stored.body.load_file", refuse)
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


RENAMED = {"module.": "module.", "_orig_mod.module.": "_orig_mod.module.", "bert.": ""}


@pytest.mark.slow
@pytest.mark.usefixtures("bert")
@pytest.mark.parametrize(
    "prefix", ["module.", *(pytest.param(p, marks=pytest.mark.slow) for p in [*RENAMED][1:])]
)
def test_names_of_weights_that_all_begin_alike_are_told_with_what_renames_them(said, prefix):
    weights = load_file("bert/model.safetensors")
    renamed = {f"{prefix}{name}": weight for name, weight in weights.items()}
    save_file(renamed, "bert/model.safetensors", {"format": "pt"})
    found = said('HubModel("./bert")', '"pretrained"')
    if not RENAMED[prefix]:
        assert found == ""
        return
    assert f'bert begin with "{prefix}"' in found
    line = next(line for line in found.splitlines() if "-> " in line)
    mend = shlex.split(line.partition("-> ")[2])
    subprocess.run([sys.executable, *mend[1:]], check=True)
    assert said('HubModel("./bert")', '"pretrained"') == ""


@pytest.mark.sampled(test=3)
@pytest.mark.usefixtures("bert")
@pytest.mark.parametrize(
    "value",
    [float("nan"), *(pytest.param(s * float("inf"), marks=pytest.mark.slow) for s in (1, -1))],
)
def test_weights_that_are_no_numbers_are_found_wherever_they_are_read(said, value):
    save("bert", "teacher")
    weights = load_file("teacher/model.safetensors")
    weights["encoder.layer.1.output.dense.weight"][3, 4] = value
    save_file(weights, "teacher/model.safetensors", {"format": "pt"})
    for model, init, method in (
        ('HubModel("./teacher")', '"pretrained"', "LS()"),
        ('HubModel("./bert")', 'Path("teacher")', "LS()"),
        ('HubModel("./bert")', '"scratch"', 'KD(teacher=HubModel("./teacher"))'),
    ):
        found = said(model, init, method)
        assert "one thing stands" in found
        assert "1 of the 2,048 numbers of encoder.layer.1.output.dense.weight in teacher" in found
    assert said('HubModel("./teacher")', '"scratch"') == ""


@pytest.mark.usefixtures("bert")
def test_a_tokenizer_of_another_model_is_told_by_its_number_of_tokens(said):
    tokenizer = transformers.AutoTokenizer.from_pretrained("bert")
    tokenizer.add_tokens(["<one>", "<two>"])
    tokenizer.save_pretrained("bert")
    known = json.loads(Path("bert/config.json").read_text())["vocab_size"]
    found = said('HubModel("./bert")', '["pretrained", "scratch"]')
    assert f"its tokenizer has {known + 2} tokens, and there are {known} embeddings" in found


@pytest.mark.usefixtures("bert")
@pytest.mark.parametrize("content", ["", "[PAD]\n[UNK]\n"])
def test_a_vocabulary_without_a_word_is_told(said, content):
    for file in Path("bert").glob("*token*"):
        file.unlink()
    Path("bert/vocab.txt").write_text(content)
    assert "tokenizer" in said('HubModel("./bert")', '"scratch"')


@pytest.mark.sampled(test=3)
@pytest.mark.usefixtures("bert")
@pytest.mark.parametrize(
    "index",
    [
        '{"weight_map": {"a": 3}}',
        '{"weight_map": {"a": ["x"]}}',
        '{"weight_map": {"a": "../bert/other.safetensors"}}',
        '{"weight_map": {"a": "gone.safetensors"}}',
        '{"weight_map": {"a": null, "b": "model.safetensors"}}',
        '{"weight_map": {}}',
        '{"weight_map": null}',
        "[1, 2]",
        "{",
        "[" * 100_000,
    ],
)
def test_an_index_of_weights_that_lists_no_files_is_told(said, index):
    Path("bert/model.safetensors").rename("bert/other.safetensors")
    Path("bert/model.safetensors.index.json").write_text(index)
    found = said('HubModel("./bert")', '"pretrained"')
    assert "one thing stands" in found
    assert "ind" in found


@pytest.mark.usefixtures("bert")
@pytest.mark.parametrize(
    "entries",
    [
        {"attn_implementation": "kernels-community/flash-attn"},
        {"_attn_implementation": "kernels-community/flash-attn3|f"},
        {"_attn_implementation_internal": "flash_attention_2"},
        {"auto_map": {"AutoConfig": "nobody/x--c.C", "AutoModel": "nobody/x--m.M"}},
        {"transformers_weights": "../elsewhere.safetensors"},
        {"trust_remote_code": True, "use_kernels": True, "kernel_config": {"a": "b/c"}},
    ],
)
def test_a_configuration_makes_nothing_be_fetched_or_executed(said, entries):
    built = HubModel("./bert").build(Digits(), Path(), 1, None)
    path = Path("bert/config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    assert said('HubModel("./bert")', '"pretrained"') == ""
    again = HubModel("./bert").build(Digits(), Path(), 1, None)
    assert again.config.to_dict() == built.config.to_dict()


@pytest.mark.usefixtures("bert")
@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, "holds its weights quantised"),
        ({"model_type": ["bert"]}, "is no JSON object with a model_type"),
        ({"num_hidden_layers": 10**9}, "asks for 1,000,000,000 layers"),
        ({"num_attention_heads": 0}, "makes no bert: ZeroDivisionError"),
        ({"max_position_embeddings": -1}, "makes no bert: RuntimeError"),
        ({"hidden_act": "nobody's"}, "makes no bert: KeyError"),
        ({"hidden_size": None}, "config.json cannot be read: Validation error"),
    ],
)
def test_a_configuration_that_cannot_be_is_told_in_a_sentence(said, entries, told):
    path = Path("bert/config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    assert told in said('HubModel("./bert")', '"pretrained"')
