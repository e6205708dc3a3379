"""How a run is trained, apart from its method: the optimiser's settings, precision, device."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from trainers.errors import SettingsError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bf16"]


@dataclass(frozen=True)
class Training:
    """Settings of the training loop; the defaults are those of fine-tuning a BERT.

    Attributes:
        epochs: passes over the training set.
        batch_size: examples a step.
        lr: peak learning rate of AdamW.
        warmup: share of all steps in which the rate rises linearly, before it falls to zero.
        weight_decay: decoupled decay of matrices; biases and normalisation weights are exempt.
        clip: largest norm of the whole gradient.
        max_length: tokens after which a text is cut.
        select: which checkpoint is scored on test, the "best" epoch on dev or the "last".
        precision: "bf16" trains under autocast with float32 weights; "auto" takes it where the
            hardware computes it natively.
        device: "auto" takes CUDA, then MPS, then the CPU.
        threads: intra-operator threads on the CPU. They change results in the last bits, so they
            are part of a run's key.
    """

    epochs: int = 3
    batch_size: int = 32
    lr: float = 5e-5
    warmup: float = 0.06
    weight_decay: float = 0.01
    clip: float = 1.0
    max_length: int = 128
    select: Literal["best", "last"] = "best"
    precision: Precision = "auto"
    device: Device = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "max_length", "threads"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SettingsError(f"{name} must be a whole number of at least 1, not {value!r}.")
        for name, low, high in (
            ("lr", 0.0, float("inf")),
            ("clip", 0.0, float("inf")),
        ):
            value = getattr(self, name)
            if not _is_number(value) or not low < value <= high:
                raise SettingsError(f"{name} must be a number above {low:g}, not {value!r}.")
        if not _is_number(self.warmup) or not 0 <= self.warmup < 1:
            raise SettingsError(
                f"warmup is a share of the steps, 0 ≤ warmup < 1, not {self.warmup!r}."
            )
        if not _is_number(self.weight_decay) or self.weight_decay < 0:
            raise SettingsError(f"weight_decay must not be negative, got {self.weight_decay!r}.")
        for name, allowed in (
            ("select", ("best", "last")),
            ("precision", ("auto", "float32", "bf16")),
            ("device", ("auto", "cpu", "cuda", "mps")),
        ):
            if getattr(self, name) not in allowed:
                raise SettingsError(
                    f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}."
                )

    def resolved(self) -> "Training":
        """The same settings with this machine's device and precision in place of "auto".

        Raises:
            SettingsError: the device asked for is not there.
        """
        device = _device(self.device)
        precision = self.precision
        if precision == "auto":
            precision = "bf16" if has_native_bf16(device) else "float32"
        return replace(self, device=device, precision=precision)

    def specification(self) -> dict[str, Any]:
        """All fields, for the key of a run."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _device(asked: Device) -> Device:
    import torch

    available: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if asked == "auto":
        return next(device for device, there in available.items() if there)
    if not available[asked]:
        raise SettingsError(f'device="{asked}" is not available here; use device="auto" or "cpu".')
    return asked


def has_native_bf16(device: Device) -> bool:
    """Whether the hardware multiplies bfloat16 itself instead of emulating it."""
    import torch

    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False
