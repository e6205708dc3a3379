"""Images changed at random each time they are trained on, alike in every arm of a seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from trainers.errors import SettingsError
from trainers.seeding import numpy_stream

#: Raised when the same fields, seed and step would give other pixels.
REVISION = 1


@dataclass(frozen=True)
class Augmentation:
    """Random crops, mirror images and small rotations of what is trained on, in this order.

    What is drawn comes from a stream of its own, keyed by seed and step: arms that see the same
    batches see the same pixels, and an arm without augmentation sees the same batches as one with.
    Dev and test stay as they are.

    Attributes:
        padding: black pixels around the image, out of which a piece of its own size is cut.
        flip: probability that left and right are exchanged.
        rotation: largest angle in degrees, either way; the nearest pixel is taken, and corners
            that become free are black.

    Raises:
        SettingsError: a field is out of range, or nothing would be changed.
    """

    padding: int = 4
    flip: float = 0.5
    rotation: float = 0.0

    def __post_init__(self) -> None:
        whole = isinstance(self.padding, int) and not isinstance(self.padding, bool)
        if not whole or self.padding < 0:
            raise SettingsError(
                f"Augmentation(padding={self.padding!r}): it is a whole number of pixels."
            )
        if not 0 <= self.flip <= 1:
            raise SettingsError(f"Augmentation(flip={self.flip!r}): it is a probability.")
        if not 0 <= self.rotation <= 180:
            raise SettingsError(
                f"Augmentation(rotation={self.rotation!r}): it is an angle from 0 to 180 degrees."
            )
        if not (self.padding or self.flip or self.rotation):
            raise SettingsError("Augmentation: nothing would be changed; leave it out.")

    def apply(self, pixels: Tensor, black: float, seed: int, step: int) -> Tensor:
        """A batch as it is seen at one step.

        Args:
            pixels: shape (b, channels, height, width).
            black: the value of a black pixel.
            seed: the replicate's.
            step: steps taken before this one.
        """
        draws = numpy_stream(seed, "augmentation", step)
        rows = len(pixels)
        offsets = draws.integers(0, 2 * self.padding + 1, (2, rows))
        flipped = draws.random(rows) < self.flip
        angles = np.radians(draws.uniform(-self.rotation, self.rotation, rows))
        cut = _cropped(pixels, self.padding, offsets, flipped, black)
        return _rotated(cut, angles, black) if self.rotation else cut

    def specification(self) -> dict[str, Any]:
        """All fields, for the key of a run."""
        return {"revision": REVISION, **asdict(self)}


def _cropped(
    pixels: Tensor,
    padding: int,
    offsets: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    black: float,
) -> Tensor:
    """A piece of each padded image, mirrored where asked for."""
    rows, channels, height, width = pixels.shape
    padded = F.pad(pixels, (padding,) * 4, value=black)
    y = offsets[0][:, None] + np.arange(height)
    x = offsets[1][:, None] + np.arange(width)
    x[flipped] = x[flipped, ::-1]
    image, channel, y, x = (
        torch.from_numpy(index).to(pixels.device)
        for index in (
            np.arange(rows)[:, None, None, None],
            np.arange(channels)[None, :, None, None],
            y[:, None, :, None],
            x[:, None, None, :],
        )
    )
    return padded[image, channel, y, x]


def _rotated(pixels: Tensor, angles: NDArray[np.float64], black: float) -> Tensor:
    """Each image turned about its centre."""
    height, width = pixels.shape[-2:]
    turns = np.zeros((len(angles), 2, 3), np.float32)
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    # The grid's coordinates run from -1 to 1 on both sides, whatever the image's proportions.
    turns[:, 0, 1] = -np.sin(angles) * height / width
    turns[:, 1, 0] = np.sin(angles) * width / height
    grid = F.affine_grid(
        torch.from_numpy(turns).to(pixels.device), list(pixels.shape), align_corners=False
    )
    covered = torch.cat([pixels, torch.ones_like(pixels[:, :1])], dim=1)
    turned = F.grid_sample(covered, grid, "nearest", "zeros", align_corners=False)
    return turned[:, :-1].where(turned[:, -1:] > 0, black)
