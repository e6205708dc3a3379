"""The first layers of a residual network, which are made for large photographs."""

from __future__ import annotations

from typing import Any

from torch import nn

from trainers.errors import ModelError

#: The weight of a small stem, by its name in the body: no checkpoint on the hub has one.
SMALL_STEM = "embedder.embedder.convolution.weight"


def make_stem_small(module: Any) -> None:
    """Let the stem keep the size of an image, in place, with a filter drawn afresh.

    A filter of 7 × 7 pixels in steps of two and a pooling after it would shrink an image of
    32 × 32 to 8 × 8 before the first block. One of 3 × 3 in steps of one and no pooling is what
    residual networks have on CIFAR (He et al. 2016, section 4.2).

    Raises:
        ModelError: the module is no residual network of transformers.
    """
    embedder = getattr(module.base_model, "embedder", None)
    old = getattr(getattr(embedder, "embedder", None), "convolution", None)
    if embedder is None or old is None or not hasattr(embedder, "pooler"):
        raise ModelError(f'stem="small" is for a ResNet; {type(module).__name__} has no such stem.')
    new = nn.Conv2d(old.in_channels, old.out_channels, 3, padding=1, bias=False)
    embedder.embedder.convolution = new
    embedder.pooler = nn.Identity()
