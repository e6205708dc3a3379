"""How a run is trained, apart from its method: the optimiser's settings, precision, device."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from trainers.errors import SettingsError
from trainers.schedules import Schedule, StepDecay

if TYPE_CHECKING:
    from trainers.inputs.augmentation import Augmentation

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bf16"]

#: Settings that save memory, at the values at which they save none.
_IN_FULL: dict[str, Any] = {"accumulate": 1, "gradient_checkpointing": False}


@dataclass(frozen=True)
class Training:
    """Settings of the training loop; the defaults are those of fine-tuning a BERT.

    Attributes:
        epochs: passes over the training set.
        batch_size: examples a step.
        lr: peak learning rate.
        warmup: share of all steps in which the rate rises linearly, before its schedule begins.
        weight_decay: of matrices and filters, decoupled under AdamW and a part of the gradient
            under SGD; biases and normalisation weights are exempt.
        clip: largest norm of the whole gradient; None leaves it as it is.
        max_length: tokens after which a text is cut.
        select: which checkpoint is scored on test, the "best" epoch on dev or the "last".
        precision: "bf16" trains under autocast with float32 weights; "auto" takes it where the
            hardware computes it natively.
        device: "auto" takes CUDA, then MPS, then the CPU.
        threads: intra-operator threads on the CPU. They change results in the last bits, so they
            are part of a run's key.
        optimiser: "adamw", or "sgd" with momentum.
        momentum: of SGD.
        schedule: of the rate after the warm-up: "linear" falls to zero, "constant" stays, and
            `StepDecay` divides it at some epochs.
        augmentation: of images in training; None trains on them as they are.
        accumulate: micro-batches that a batch is split into, as evenly as it goes; their gradients
            add up to that of the batch, and one step of the optimiser follows. A batch of fewer
            examples is split into single ones.
        gradient_checkpointing: whether each layer keeps its input alone, and is computed once more
            in the backward pass; every bit stays as it is.
    """

    epochs: int = 3
    batch_size: int = 32
    lr: float = 5e-5
    warmup: float = 0.06
    weight_decay: float = 0.01
    clip: float | None = 1.0
    max_length: int = 128
    select: Literal["best", "last"] = "best"
    precision: Precision = "auto"
    device: Device = "auto"
    threads: int = 1
    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: float = 0.9
    schedule: Schedule = "linear"
    augmentation: Augmentation | None = None
    accumulate: int = 1
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "max_length", "threads", "accumulate"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SettingsError(f"{name} must be a whole number of at least 1, not {value!r}.")
        for name in ("lr", "clip"):
            value = getattr(self, name)
            if name == "clip" and value is None:
                continue
            if not is_number(value) or not 0 < value < float("inf"):
                way_out = "; None clips nothing" if name == "clip" else ""
                raise SettingsError(f"{name} must be a number above 0, not {value!r}{way_out}.")
        if not is_number(self.warmup) or not 0 <= self.warmup < 1:
            raise SettingsError(
                f"warmup is a share of the steps, 0 ≤ warmup < 1, not {self.warmup!r}."
            )
        if not is_number(self.weight_decay) or self.weight_decay < 0:
            raise SettingsError(f"weight_decay must not be negative, got {self.weight_decay!r}.")
        if not is_number(self.momentum) or not 0 <= self.momentum < 1:
            raise SettingsError(f"momentum must be 0 ≤ momentum < 1, not {self.momentum!r}.")
        if self.schedule not in ("linear", "constant") and not isinstance(self.schedule, StepDecay):
            raise SettingsError(
                'schedule must be "linear", "constant" or StepDecay(at=(60, 120), divide_by=5), '
                f"not {self.schedule!r}."
            )
        if self.augmentation is not None and not hasattr(self.augmentation, "apply"):
            raise SettingsError(
                f"augmentation must be None or an Augmentation(...), not {self.augmentation!r}."
            )
        if self.accumulate > self.batch_size:
            raise SettingsError(
                f"accumulate={self.accumulate} would split a batch of {self.batch_size} into more "
                f"micro-batches than it has examples; take at most {self.batch_size}."
            )
        if not isinstance(self.gradient_checkpointing, bool):
            raise SettingsError(
                "gradient_checkpointing must be True or False, "
                f"not {self.gradient_checkpointing!r}."
            )
        for name, allowed in (
            ("optimiser", ("adamw", "sgd")),
            ("select", ("best", "last")),
            ("precision", ("auto", "float32", "bf16")),
            ("device", ("auto", "cpu", "cuda", "mps")),
        ):
            if getattr(self, name) not in allowed:
                raise SettingsError(
                    f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}."
                )

    def check(self, reads: str, taught: bool) -> None:
        """Refuse an augmentation where it would mean nothing, or something else than it says.

        Args:
            reads: "text" or "images".
            taught: whether a teacher's logits are learned from that were computed before.

        Raises:
            SettingsError: there are no images, or a teacher has not seen what is shown.
        """
        if self.augmentation is None:
            return
        if reads != "images":
            raise SettingsError("an augmentation is for images, and this task has text.")
        if taught:
            raise SettingsError(
                "a teacher's logits are computed once, on the images as they are; train without "
                "augmentation, or by a method without a teacher."
            )

    def resolved(self) -> Training:
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
        """All fields that matter, for the key of a run.

        Those that say "as ever" are left out, so that runs keep their keys when settings are added.
        """
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.optimiser == "adamw":
            del said["momentum"]
        as_ever = {"optimiser": "adamw", "schedule": "linear", "augmentation": None, **_IN_FULL}
        return {k: v for k, v in said.items() if k not in as_ever or v != as_ever[k]}

    def savings(self) -> dict[str, Any]:
        """Settings that save memory, where they do; empty where a batch is kept in full."""
        return {k: v for k, v in self.specification().items() if k in _IN_FULL}


def is_number(value: object) -> bool:
    """Whether something is a number, and no switch."""
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
