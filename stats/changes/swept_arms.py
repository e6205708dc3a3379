"""Arms that make a curve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SweptArms:
    """Arms that differ in one ordered hyper-parameter alone.

    Attributes:
        name: of the series, for instance "magnitude".
        parameter: which hyper-parameter, for instance "sparsity".
        arms: their names, the mildest first.
        values: what each of them has, which ascend or descend.
    """

    name: str
    parameter: str
    arms: tuple[str, ...]
    values: tuple[float, ...]
