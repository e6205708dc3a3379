"""Fetching through the hub's own library, from a server that answers as the hub does."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from benchmark.cli import main
from benchmark.session import fetching
from tests.benchmark.hub_server import serving
from tests.trainers import tiny_hub
from trainers.resolve.hub import VARIABLE

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Part, TextTask

PARTS = {"dev": Part("train", 10), "test": Part("train", 10)}
study = Study(
    name="fetched",
    task=TASK,
    arms=Arm.grid(HubModel("owner/small"), INIT, [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0),
    training=Training(epochs=1, max_length=16, batch_size=8, device="cpu"),
)
"""
ROWS = b"".join(b'{"text": "review number %d", "label": %d}\n' % (i, i % 2) for i in range(60))
CARD = b"""---
configs:
- config_name: one
  data_files:
  - split: train
    path: one/train*
- config_name: two
  data_files:
  - split: train
    path: two/train*
---
"""


BOTH_SPLITS = b"""  - split: train
    path: one/train*
  - split: validation
    path: one/dev*
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> dict[str, bytes]:
    """The files of a tiny model."""
    folder = tmp_path_factory.mktemp("small")
    tiny_hub.save("bert", (f"review number {i}" for i in range(60)), folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(small, monkeypatch, tmp_path):
    """A hub with a model and two data sets, one of them a program; the study is beside it."""
    useless = {"training_args.bin": b"x", "onnx/model.onnx": b"x", "tf_model.h5": b"x"}
    cards = {"README.md": CARD, "one/train.jsonl": ROWS, "two/train.jsonl": ROWS}
    repositories = {
        "models/owner/small": {"main": small | useless},
        "datasets/owner/cards": {"main": cards},
        "datasets/owner/program": {
            "main": {"program.py": b"print()"},
            "refs/convert/parquet": {"default/train/0000.jsonl": ROWS},
        },
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # is put back after the command set it
    with serving(repositories) as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        yield found


@pytest.fixture
def study(tmp_path):
    """Writes a study file."""

    def study(task: str, init: str = '"pretrained"') -> str:
        path = tmp_path / "study.py"
        path.write_text(STUDY.replace("TASK", task).replace("INIT", init))
        return str(path)

    return study


CARDS = 'TextTask("owner/cards", config="one", **PARTS)'
PROGRAM = 'TextTask("owner/program", **PARTS)'


def fetch(file: str) -> int:
    return main(["fetch", file, "--data", "filled"])


def filled() -> set[str]:
    """What is in the folder under the name that it is read by."""
    paths = (p.relative_to("filled") for p in Path("filled").rglob("*") if p.is_file())
    return {p.as_posix() for p in paths if p.parts[0] != ".fetching"}


def test_what_is_fetched_is_what_the_study_reads_and_nothing_more(hub, study, small):
    file = study(f"({CARDS}, {PROGRAM})")
    assert fetch(file) == 0
    assert filled() == {
        *(f"owner/small/{name}" for name in (*small, fetching.RECORD)),
        *(f"owner/cards/{name}" for name in ("README.md", "one/train.jsonl", fetching.RECORD)),
        *(f"owner/program/{name}" for name in ("default/train/0000.jsonl", fetching.RECORD)),
    }
    for name, content in small.items():
        assert Path("filled/owner/small", name).read_bytes() == content
    asked = len(hub.asked)
    assert fetch(file) == 0
    assert main(["plan", file, "--data", "filled", "--store", "runs"]) == 0
    assert len(hub.asked) == asked  # neither a second fetch nor planning asks the hub


def test_the_revision_is_recorded_and_kept_for_what_is_fetched_later(hub, study):
    assert fetch(study(CARDS, '"scratch"')) == 0
    assert not any("safetensors" in name for name in filled())
    record = json.loads(Path("filled/owner/cards", fetching.RECORD).read_text())
    first = hub.commit("datasets/owner/cards", "main")
    assert record["revision"] == first
    assert record["files"]["one/train.jsonl"] == len(ROWS)
    both = f'({CARDS}, TextTask("owner/cards", config="two", **PARTS))'
    assert fetch(study(both)) == 0
    assert {"owner/cards/two/train.jsonl", "owner/small/model.safetensors"} <= filled()
    later = json.loads(Path("filled/owner/cards", fetching.RECORD).read_text())
    assert later["revision"] == first
    assert set(later["files"]) == {"README.md", "one/train.jsonl", "two/train.jsonl"}


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json"])
def test_what_came_wrong_is_nowhere_to_be_read_and_the_rest_goes_on(hub, study, capsys, damaged):
    hub.altered |= {damaged}
    assert fetch(study(CARDS)) == 2
    assert f"{damaged} came otherwise" in capsys.readouterr().err
    assert not any(name.startswith("owner/small") for name in filled())
    assert "owner/cards/one/train.jsonl" in filled()
    hub.altered.clear()
    assert fetch(study(CARDS)) == 0
    sent = hub.sent()
    assert sent.count(damaged) == 2
    assert sent.count("one/train.jsonl") == sent.count("config.json") == 1


def test_a_download_goes_on_where_it_broke_off(hub, study, small, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024)
    hub.breaks_in |= {"model.safetensors"}
    assert fetch(study(CARDS)) == 0
    starts = [first for method, path, first in hub.asked if method == "GET" and "safetens" in path]
    assert starts[0] == 0
    assert starts[-1] > 0
    assert Path("filled/owner/small/model.safetensors").read_bytes() == small["model.safetensors"]


def test_pickled_weights_are_fetched_unopened_and_refused_with_the_conversion(
    hub, study, small, capsys
):
    weights = {"layer.weight": torch.zeros(2)}
    torch.save(weights, "pickled")
    main_branch = hub.repositories["models/owner/small"]["main"]
    del main_branch["model.safetensors"]
    main_branch["pytorch_model.bin"] = Path("pickled").read_bytes()
    file = study(CARDS)
    assert fetch(file) == 2
    said = capsys.readouterr().err
    assert "holds its weights as a pickle" in said
    (command,) = [line for line in said.splitlines() if "save_file" in line]
    assert "weights_only=True" in command
    Path("filled/owner/small/model.safetensors").write_bytes(save(weights))
    assert fetch(file) == 0


@pytest.mark.slow
def test_names_and_configurations_that_the_hub_has_not_are_said(hub, study, capsys):
    assert fetch(study('TextTask("owner/nobody", **PARTS)', '"scratch"')) == 2
    assert 'has no data "owner/nobody", or hides it' in capsys.readouterr().err
    assert fetch(study('TextTask("owner/cards", config="three", **PARTS)', '"scratch"')) == 2
    assert 'no configuration "three" among one, two' in capsys.readouterr().err
    split = 'TextTask("owner/cards", config="one", dev=Part("dev", 3), test=Part("train", 3))'
    assert fetch(study(split)) == 2
    said = capsys.readouterr().err
    assert 'there is no split "dev" among train' in said
    assert "-> correct the data, or what the task says of them" in said
    assert main(["plan", study(split), "--data", "filled"]) == 2
    assert "bench fetch" not in capsys.readouterr().err
    Path("filled/owner/cards/one/train.jsonl").unlink()
    assert main(["plan", study(CARDS, '"scratch"'), "--data", "filled"]) == 2
    assert "bench fetch" in capsys.readouterr().err


def test_a_split_that_the_card_has_and_the_folder_not_is_to_be_fetched(hub, study, capsys):
    card = CARD.replace(b"  - split: train\n    path: one/train*\n", BOTH_SPLITS)
    hub.repositories["datasets/owner/cards"]["main"] |= {
        "README.md": card,
        "one/dev.jsonl": ROWS.replace(b"review", b"other"),
    }
    task = 'TextTask("owner/cards", config="one", dev=Part("validation"), test=Part("train", 9))'
    assert fetch(study(task, '"scratch"')) == 0
    Path("filled/owner/cards/one/dev.jsonl").unlink()
    assert main(["plan", study(task, '"scratch"'), "--data", "filled"]) == 2
    said = capsys.readouterr().err
    assert 'no file is here of the split "validation"' in said
    assert "bench fetch" in said


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_network_it_says_so_at_once(hub, study, monkeypatch, capsys, offline):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch(study(CARDS)) == 2
    said = capsys.readouterr().err
    assert ("HF_HUB_OFFLINE is set" in said) == offline
    assert "bench fetch needs a network" in said
    assert not filled()
    assert os.listdir("filled") == [".fetching"]
