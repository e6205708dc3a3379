"""What a run finds on its machine, and what it takes of it."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import asdict

import torch

from trainers.machine.clock import Spent
from trainers.settings import Training


def make_repeatable(training: Training) -> None:
    """Fix what changes bits: the number of threads, and the choice of kernels on an accelerator."""
    torch.set_num_threads(training.threads)
    if training.device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Their gradients are sums in an order of chance, of which the line above only warns.
        torch.backends.cuda.enable_mem_efficient_sdp(False)
        torch.backends.cuda.enable_cudnn_sdp(False)


def spent(took: Spent) -> dict[str, float]:
    """What a run took as metrics, with the processors of the machine that its load is to be held
    against."""
    found = {name: value for name, value in asdict(took).items() if value is not None}
    return found | {"processors": float(os.cpu_count() or 1)}


def memory(device: str) -> dict[str, float]:
    """Most memory used so far, in megabytes: of the accelerator, or of this process.

    Of an accelerator also what was kept from other processes, which is what fits beside each other.
    """
    if device == "cuda":
        return {
            "peak_memory_mb": torch.cuda.max_memory_allocated() / 1e6,
            "reserved_memory_mb": torch.cuda.max_memory_reserved() / 1e6,
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_memory_mb": peak / 1e6 if sys.platform == "darwin" else peak / 1e3}
