"""Which arms of a study differ in one ordered hyper-parameter alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.declare.arm import Arm
    from stats.changes.swept_arms import SweptArms

#: Fewest values that make a curve.
FEWEST = 3


@dataclass(frozen=True)
class _Kind:
    """What all arms of a sweep share; settings are compared as they are written."""

    method: str
    parameter: str
    rest: tuple[tuple[str, str], ...]
    other: tuple[str, ...]


def declared_sweeps(arms: Sequence[Arm], candidates: Sequence[str]) -> tuple[SweptArms, ...]:
    """The sweeps among the candidates, in the order in which their first arms are declared.

    The values of one are in the order in which they are declared, if they ascend or descend, and
    else ascending: the first is taken for the mildest.
    An arm may take part in several, one for each of its numbers. Arms of one name on several models
    and inits take part where they are the same there; a number that is tuned makes no sweep.

    Args:
        arms: of a study.
        candidates: names of arms.
    """
    places: dict[str, list[Arm]] = {}
    for arm in arms:
        if arm.name in candidates:
            places.setdefault(arm.name, []).append(arm)
    found: dict[_Kind, dict[float, list[str]]] = {}
    for name, same in places.items():
        if len({tuple(_settings(arm)) for arm in same}) > 1:
            continue
        for kind, number in _kinds(same):
            found.setdefault(kind, {}).setdefault(number, []).append(name)
    curves = {
        kind: numbers
        for kind, numbers in found.items()
        if len(numbers) >= FEWEST and all(len(names) == 1 for names in numbers.values())
    }
    return tuple(_sweep(kind, numbers, list(curves)) for kind, numbers in curves.items())


def _settings(arm: Arm) -> Iterator[str]:
    yield arm.method.name
    yield from (repr(each) for each in arm.method.hyper_parameters().items())
    yield repr(arm.training)
    yield repr(arm.search)


def _kinds(same: Sequence[Arm]) -> Iterator[tuple[_Kind, float]]:
    """Each number of an arm, with everything that another arm of its sweep must share."""
    arm = same[0]
    own: Mapping[str, Any] = arm.method.hyper_parameters()
    tuned = arm.search.names if arm.search else ()
    other = (repr(arm.training), repr(arm.search), repr([(a.model, a.init) for a in same]))
    for name, number in own.items():
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if is_number and math.isfinite(number) and name not in tuned:
            rest = tuple((n, repr(v)) for n, v in own.items() if n != name)
            yield _Kind(arm.method.name, name, rest, other), number


def _sweep(
    kind: _Kind, numbers: Mapping[float, Sequence[str]], among: Sequence[_Kind]
) -> SweptArms:
    from stats.changes.swept_arms import SweptArms

    alike = [k for k in among if (k.method, k.parameter) == (kind.method, kind.parameter)]
    told = [f"{n}={v}" for n, v in kind.rest if len({dict(k.rest).get(n) for k in alike}) > 1]
    values = list(numbers)
    if values not in (sorted(values), sorted(values, reverse=True)):
        values.sort()
    return SweptArms(
        name=f"{kind.method}({', '.join(told)})" if told else kind.method,
        parameter=kind.parameter,
        arms=tuple(numbers[each][0] for each in values),
        values=tuple(values),
    )
