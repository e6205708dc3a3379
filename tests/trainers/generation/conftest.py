"""A task from text to text that tiny models learn in seconds, and the models."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainers.generation.fit import WritingFit
from trainers.inputs.batches import Encoded
from trainers.methods import Base, Method
from trainers.models import EncoderDecoder, HubModel, Model
from trainers.models.generation.tiny import save_tiny_writer
from trainers.settings import Training
from trainers.tasks import Decoding, GenerationTask, Part, Split

NOUNS = ["house", "river", "letter", "garden", "stone", "window", "winter", "street"]
FILLER = ["the", "a", "of", "near", "with", "under", "some", "many", "old", "new", "small"]
KINDS = ("own", "bart", "t5", "marian", "gpt2")
TRAINING = Training(
    epochs=2, batch_size=8, lr=5e-3, max_length=16, device="cpu", precision="float32"
)


def write_table(path: Path, rows: int = 300) -> Path:
    """Sentences of filler about two things, and what they are about."""
    draws = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["long", "short"])
        for _ in range(rows):
            first, second = draws.choice(NOUNS, 2, replace=False)
            filler = draws.choice(FILLER, draws.integers(3, 10)).tolist()
            place = int(draws.integers(1, len(filler)))
            long = [first, *filler[:place], second, *filler[place:]]
            table.writerow([" ".join(long), f"{first} and {second}" if place > 1 else first])
    return path


@dataclass(frozen=True)
class Place:
    """A task, its prepared folder, and where the tiny models lie."""

    task: GenerationTask
    folder: Path
    models: Path

    def model(self, kind: str, **fields: Any) -> Model:
        if kind == "own":
            own = {"layers": 1, "width": 32, "heads": 2, "positions": 64, "initializer_range": 0.1}
            return EncoderDecoder(**{**own, **fields})
        return HubModel(self.models / kind, **fields)

    def build(self, model: Model, seed: int = 1) -> Any:
        start = model.start("pretrained") if isinstance(model, HubModel) else None
        return model.build(self.task, self.folder, seed, start)

    def encode(self, model: Model, split: Split, few: int = 40) -> Encoded:
        examples = self.task.load(split, self.folder, 0)
        columns = {name: values[:few] for name, values in examples.inputs.items()}
        cut = type(examples)(examples.ids[:few], examples.labels[:few], columns)
        return model.encode(cut, self.folder, TRAINING.max_length)

    def fit(self, kind: str, method: Method | None = None, **fields: Any) -> WritingFit:
        """Ten steps on forty examples."""
        model = self.model(kind, **fields.pop("model", {}))
        training = fields.pop("training", TRAINING)
        asked = {"decoding": self.task.decoding, "seed": 1} | fields
        return WritingFit(
            model=self.build(model),
            method=method or Base(),
            train_set=self.encode(model, "train"),
            dev_set=self.encode(model, "dev", 12),
            training=training,
            metric="rougeL",
            codec=model.codec(self.folder),
            columns=lambda split: {
                name: texts[:12]
                for name, texts in self.task.load(split, self.folder, 0).inputs.items()
            },
            **asked,
        )


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    data = write_table(tmp_path_factory.mktemp("data") / "things.csv")
    task = GenerationTask(
        data,
        source="long",
        target="short",
        dev=Part("train", 24),
        test=Part("train", 24),
        vocabulary=300,
        decoding=Decoding(longest=8),
    )
    folder, models = tmp_path_factory.mktemp("prepared"), tmp_path_factory.mktemp("hub")
    task.prepare(folder)
    texts = [*task.corpus(folder)]
    for kind in KINDS[1:]:
        (models / kind).mkdir()
        save_tiny_writer(kind, models / kind, layers=2, texts=texts)
    return Place(task, folder, models)
