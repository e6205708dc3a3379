"""One spelling for every seed: 42, 42.0, "42", 0x2a and "seed_42" are one seed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from stats.inputs import is_whole

Seed = int | str

WHOLE = re.compile(r"(?:(?:s|seed)[\s_:=#.-]*)?([+-]?\d{1,4000})(?:\.0*)?", re.IGNORECASE)
HEXADECIMAL = re.compile(r"0x[0-9a-f]{1,3000}", re.IGNORECASE)


def seed_of(written: Any) -> Seed:
    """A seed as a whole number, of any size, or else as a name.

    >>> [seed_of(each) for each in ("42", 42.0, "seed_42", " 0x2A ", 2**64, "split-a", True)]
    [42, 42, 42, 42, 18446744073709551616, 'split-a', 'True']
    """
    if is_whole(written) and not isinstance(written, bool):
        return int(written)
    text = str(written).strip()
    if whole := WHOLE.fullmatch(text):
        return int(whole[1])
    if HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "_" not in text else text


def number_in(seed: Seed) -> tuple[int, ...]:
    """The whole numbers in a seed; two seeds of the same ones may be one that is spelled twice.

    >>> number_in("run_042"), number_in(42), number_in("split-a")
    ((42,), (42,), ())
    """
    return tuple(int(each) for each in re.findall(r"\d{1,40}", str(seed)))


def alike(seeds: Iterable[Seed]) -> list[Seed]:
    """All seeds as numbers if they all are, else all as names.

    >>> alike([1, 2]), alike([1, "b"])
    ([1, 2], ['1', 'b'])
    """
    known = list(seeds)
    return known if all(isinstance(each, int) for each in known) else [str(each) for each in known]
