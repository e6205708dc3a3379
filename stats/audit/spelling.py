"""Names in a table that are nearly ones that the audit knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

ALIKE = 0.8
"""Share of letters that a slip of the pen leaves; `acuracy` keeps .93 of `accuracy`."""


def meant(name: str, known: Sequence[str]) -> str | None:
    """The known name that this one misspells; None for a known name and for one of its own.

    A known name with other words beside it, as in `accuracy_top5`, is a name of its own.

    >>> meant("acuracy", ["accuracy", "f1"]), meant("accuracy_top5", ["accuracy", "f1"])
    ('accuracy', None)
    """
    words = re.findall("[a-z]+", name.lower())
    own, spelt = "".join(words), {_letters(each): each for each in known}
    if not own or own in spelt or any(word in spelt for word in words):
        return None
    swapped = [each for each in spelt if sorted(each) == sorted(own)]
    close = swapped or difflib.get_close_matches(own, spelt, 1, ALIKE)
    return spelt[close[0]] if close else None


def _letters(name: str) -> str:
    return "".join(re.findall("[a-z]+", name.lower()))
