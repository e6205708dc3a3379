"""Images as a pre-trained vision model reads them, resized and normalised on the way in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainers.errors import ModelError
from trainers.models.stored.hub_weights import silent
from trainers.models.stored.repository import PREPROCESSOR

#: By Pillow's numbers, the resamplings that are done here batch by batch, and those that are not.
_RESAMPLING = {0: "nearest-exact", 2: "bilinear", 3: "bicubic"}
_OTHERS = {1: "lanczos", 4: "box", 5: "hamming"}
#: Settings of which some image processors have no default.
_SILENT = {"resample": 2, "image_mean": (0.5,) * 3, "image_std": (0.5,) * 3}
#: By which values are left as they are.
_UNCHANGED = {"image_mean": (0.0,), "image_std": (1.0,)}
#: From this side on ConvNeXt stretches images, where it crops them to smaller ones.
_WARPED = 384
#: Grey levels by which pixels may differ from those of the model's own class, which rounds to
#: whole ones after each of the two directions in which it resizes.
_LEVELS = 2.0


@dataclass(frozen=True)
class Preprocessing:
    """What happens to pixels in [0, 1] before the first layer.

    It is done batch by batch: a whole data set at a large model's resolution would not fit into
    memory.

    Attributes:
        resize: pixels to which height and width are stretched, or the shorter side keeping their
            ratio; None leaves images as they are.
        crop: height and width of the centre, which is all that the model sees; None for the whole.
        mean, std: of each channel, in units of the largest pixel value.
        resampling: "bilinear", "bicubic" or "nearest-exact".
        dtype: of the model's weights.
    """

    resize: tuple[int, int] | int | None
    crop: tuple[int, int] | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resampling: str
    dtype: torch.dtype

    @classmethod
    def of(cls, folder: Path, size: int | None, dtype: torch.dtype) -> Preprocessing:
        """As the folder's image processor does it, or stretched to a square of a size.

        What `preprocessor_config.json` leaves out is the default of the class that it names, or
        that transformers has for the model.

        Raises:
            ModelError: the file is missing or damaged, or asks for what is not done here.
        """
        return cls._of(folder, _settings(_processor(folder)), size, dtype)

    @classmethod
    def _of(
        cls, folder: Path, asked: Mapping[str, Any], size: int | None, dtype: torch.dtype
    ) -> Preprocessing:
        if undone := [*_undone(asked), *([] if size else _undone_shapes(asked))]:
            raise _refused(folder, " and ".join(undone))
        resize, crop = ((size, size), None) if size else _shapes(asked)
        mean, std = _normal(asked)
        return cls(resize, crop, mean, std, _RESAMPLING[asked["resample"]], dtype)

    @classmethod
    def check(cls, folder: Path, size: int | None) -> None:
        """Compare it with what the class that transformers has makes of an image.

        Raises:
            ModelError: the model would see other pixels than these.
        """
        processor = _processor(folder)
        ours = cls._of(folder, _settings(processor), size, torch.float32)
        image = _probe()
        as_is = {"do_resize": False, "do_center_crop": False, "do_pad": False} if size else {}
        with silent():
            theirs = processor(images=[image], return_tensors="pt", **as_is)["pixel_values"]
        pixels = torch.tensor(image).permute(2, 0, 1)[None] / 255
        here = ours.normalised(pixels) if size else ours.apply(pixels)
        allowed = _LEVELS / 255 / min(ours.std)
        if here.shape != theirs.shape or float((here - theirs).abs().max()) > allowed:
            raise _refused(folder, f"what {type(processor).__name__} does beyond its settings")

    @classmethod
    def save(cls, folder: Path, size: int | None, target: Path) -> None:
        """Write the folder's file, or with a size of ours one that stretches images to it."""
        if size is None:
            shutil.copyfile(folder / PREPROCESSOR, target / PREPROCESSOR)
            return
        found = cls.of(folder, size, torch.float32)
        asked = {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "size": {"height": size, "width": size},
            "resample": next(n for n, name in _RESAMPLING.items() if name == found.resampling),
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": found.mean,
            "image_std": found.std,
        }
        (target / PREPROCESSOR).write_text(json.dumps(asked, indent=2) + "\n", "utf-8")

    @classmethod
    def in_key(cls, folder: Path, size: int | None) -> dict[str, Any]:
        """What the key of a run has of it, beside the file that asks for it.

        Nothing where the whole of it stands in the file and is a square, so that older runs keep
        their keys.
        """
        found = cls.of(folder, size, torch.float32)
        declared: dict[str, Any] = json.loads((folder / PREPROCESSOR).read_text("utf-8"))
        normal = declared if declared.get("do_normalize", True) else _UNCHANGED
        side = size or _side(declared.get("size"))
        told = cls(
            (side, side),
            None,
            tuple(normal.get("image_mean", (0.5,) * 3)),
            tuple(normal.get("image_std", (0.5,) * 3)),
            _RESAMPLING.get(declared.get("resample", 2), ""),
            torch.float32,
        )
        return {} if found == told else {k: v for k, v in asdict(found).items() if k != "dtype"}

    def __call__(
        self, module: nn.Module, arguments: tuple[Any, ...], inputs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A hook before the module's forward pass."""
        return arguments, {**inputs, "pixel_values": self.apply(inputs["pixel_values"])}

    def apply(self, pixels: Tensor) -> Tensor:
        """Pixels in [0, 1] of shape (b, 1 or 3, h, w) as the model reads them, (b, 3, h', w')."""
        to = self._resized(*pixels.shape[-2:])
        if pixels.shape[-2:] != to:
            smooth = {} if self.resampling == "nearest-exact" else {"antialias": True}
            pixels = F.interpolate(pixels, to, mode=self.resampling, **smooth)
            pixels = pixels.clamp(0, 1)  # bicubic overshoots
        if self.crop:
            height, width = self.crop
            top, left = (to[0] - height) // 2, (to[1] - width) // 2
            pixels = pixels[..., top : top + height, left : left + width]
        return self.normalised(pixels)

    def normalised(self, pixels: Tensor) -> Tensor:
        """The same without a change of size."""
        mean, std = (pixels.new_tensor(x)[:, None, None] for x in (self.mean, self.std))
        return ((pixels - mean) / std).to(self.dtype)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """The size before the crop of images of a size."""
        if isinstance(self.resize, int):
            longer = int(self.resize * max(height, width) / min(height, width))
            return (longer, self.resize) if width <= height else (self.resize, longer)
        return self.resize or (height, width)


def _processor(folder: Path) -> Any:
    """The image processor that transformers has for a model, as its file sets it."""
    from transformers import AutoImageProcessor

    try:
        with silent():
            return AutoImageProcessor.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise ModelError(
            f"{folder / PREPROCESSOR} does not say how images are read "
            f"({type(error).__name__}: {said.rstrip('.:')})."
        ) from error


def _settings(processor: Any) -> Mapping[str, Any]:
    """All settings of an image processor, those that its file leaves out among them."""
    return _SILENT | {k: v for k, v in processor.to_dict().items() if v is not None}


def _undone(asked: Mapping[str, Any]) -> Iterator[str]:
    """What of an image processor's settings would give the model other values than these."""
    if asked["resample"] not in _RESAMPLING:
        yield f"the resampling {_OTHERS.get(asked['resample'], asked['resample'])}"
    if asked.get("do_pad"):
        yield "a frame around images (do_pad)"


def _undone_shapes(asked: Mapping[str, Any]) -> Iterator[str]:
    """What of them would give it another part of the image, or another size."""
    if not asked.get("do_resize", True):
        if asked.get("do_center_crop"):
            yield "a crop of images of any size (do_center_crop without do_resize)"
        return
    size = asked.get("size", {})
    if not _side(size) or not size.keys() <= {"height", "width", "shortest_edge"}:
        yield f"a size of images by {', '.join(size) or 'nothing'}"
        return
    resize, crop = _shapes(asked)
    sides = (resize, resize) if isinstance(resize, int) else resize
    if crop and sides and any(a > b for a, b in zip(crop, sides, strict=True)):
        yield "a crop that is larger than the image (crop_size)"


def _shapes(asked: Mapping[str, Any]) -> tuple[tuple[int, int] | int | None, Any]:
    """To what images are resized, and what is cut out of them then."""
    if not asked.get("do_resize", True):
        return None, None
    size, share = asked["size"], asked.get("crop_pct")
    crop = _sides(asked["crop_size"]) if asked.get("do_center_crop") else None
    edge = size.get("shortest_edge")
    if not edge:
        return _sides(size), crop
    if not share:
        return edge, crop
    if crop:  # PoolFormer's way
        return int(edge / share), crop
    if edge < _WARPED:  # ConvNeXt's
        return int(edge / share), (edge, edge)
    return (edge, edge), None


def _normal(asked: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What is taken from pixels in [0, 1], and by what they are divided then."""
    scale = 255 * asked.get("rescale_factor", 1 / 255) if asked.get("do_rescale", True) else 255.0
    normal = asked if asked.get("do_normalize", True) else _UNCHANGED
    offset = 1.0 if asked.get("rescale_offset") else 0.0
    power = 2 if asked.get("include_top") else 1  # EfficientNet's: divided once more
    mean = tuple((offset + each) / scale for each in normal["image_mean"])
    return mean, tuple(each**power / scale for each in normal["image_std"])


def _probe() -> np.ndarray:
    """An image on which another part, size, order of channels or scale of its pixels shows."""
    y, x = np.mgrid[:48, :60]
    channels = [128 + 50 * np.sin(x / a) + 50 * np.cos(y / b) for a, b in ((3, 5), (4, 7), (6, 4))]
    return np.stack(channels, -1).astype(np.uint8)


def _refused(folder: Path, undone: str) -> ModelError:
    return ModelError(
        f"{folder / PREPROCESSOR} asks for {undone}, which is not done here. If images stretched "
        "to a square will do, give the model image_size=..., which leaves crops out, or change "
        "the file in a copy."
    )


def _side(size: Any) -> int:
    """A square's side, as files were read that say so themselves; 0 where they do not."""
    if isinstance(size, dict):
        return size.get("shortest_edge") or size.get("height") or 0
    return size if isinstance(size, int) else 0


def _sides(size: Mapping[str, int]) -> tuple[int, int]:
    return size["height"], size["width"]
