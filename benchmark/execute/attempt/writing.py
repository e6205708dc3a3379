"""What a run whose model writes text needs beside others, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from benchmark.execute.attempt.recorder import Recorder
from benchmark.record.predictions import FILE
from benchmark.record.written import TEXTS
from benchmark.runs.kinds import TrainRun
from benchmark.store.cache import Cache
from trainers import text_metrics
from trainers.errors import MethodError
from trainers.generation.fit import TrainedWriter, WritingFit
from trainers.generation.writing import write
from trainers.tasks import Examples, Split

#: Signs of a source that are kept for the report; the data have the rest.
_SHOWN = 400


def about_writing(run: TrainRun, data: Path) -> Mapping[str, Any]:
    """What a `WritingFit` takes beside what any run does.

    Args:
        run: what is trained.
        data: where its task was prepared.
    """

    def columns(split: Split) -> Mapping[str, Sequence[str]]:
        inputs = run.task.load(split, data, run.seed).inputs
        return {name: [str(text) for text in values] for name, values in inputs.items()}

    return {
        "codec": run.model.codec(data),
        "decoding": run.task.decoding,
        "columns": columns,
    }


def is_told_texts(run: TrainRun) -> bool:
    """Whether it learns to write what its teacher has written."""
    return "teacher" in run.needs and run.needs["teacher"].output == "texts"


def leave_texts(run: TrainRun, cache: Cache, fit: WritingFit, model: nn.Module) -> None:
    """Have a finished model write its training set, for a student to learn from."""
    how = fit.codec, fit.decoding, fit.training, fit.seed
    texts = write(model, fit.train_set, *how)[0]
    with cache.making("texts", run.key) as folder:
        told = {"ids": fit.train_set.ids.tolist(), "texts": texts}
        (folder / TEXTS).write_text(json.dumps(told), encoding="utf-8")


def retold(examples: Examples, folder: Path) -> Examples:
    """The same with what a teacher wrote in place of their targets.

    Raises:
        MethodError: the teacher has not seen one of them.
    """
    told = json.loads((folder / TEXTS).read_text(encoding="utf-8"))
    written = dict(zip(told["ids"], told["texts"], strict=True))
    ids = examples.ids.tolist()
    if missing := [i for i in ids if i not in written]:
        raise MethodError(f"the teacher wrote nothing for example {missing[0]}.")
    return replace(examples, inputs={**examples.inputs, "target": [written[i] for i in ids]})


def attach_written(recorder: Recorder, trained: TrainedWriter) -> None:
    """Keep texts and scores of dev and test by example, and how BLEU and chrF were computed."""
    arrays = {
        f"{split}_{name}": values
        for split, written in trained.written.items()
        for name, values in (
            ("ids", written.ids),
            ("nll", written.nll),
            ("tokens", written.tokens),
            *written.rouge.items(),
        )
    }
    texts = {
        split: {
            "sources": [text[:_SHOWN] for text in written.sources],
            "references": [*written.references],
            "texts": [[*draw] for draw in written.texts],
        }
        for split, written in trained.written.items()
    }
    with recorder.writer.store.cache.scratch() as folder:
        np.savez_compressed(folder / FILE, allow_pickle=False, **arrays)
        (folder / TEXTS).write_text(json.dumps(texts), encoding="utf-8")
        for name in (FILE, TEXTS):
            recorder.attach(folder / name)
    recorder.tag({f"signature.{name}": told for name, told in text_metrics.signatures().items()})
