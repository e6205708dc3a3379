"""A text task small enough to train on in a second, and steps made by hand."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainers import tiny_hub
from tests.trainers.hub_places import Place
from trainers.inputs import wordpiece
from trainers.methods import Base, Step
from trainers.models import Bert
from trainers.tasks import Digits, Examples, Split, Task

# As in a run (Training.threads). Several test processes with several threads each only wait.
torch.set_num_threads(1)

WORDS = {
    "fruit": ["apple", "pear", "plum"],
    "tools": ["hammer", "saw", "drill"],
    "birds": ["robin", "heron", "finch"],
}
FILLER = ["the", "a", "of", "near", "with", "under", "some", "many", "old", "new", "small"]


@dataclass(frozen=True)
class Words(Task):
    """Sentences of filler around one word that gives the class away."""

    @property
    def name(self) -> str:
        return "words"

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(WORDS)

    @property
    def sizes(self) -> Mapping[Split, int]:
        return {"train": 96, "dev": 48, "test": 60}

    def fingerprint(self) -> str:
        return "words-1"

    def specification(self) -> dict[str, Any]:
        return {"task": "Words", "fingerprint": self.fingerprint()}

    def prepare(self, folder: Path) -> None:
        draws = np.random.default_rng(0)
        rows = []
        for split, size in self.sizes.items():
            for i in range(size):
                label = i % len(WORDS)
                words = list(draws.choice(FILLER, draws.integers(3, 12)))
                words.insert(
                    draws.integers(len(words) + 1), draws.choice(list(WORDS.values())[label])
                )
                rows.append([split, label, " ".join(words)])
        (folder / "rows.json").write_text(json.dumps(rows))
        wordpiece.train([text for _, _, text in rows] * 5, 600, folder / "tokenizer.json")

    def load(self, split: Split, folder: Path, seed: int) -> Examples:
        rows = json.loads((folder / "rows.json").read_text())
        ids = [i for i, row in enumerate(rows) if row[0] == split]
        labels = np.array([rows[i][1] for i in ids])
        return Examples(np.array(ids), labels, {"text": [rows[i][2] for i in ids]})

    def corpus(self, folder: Path) -> Iterator[str]:
        rows = json.loads((folder / "rows.json").read_text())
        yield from (text for split, _, text in rows * 20 if split == "train")


@dataclass(frozen=True)
class Prepared:
    """A task, its folder and a model for it."""

    task: Words
    folder: Path
    model: Bert

    def encode(self, split: Split):
        return self.model.encode(self.task.load(split, self.folder, 0), self.folder, 32)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """As a run has by default; tiny models only wait for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("words")
    task = Words()
    task.prepare(folder)
    return Prepared(task, folder, Bert(layers=1, width=32, heads=2, initializer_range=0.1))


@pytest.fixture(scope="session")
def text(words, tmp_path_factory) -> Place:
    models = tmp_path_factory.mktemp("hub")
    texts = list(words.task.corpus(words.folder))
    for kind in tiny_hub.TEXT:
        (models / kind).mkdir()
        tiny_hub.save(kind, texts, models / kind)
    return Place(words.task, words.folder, models)


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Place:
    models, folder = tmp_path_factory.mktemp("hub"), tmp_path_factory.mktemp("digits")
    task = Digits(digits=(0, 1, 2), train=96, dev=48, test=60)
    task.prepare(folder)
    for kind in tiny_hub.IMAGES:
        (models / kind).mkdir()
        tiny_hub.save(kind, [], models / kind)
    return Place(task, folder, models)


@pytest.fixture
def step_of() -> Callable[..., Step]:
    """A step whose model is a fixed table of logits."""

    def make(
        logits: torch.Tensor, labels: torch.Tensor, teacher: torch.Tensor | None = None
    ) -> Step:
        return Step(
            model=torch.nn.Identity(),
            inputs={},
            labels=labels,
            number=0,
            phase=0,
            epoch=0,
            epochs=1,
            progress=0.0,
            state=SimpleNamespace(),
            method=Base(),
            run_model=lambda _: logits,
            restart_dropout=lambda: None,
            make_generator=lambda *_: torch.Generator(),
            look_up_teacher=None if teacher is None else lambda: teacher,
        )

    return make
