"""What a model's folder must hold, what is refused in it, and what its digests depend on."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.trainers import tiny_hub
from trainers.errors import ModelError
from trainers.models import HubModel, every_second_layer
from trainers.models.stored.repository import Repository, conversion
from trainers.models.stored.weight_files import weights_digest


@pytest.fixture(scope="session")
def saved(words, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    return tiny_hub.save("bert", list(words.task.corpus(words.folder)), folder)


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    """A whole model that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def only(model: HubModel, init: object = "pretrained"):
    (needed,) = model.requirements(init)
    return needed


def pickle_weights(folder: Path, build: Callable) -> None:
    module = build(HubModel(folder))
    torch.save(module.bert.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


@pytest.fixture
def build(words):
    def make(model: HubModel, init: object = "pretrained"):
        return model.build(words.task, words.folder, 1, model.start(init))

    return make


def test_a_whole_folder_needs_nothing(folder):
    for init in ("pretrained", "scratch", every_second_layer(folder), folder):
        assert HubModel(folder).requirements(init) == ()


def test_a_name_that_is_nowhere_is_named_with_the_command_that_gets_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ARMBENCH_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    model = HubModel("nobody/no-such-model")
    needed = only(model)
    assert needed.get.startswith("bench fetch")
    assert "model*.safetensors" in needed.files
    with pytest.raises(ModelError, match=r"nobody/no-such-model.*bench fetch"):
        model.start("pretrained")


def test_a_missing_folder_is_not_taken_for_a_hub_name(tmp_path):
    needed = only(HubModel(tmp_path / "nothing"))
    assert "there is no folder" in needed.where
    assert needed.files == ()


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("name", ["plain", "o'brien's", 'a "$HOME" [b] {c}'])
def test_pickled_weights_are_refused_and_the_command_converts_them(folder, build, name):
    folder = folder.rename(folder.with_name(name))
    before = build(HubModel(folder)).bert.state_dict()
    pickle_weights(folder, build)
    needed = only(HubModel(folder))
    assert "pickle" in needed.where
    assert needed.get == conversion(folder)
    with pytest.raises(ModelError, match="pickle"):
        build(HubModel(folder))
    assert build(HubModel(folder), "scratch") is not None
    command = needed.get.replace("python", sys.executable, 1)
    subprocess.run(command, shell=True, check=True, timeout=60)
    after = build(HubModel(folder)).bert.state_dict()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())


def test_a_file_that_was_cut_off_is_refused(folder, build):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "no whole safetensors file" in only(HubModel(folder)).where
    with pytest.raises(ModelError, match="no whole safetensors file"):
        build(HubModel(folder))


def test_a_part_of_split_weights_that_is_missing_is_named(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    assert "lacks model-00002-of-00002.safetensors" in only(HubModel(folder)).where


def test_split_weights_are_read_as_whole_ones(folder, build):
    import transformers

    before = build(HubModel(folder)).bert.state_dict()
    module = transformers.AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    module.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 2
    after = build(HubModel(folder)).bert.state_dict()
    assert all(torch.equal(after[n], w) for n, w in before.items() if "pooler" not in n)


def test_a_folder_without_a_tokenizer_is_refused(folder, words):
    (folder / "tokenizer.json").unlink()
    for init in ("pretrained", "scratch"):
        assert "holds no tokenizer" in only(HubModel(folder), init).where


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("not json", "no JSON object with a model_type"),
        ("{}", "no JSON object with a model_type"),
        ('{"model_type": "mine", "auto_map": {"AutoConfig": "mine.C"}}', "code from the repo"),
    ],
)
def test_a_configuration_that_is_no_use_is_named(folder, config, reason):
    (folder / "config.json").write_text(config)
    assert reason in only(HubModel(folder)).where
    with pytest.raises(ModelError, match=reason):
        HubModel(folder).config(2)


def test_code_in_a_repository_is_never_run(folder, build):
    """A known type that also names code of its own is built from transformers' code alone."""
    marker = folder / "ran"
    (folder / "mine.py").write_text(f"open({str(marker)!r}, 'w').close()")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "mine.C", "AutoModelForSequenceClassification": "mine.M"}
    (folder / "config.json").write_text(json.dumps(config))
    assert type(build(HubModel(folder))).__module__.startswith("transformers.")
    assert not marker.exists()


def test_weights_of_another_shape_are_refused(folder, build):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 96}))
    with pytest.raises(ModelError, match="has the shape"):
        build(HubModel(folder))


def test_weights_that_lack_a_part_of_the_body_are_refused(folder, build):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"has no bert\.encoder\.layer\.1\.output\.dense\.weight"):
        build(HubModel(folder))


def test_the_tokenizer_of_a_larger_vocabulary_is_found_out(folder, words, build):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 20}))
    with pytest.raises(ModelError, match="another model's"):
        HubModel(folder).encode(words.task.load("dev", words.folder, 0), words.folder, 32)


def test_the_key_follows_the_contents_and_not_the_place(folder, tmp_path):
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    config = json.loads((moved / "config.json").read_text())
    named = config | {"_name_or_path": "/somewhere/else", "transformers_version": "4.0"}
    (moved / "config.json").write_text(json.dumps(named))
    one, other = HubModel(folder), HubModel(moved)
    assert one.specification() == other.specification()
    assert one.start("pretrained").digest == other.start("pretrained").digest
    (moved / "config.json").write_text(json.dumps(named | {"hidden_act": "relu"}))
    assert one.specification() != HubModel(moved).specification()


def test_every_file_that_changes_results_changes_a_digest(folder):
    before = Repository(folder).description(), weights_digest(folder)
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text() + " ")
    assert Repository(folder).description() != before[0]
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert weights_digest(folder) != before[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: HubModel(""),
        lambda: HubModel("x", layers=0),
        lambda: HubModel("x", image_size=0),
        lambda: HubModel("x", dtype="float16"),
        lambda: HubModel("x", pretraining=object()),
    ],
)
def test_impossible_declarations_are_refused(make):
    with pytest.raises(ModelError):
        make()
