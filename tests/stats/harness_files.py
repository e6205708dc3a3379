"""Files as lm-evaluation-harness 0.4 writes them, with `--output_path` and `--log_samples`."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DATE = "2026-03-01T12-30-00.123456"


def write_results(
    folder: Path,
    model: str,
    results: Mapping[str, Mapping[str, Any]],
    *,
    date: str = DATE,
    shots: int = 5,
    **more: Any,
) -> Path:
    """`results_DATE.json` in the folder that is called after the model."""
    place = folder / model.replace("/", "__")
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"results_{date}.json"
    held = {
        "results": {task: {"alias": task, **row} for task, row in results.items()},
        "group_subtasks": {task: [] for task in results},
        "configs": {task: {"task": task, "output_type": "multiple_choice"} for task in results},
        "versions": dict.fromkeys(results, 1.0),
        "n-shot": dict.fromkeys(results, shots),
        "higher_is_better": {
            task: {name.split(",")[0]: "perplexity" not in name for name in row if "," in name}
            for task, row in results.items()
        },
        "n-samples": {task: {"original": 100, "effective": 100} for task in results},
        "config": {
            "model": "hf",
            "model_args": f"pretrained={model},dtype=bfloat16",
            "limit": None,
            "random_seed": 0,
        },
        "git_hash": "e4d2b3c",
        "date": 1772368200.0,
        "transformers_version": "5.23.0",
        "task_hashes": {},
        "model_source": "hf",
        "model_name": model,
        "model_name_sanitized": model.replace("/", "__"),
    }
    path.write_text(json.dumps(held | more, indent=2))
    return path


def write_samples(
    folder: Path,
    model: str,
    task: str,
    metrics: Mapping[str, Sequence[Any]],
    *,
    date: str = DATE,
    filters: Sequence[str] = ("none",),
    passages: Sequence[Any] | None = None,
) -> Path:
    """`samples_TASK_DATE.jsonl` beside it: a line for each filter and document."""
    place = folder / model.replace("/", "__")
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"samples_{task}_{date}.jsonl"
    lines = []
    for kind in filters:
        for i in range(len(next(iter(metrics.values())))):
            doc = {"question": f"question {i} of {task}", "answer": "yes"}
            doc |= {} if passages is None else {"passage": {"id": passages[i]}}
            record = {
                "doc_id": i,
                "doc": doc,
                "target": "yes",
                "arguments": {"gen_args_0": {"arg_0": doc["question"], "arg_1": " yes"}},
                "resps": [[["-1.5", "True"]]],
                "filtered_resps": [["-1.5", "True"]],
                "filter": kind,
                "metrics": list(metrics),
                "doc_hash": hashlib.sha256(json.dumps(doc).encode()).hexdigest(),
                "prompt_hash": "0" * 64,
                "target_hash": "1" * 64,
            }
            lines.append(json.dumps(record | {name: row[i] for name, row in metrics.items()}))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_accuracy(
    folder: Path, model: str, task: str, right: Sequence[int], **more: Any
) -> tuple[Path, Path]:
    """Results and samples of one accuracy, which fit each other."""
    mean = sum(right) / len(right)
    error = math.sqrt(mean * (1 - mean) / (len(right) - 1))
    scores = {task: {"acc,none": mean, "acc_stderr,none": error}}
    samples = write_samples(folder, model, task, {"acc": [float(each) for each in right]}, **more)
    return write_results(folder, model, scores), samples
