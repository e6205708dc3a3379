"""The page that lies beside a model: which run it is of, how it is loaded, what it scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmark.checks.preflight import size as in_words
from benchmark.declare.arm import Arm
from benchmark.model_export.writing import ExportedModel
from benchmark.record.provenance import version_of
from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import TrainRun
from benchmark.secrets import masked

_BY_TRANSFORMERS = """```python
from transformers import {model}, {reader}

model = {model}.from_pretrained(".")
{read}
```"""
_TEXT = """tokenizer = AutoTokenizer.from_pretrained(".")
inputs = tokenizer(["a text"], truncation=True, padding=True, return_tensors="pt")
logits = model(**inputs).logits"""
_IMAGES = """processor = AutoImageProcessor.from_pretrained(".")
# images are to have three channels: image.convert("RGB") of Pillow
logits = lambda images: model(**processor(images, return_tensors="pt")).logits"""
_BY_STUDY = """```python
from pathlib import Path

from safetensors.torch import load_model

from benchmark.declare.loading import load_study

study = load_study(Path({file!r}))  # the study file
arm = next(arm for arm in study.arms if arm.place == {place!r})
task = next(task for task in study.tasks if task.name == {task!r})
prepared = Path()  # the task's folder in mlruns/cache/data, for a model that reads in it
model = arm.model.build(task, prepared, seed={seed})
load_model(model, "model.safetensors")
```"""


def card(
    run: TrainRun, arm: Arm, study_file: Path, recorded: Recorded, written: ExportedModel, told: str
) -> str:
    """The page as Markdown.

    Args:
        run: whose model it is.
        arm: of the study, as declared.
        study_file: its name alone is told.
        recorded: the run as the record has it.
        written: what lies beside the page.
        told: how its predictions agree with the record.
    """
    parts = [
        f"# {run.name}",
        f"The model of one run of armbench {version_of('armbench')}: {run.task.name}, seed "
        f"{run.seed}, classes {', '.join(run.task.classes)}.",
        "\n".join([*size_lines(written), told]),
        *_loading(run, arm, study_file, written),
        "## Scores",
        _table(("score", "value"), _scores(recorded)),
        "## The run",
        _table(("what", "value"), _what(run, recorded)),
    ]
    return masked("\n\n".join(parts) + "\n")


def size_lines(written: ExportedModel) -> Iterator[str]:
    """How large it is, in sentences."""
    size, flops = written.size, written.flops
    zeros = f", {size.nonzero:,} of them not zero" if size.nonzero < size.parameters else ""
    yield f"{size.parameters:,} parameters{zeros}; {in_words(written.bytes)} of safetensors."
    yield f"A pass over {written.example}: {flops.dense / 1e6:,.3g} million FLOPs."
    if size.pruned:
        yield (
            f"Of the {size.prunable:,} weights of its layers' matrices {size.sparsity:.2%} are "
            f"zero: without them a pass would take {flops.nonzero / 1e6:,.3g} million FLOPs, but "
            "dense kernels compute all, and the file holds every zero."
        )


def _loading(run: TrainRun, arm: Arm, study_file: Path, written: ExportedModel) -> Iterator[str]:
    yield "## Loading it"
    if written.unlike:
        yield (
            f"transformers cannot load it: {written.unlike}. Weights lie in `model.safetensors` "
            "under the names of the model that its study declares:"
        )
        told = {"place": arm.place, "task": run.task.name, "seed": run.seed}
        yield _BY_STUDY.format(file=study_file.name, **told)
        return
    text = run.task.reads == "text"
    yield _BY_TRANSFORMERS.format(
        model=f"AutoModelFor{'Sequence' if text else 'Image'}Classification",
        reader="AutoTokenizer" if text else "AutoImageProcessor",
        read=_TEXT if text else _IMAGES,
    )
    yield from remarks(run, written)


def remarks(run: TrainRun, written: ExportedModel) -> Iterator[str]:
    """What else is to be known of a model that transformers loads, a sentence each."""
    if not written.has_reader:
        yield "Its study says how inputs are made; there is no tokenizer or image processor here."
    elif run.task.reads == "images":
        yield (
            "The run resized images as floating-point numbers, and the processor rounds to whole "
            "grey levels: logits differ in their last digits."
        )
    if written.read_otherwise:
        yield (
            f"The tokenizer reads {written.read_otherwise} texts of test otherwise than the run "
            "did, which put a token of its own between two texts, or in place of an empty one."
        )
    if run.training.precision == "bf16":
        yield (
            f'The run computed in bfloat16: under torch.autocast("{run.training.device}", '
            "dtype=torch.bfloat16) its very logits come out, without it those of float32."
        )


def _scores(recorded: Recorded) -> Iterator[tuple[str, str]]:
    for name, value in sorted(recorded.scores.items()):
        if name.startswith(("dev/", "test/")):
            yield name.replace("/", " "), f"{value:.6g}"


def _what(run: TrainRun, recorded: Recorded) -> Iterator[tuple[str, str]]:
    yield "key", run.key
    yield "MLflow's run", recorded.identity
    for name in ("model", "init", "method", "task", "seed"):
        yield name, run.tags()[name]
    for name, value in sorted(run.parameters.items()):
        yield name, str(value)


def _table(heading: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [heading, ("---", "---"), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
