"""Images as a pre-trained vision model reads them, resized and normalised on the way in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainers.errors import ModelError
from trainers.models.stored.repository import PREPROCESSOR

#: Pillow's numbers of the resamplings that are done here batch by batch, and of those that are not.
_RESAMPLING = {2: "bilinear", 3: "bicubic"}
_OTHERS = {0: "nearest", 1: "lanczos", 4: "box", 5: "hamming"}


@dataclass(frozen=True)
class Preprocessing:
    """What happens to pixels in [0, 1] before the first layer.

    It is done batch by batch: a whole data set at a large model's resolution would not fit into
    memory. The image is stretched to the model's square; nothing is cropped, and a model that asks
    for a crop is refused unless it is given a size of its own.

    Attributes:
        size: pixels a side.
        mean, std: of each channel, in units of the largest pixel value.
        resampling: "bilinear" or "bicubic".
        dtype: of the model's weights.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resampling: str
    dtype: torch.dtype

    @classmethod
    def of(cls, folder: Path, size: int | None, dtype: torch.dtype) -> "Preprocessing":
        """As the folder's ``preprocessor_config.json`` says, to another size if one is given.

        Raises:
            ModelError: the file is missing, damaged, says no size, or asks for what is not done.
        """
        path = folder / PREPROCESSOR
        try:
            declared: dict[str, Any] = json.loads(path.read_text("utf-8"))
            side = size or _side(declared["size"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{path} does not say how images are read ({type(error).__name__}: {error})."
            ) from error
        if undone := [*_undone(declared), *([] if size else _crops(declared))]:
            raise ModelError(
                f"{path} asks for {' and '.join(undone)}. Here images are stretched to a square, "
                "bilinear or bicubic, and divided by 255. If that will do, give the model "
                "image_size=..., which leaves crops out, or change the file in a copy."
            )
        normalises = declared.get("do_normalize", True)
        return cls(
            side,
            tuple(declared.get("image_mean", (0.5,) * 3)) if normalises else (0.0,),
            tuple(declared.get("image_std", (0.5,) * 3)) if normalises else (1.0,),
            _RESAMPLING[declared.get("resample", 2)],
            dtype,
        )

    def __call__(
        self, module: nn.Module, arguments: tuple[Any, ...], inputs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A hook before the module's forward pass."""
        return arguments, {**inputs, "pixel_values": self.apply(inputs["pixel_values"])}

    def apply(self, pixels: Tensor) -> Tensor:
        """Pixels in [0, 1] of shape (b, 1 or 3, h, w) as the model reads them, (b, 3, s, s)."""
        if pixels.shape[-2:] != (self.size, self.size):
            side = (self.size, self.size)
            pixels = F.interpolate(pixels, side, mode=self.resampling, antialias=True)
            pixels = pixels.clamp(0, 1)  # bicubic overshoots
        mean, std = (pixels.new_tensor(x)[:, None, None] for x in (self.mean, self.std))
        return ((pixels - mean) / std).to(self.dtype)


def _undone(declared: dict[str, Any]) -> Iterator[str]:
    """What of an image processor's settings would give the model other pixels than these."""
    resampling = declared.get("resample", 2)
    if resampling not in _RESAMPLING:
        yield f"the resampling {_OTHERS.get(resampling, resampling)}"
    factor = declared.get("rescale_factor", 1 / 255)
    if declared.get("rescale_offset") or abs(factor * 255 - 1) > 1e-3:
        yield "another scale of pixels (rescale_factor, rescale_offset)"


def _crops(declared: dict[str, Any]) -> Iterator[str]:
    """What of an image the model would not see."""
    if declared.get("do_center_crop"):
        yield "a crop of the centre (do_center_crop)"
    if declared.get("crop_pct"):
        yield f"a crop to {declared['crop_pct']} of each side (crop_pct)"


def _side(size: int | dict[str, int]) -> int:
    if isinstance(size, int):
        return size
    return size.get("shortest_edge") or size["height"]
