"""Names that are safe as file names and as names of metrics, whatever arms and tasks are called."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TypeVar

#: Longest name; file systems take 255 bytes, and a figure's name has a word in front.
LONGEST = 120


#: A name as it is shown, or the parts of one, which tell more names apart.
Called = TypeVar("Called", str, tuple[str, ...])


def plain_names(names: Iterable[Called]) -> dict[Called, str]:
    """For each name one of letters, digits, "_", "." and "-" alone; different ones stay different.

    Two that differ in capitals alone count as alike, as they are one file to some systems.

    >>> plain_names(["kd · scratch · docstrings/package", "../../x", "x", "蒸馏"])
    {'kd · scratch · docstrings/package': 'kd.scratch.docstrings-package', '../../x': 'x', \
'x': 'x-2', '蒸馏': 'unnamed'}
    >>> plain_names([("kd", "a · b"), ("kd · a", "b")])
    {('kd', 'a · b'): 'kd.a-b', ('kd · a', 'b'): 'kd-a.b'}
    """
    found: dict[Called, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        own = name.split(" · ") if isinstance(name, str) else name
        parts = (re.sub(r"[^A-Za-z0-9_]+", "-", part).strip("-") for part in own)
        short = ".".join(filter(None, parts))[:LONGEST].strip(".-") or "unnamed"
        chosen, count = short, 1
        while chosen.lower() in taken:
            count += 1
            chosen = f"{short}-{count}"
        taken.add(chosen.lower())
        found[name] = chosen
    return found


def folder_name(name: str) -> str:
    """A name for the folder of one study, whatever it is called: its own where that is safe.

    Others get a few digits of their digest, so that two studies never share a folder.

    >>> folder_name("two of glue"), folder_name("../../x"), folder_name("x")
    ('two of glue', 'x-9cdf6a', 'x')
    """
    safe = re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_ .-]*[A-Za-z0-9_])?", name)
    if safe and len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{plain_names([name])[name][: LONGEST - 7]}-{digest[:6]}"
