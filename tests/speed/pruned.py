"""Is a pruned model smaller or faster? Weights, FLOPs, file and time on a CPU, dense and pruned.

Run it with `python tests/speed/pruned.py [FOLDER [PRUNED]]`: of two folders that `bench
export-model` wrote, of a model in the hub's layout, or without any of a BERT of 4 layers × 128.
The last two are held against a copy without the smallest 90 % of each matrix of their layers.
What they have learned makes no difference to any of these numbers but the zip's. One thread,
float32, texts of 32 tokens; both models take turns, and times are medians with their quartiles.
"""

import argparse
import os
import time
import zlib
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from trainers.methods.pruning.masks import kept, matrices, zeros
from trainers.models import Bert
from trainers.models.stored.classifier_folder import load_classifier
from trainers.sizes import Size, forward_flops
from trainers.tasks import Docstrings

SPARSITY, BATCHES, TOKENS, REPETITIONS, WARM_UP = 0.9, (1, 32), 32, 60, 5


def pair(folders: list[Path]) -> list[nn.Module]:
    """A dense model and a pruned one, with what their folders hold or drawn."""
    if len(folders) == 2:
        return [load_classifier(each).eval() for each in folders]
    torch.manual_seed(0)
    if folders:
        dense = load_classifier(folders[0])
    else:
        dense, _ = Bert(layers=4, width=128).rehearsal(Docstrings(vocabulary=4096), 2, 8)
    return [dense.eval(), pruned(deepcopy(dense)).eval()]


@torch.no_grad()
def pruned(model: nn.Module) -> nn.Module:
    """A model whose matrices lose the smallest of their weights, in place."""
    for part in matrices(model):
        count = zeros(SPARSITY, part.weight.numel())
        part.weight[~kept(part.weight.abs(), count)] = 0
    return model


def inputs(rows: int) -> dict[str, torch.Tensor]:
    """Texts without padding."""
    draws = np.random.default_rng(0)
    tokens = torch.from_numpy(draws.integers(5, 600, (rows, TOKENS)))
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


@torch.inference_mode()
def milliseconds(models: list[nn.Module], rows: int, repetitions: int) -> list[np.ndarray]:
    """Quartiles of the time of a pass of each model; each goes first every second time."""
    batch, taken = inputs(rows), [[] for _ in models]
    for i in range(repetitions + WARM_UP):
        for which in range(len(models)) if i % 2 else reversed(range(len(models))):
            started = time.perf_counter()
            models[which](**batch)
            if i >= WARM_UP:
                taken[which].append(1e3 * (time.perf_counter() - started))
    return [np.percentile(each, (25, 50, 75)) for each in taken]


def main() -> None:
    """A line for each quantity."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    models, load = pair(options.folders), os.getloadavg()[0]
    sizes = [Size.of(each) for each in models]
    files = [save({n: w.contiguous() for n, w in each.state_dict().items()}) for each in models]
    flops = [forward_flops(each, inputs(1)) for each in models]
    rows = [
        ("parameters", [f"{each.parameters:,}" for each in sizes]),
        ("of them not zero", [f"{each.nonzero:,}" for each in sizes]),
        ("zeros in the layers' matrices", [f"{each.sparsity:.1%}" for each in sizes]),
        (f"million FLOPs of a text of {TOKENS} tokens", [f"{f.dense / 1e6:.1f}" for f in flops]),
        ("  without products with zero", [f"{f.nonzero / 1e6:.1f}" for f in flops]),
        ("MB of safetensors", [f"{len(each) / 1e6:.2f}" for each in files]),
        ("MB of them in a zip (DEFLATE)", [f"{len(zlib.compress(f)) / 1e6:.2f}" for f in files]),
    ]
    for batch in BATCHES:
        times = milliseconds(models, batch, options.repetitions)
        told = [f"{middle:.2f} ({low:.2f} to {high:.2f})" for low, middle, high in times]
        rows.append((f"ms of a batch of {batch}, one thread", told))
    print(f"dense and pruned; load before it {load:.1f}, after it {os.getloadavg()[0]:.1f}")
    for name, found in rows:
        print(f"{name:42}" + "".join(f"{each:>26}" for each in found))


if __name__ == "__main__":
    main()
