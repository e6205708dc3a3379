"""Runs to be trained as one, and the same runs to be trained alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from trainers.errors import Diverged
from trainers.inputs.batches import Encoded, Ragged
from trainers.loop import Fit, Trained
from trainers.methods import KD, LS, AnnealingKD, Base, Method
from trainers.models import Bert
from trainers.packed.models import left_to_transformers
from trainers.settings import Training
from trainers.stacked.fitting import misfit
from trainers.stacked.stack import Stack
from trainers.teacher import TeacherLogits

#: Two epochs, of which each ends with a short batch.
TRAINING = Training(epochs=2, batch_size=20, lr=2e-3, device="cpu", precision="float32")

#: Runs that differ in all that runs of a stack may differ in: seed, method, settings.
MIXED: tuple[tuple[int, Method, dict[str, Any]], ...] = (
    (1, Base(), {"lr": 1e-3}),
    (2, LS(0.2), {"weight_decay": 0.1, "warmup": 0.3, "select": "last"}),
    (2, KD(0.5, 2.0, teacher=Bert()), {"clip": None}),
    (5, AnnealingKD(t_max=1, phase_one=0.5, teacher=Bert()), {"clip": 0.1}),
    (3, Base(), {"schedule": "constant", "momentum": 0.5}),
)


def texts(n: int, seed: int = 0, types: bool = False) -> Encoded:
    """StackedTexts of 3 to 20 made-up words, whose class is that of their second word."""
    draws = np.random.default_rng(seed)
    rows = [draws.integers(4, 60, draws.integers(3, 21)).tolist() for _ in range(n)]
    labels = np.array([row[1] % 3 for row in rows])
    ragged = {"input_ids": Ragged.of(rows)}
    if types:
        ragged["token_type_ids"] = Ragged.of([draws.integers(0, 2, len(r)).tolist() for r in rows])
    return Encoded(np.arange(n), labels, ragged, {"input_ids": 0, "token_type_ids": 0})


def classifier(kind: str, seed: int, dropout: float = 0.1) -> torch.nn.Module:
    """A small classifier of transformers; words are told from each other from the start on."""
    import transformers as hub

    torch.manual_seed(seed)
    common = {"vocab_size": 60, "max_position_embeddings": 40, "num_labels": 3, "pad_token_id": 0}
    if kind == "DistilBert":
        config = hub.DistilBertConfig(
            dim=32,
            n_layers=2,
            n_heads=4,
            hidden_dim=64,
            dropout=dropout,
            attention_dropout=dropout,
            initializer_range=0.1,
            **common,
        )
    else:
        config = getattr(hub, f"{kind}Config")(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            initializer_range=0.1,
            **common,
        )
    return getattr(hub, f"{kind}ForSequenceClassification")(config)


def fits(
    runs: Sequence[tuple[int, Method, dict[str, Any]]] = MIXED,
    kind: str = "Bert",
    training: Training = TRAINING,
    dropout: float = 0.1,
    train: Encoded | None = None,
) -> list[Fit]:
    """Runs at their start, on texts that they share."""
    train, dev = train or texts(50), texts(30, seed=1, types=kind == "Bert")
    if kind == "Bert" and "token_type_ids" not in train.ragged:
        train = texts(50, types=True)
    logits = np.random.default_rng(2).normal(size=(len(train), 3)).astype(np.float32)
    teacher = TeacherLogits(train.ids, logits)
    return [
        Fit(
            model=classifier(kind, seed, dropout),
            method=method,
            train_set=train,
            dev_set=dev,
            training=replace(training, **own),
            seed=seed,
            teacher=teacher if method.teacher_for(training) else None,
        )
        for seed, method, own in runs
    ]


def stacked(some: Sequence[Fit], test: Encoded | None = None) -> list[Trained | Diverged]:
    """How they end as one."""
    assert misfit(some) == ""
    return Stack(some).run([(lambda: test) if test else None] * len(some))


def alone(fit: Fit, test: Encoded | None = None) -> Trained:
    """How a run ends that transformers computes, as on a GPU."""
    with left_to_transformers():
        return fit.run((lambda: test) if test else None)
