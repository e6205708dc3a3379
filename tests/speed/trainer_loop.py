"""Seconds that a run of `transformers.Trainer` takes, in a process of its own.

`python tests/speed/trainer_loop.py VARIANT DATA TRAIN EPOCHS RUNS SEED` is what study_vs_trainer.py
measures beside a study: "usual", "tuned" or "kd", on texts that armbench has prepared.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.nn import functional as F
from transformers import Trainer, TrainingArguments

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from trainers.machine.memory import keep_freed_memory
from trainers.metrics import accuracy
from trainers.models import Bert
from trainers.settings import has_native_bf16
from trainers.tasks import Docstrings

STUDENT, TEACHER = Bert(layers=2, width=128), Bert(layers=2, width=192)


class Taught(Trainer):
    """Distillation from a model that is asked in every step, as most people write it."""

    teacher: Any = None

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
        """(CE + 4 KL at τ = 2) / 2 in training, CE in evaluation."""
        out = model(**inputs)
        if model.training:
            with torch.no_grad():
                said = self.teacher(inputs["input_ids"], attention_mask=inputs["attention_mask"])
            own, its = F.log_softmax(out.logits / 2, -1), F.softmax(said.logits / 2, -1)
            out.loss = 0.5 * out.loss + 0.5 * 4 * F.kl_div(own, its, reduction="batchmean")
        return (out.loss, out) if return_outputs else out.loss


def rows(task: Docstrings, data: Path, split: Any) -> list[dict[str, Any]]:
    """A split as `Trainer` takes it."""
    encoded = STUDENT.encode(task.load(split, data, 0), data, 48)
    column = encoded.ragged["input_ids"]
    parts = np.split(column.values, column.offsets[1:-1])
    return [
        {"input_ids": part.tolist(), "labels": int(label), "length": len(part)}
        for part, label in zip(parts, encoded.labels, strict=True)
    ]


def collate(some: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """A batch that is filled up to its longest text."""
    width = max(len(row["input_ids"]) for row in some)
    words = torch.zeros(len(some), width, dtype=torch.long)
    mask = torch.zeros(len(some), width, dtype=torch.long)
    for i, row in enumerate(some):
        words[i, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
        mask[i, : len(row["input_ids"])] = 1
    labels = torch.tensor([row["labels"] for row in some])
    return {"input_ids": words, "attention_mask": mask, "labels": labels}


def arguments(tuned: bool, epochs: int, seed: int, scratch: str) -> TrainingArguments:
    """Of the demo's runs."""
    return TrainingArguments(
        output_dir=scratch,
        num_train_epochs=epochs,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=256,
        learning_rate=1e-3,
        optim="adamw_torch_fused",
        eval_strategy="epoch",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=seed,
        bf16=tuned and has_native_bf16("cpu"),
        train_sampling_strategy="group_by_length" if tuned else "random",
        remove_unused_columns=False,
    )


def main(variant: str, data: Path, train: int, epochs: int, runs: int, first: int) -> float:
    """Seconds a run takes, the mean over some."""
    transformers.logging.set_verbosity_error()
    keep_freed_memory()
    torch.set_num_threads(1 if variant == "tuned" else 2)
    task = Docstrings(label="package", train=train, dev=400, test=1600, vocabulary=4096)
    splits = {split: rows(task, data, split) for split in ("train", "dev", "test")}
    Taught.teacher = TEACHER.build(task, data, 0, None).eval()
    taken = []
    for seed in range(first * runs, (first + 1) * runs):
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            made = (Taught if variant == "kd" else Trainer)(
                model=STUDENT.build(task, data, seed, None),
                args=arguments(variant == "tuned", epochs, seed, scratch),
                train_dataset=splits["train"],
                eval_dataset=splits["dev"],
                data_collator=collate,
                compute_metrics=lambda said: {"accuracy": accuracy(said[0], said[1])},
            )
            made.train()
            made.predict(splits["test"])
        taken.append(time.perf_counter() - began)
    return sum(taken) / len(taken)


if __name__ == "__main__":
    variant, folder, *numbers = sys.argv[1:]
    print(main(variant, Path(folder), *map(int, numbers)))
