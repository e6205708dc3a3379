"""Where the generators stand that a whole process shares.

Streams with names are functions of seed and step. What draws from these beside them, a method's
own code between two steps, finds them where it left them.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def shared_streams() -> dict[str, Any]:
    """The state of torch's, NumPy's and Python's own generators."""
    return {
        "cpu": torch.get_rng_state(),
        **{kind: own.get_rng_state() for kind, own in _devices().items()},
        "numpy": np.random.get_state(legacy=False),
        "python": random.getstate(),
    }


def put_back(streams: dict[str, Any]) -> None:
    """Have them go on from where they stood."""
    torch.set_rng_state(streams["cpu"])
    for kind, own in _devices().items():
        if kind in streams:
            own.set_rng_state(streams[kind])
    np.random.set_state(streams["numpy"])
    random.setstate(streams["python"])


def _devices() -> dict[str, Any]:
    """What computes beside the processor; a GPU is not begun with for this alone."""
    used = {"cuda": torch.cuda.is_initialized(), "mps": torch.mps.is_available()}
    return {kind: getattr(torch, kind) for kind, is_used in used.items() if is_used}
