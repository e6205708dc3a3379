"""Settings of torch that hold for a whole process and change what is computed.

The default type and the number of threads are put back when a study is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

_SETTINGS: Mapping[str, Callable[[], object]] = {
    "get_default_device()": torch.get_default_device,
    "get_float32_matmul_precision()": torch.get_float32_matmul_precision,
    "are_deterministic_algorithms_enabled()": torch.are_deterministic_algorithms_enabled,
    "is_grad_enabled()": torch.is_grad_enabled,
    "is_inference_mode_enabled()": torch.is_inference_mode_enabled,
    "is_autocast_enabled('cpu')": lambda: torch.is_autocast_enabled("cpu"),
    "is_autocast_enabled('cuda')": lambda: torch.is_autocast_enabled("cuda"),
    "set_flush_denormal": lambda: _flushes_denormal(),
    "overrides.modes": torch._C._len_torch_function_stack,
    "utils._python_dispatch.modes": torch._C._len_torch_dispatch_stack,
}
_FLAGS = {
    "backends.mkldnn": ("enabled", "deterministic", "allow_tf32"),
    "backends.cudnn": ("enabled", "benchmark", "deterministic", "allow_tf32"),
    "backends.cuda.matmul": (
        *("allow_tf32", "allow_fp16_accumulation", "allow_fp16_reduced_precision_reduction"),
        "allow_bf16_reduced_precision_reduction",
    ),
}


def torch_settings() -> dict[str, object]:
    """By name, what each of them is."""
    found: dict[str, object] = {name: str(ask()) for name, ask in _SETTINGS.items()}
    for place, names in _FLAGS.items():
        holder: Any = torch
        for part in place.split("."):
            holder = getattr(holder, part)
        found |= {f"{place}.{name}": str(getattr(holder, name, None)) for name in names}
    return found


def _flushes_denormal() -> bool:
    return (torch.tensor(1e-310, dtype=torch.float64, device="cpu") * 1.0).item() == 0.0
