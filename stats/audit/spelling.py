"""Names in a table that are nearly ones that the audit knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

#: Share of letters that a slip of the pen leaves; `acuracy` keeps .93 of `accuracy`.
ALIKE = 0.8

#: Letters of a word that is told from others by its own.
LONG = 6


def meant(name: str, known: Sequence[str]) -> str | None:
    """The known name that this one misspells; None for a known name and for one of its own.

    A known name with other words beside it, as in `accuracy_top5`, is a name of its own. Of a
    known name of several words, the long first one may be misspelt alone.

    >>> meant("acuracy", ["accuracy", "f1"]), meant("accuracy_top5", ["accuracy", "f1"])
    ('accuracy', None)
    >>> meant("mathews", ["matthews_correlation"]), meant("matthews", ["matthews_correlation"])
    ('matthews_correlation', None)
    """
    words = re.findall("[a-z]+", name.lower())
    own, spelt = "".join(words), {_letters(each): each for each in known}
    if not own or own in spelt or any(word in spelt for word in words):
        return None
    swapped = [each for each in spelt if sorted(each) == sorted(own)]
    close = swapped or difflib.get_close_matches(own, spelt, 1, ALIKE)
    if close:
        return spelt[close[0]]
    first = {re.split("[^a-z]", each)[0]: each for each in known}
    long = [word for word in first if len(word) >= LONG and first[word] != word]
    slips = [difflib.get_close_matches(word, long, 1, ALIKE) for word in words if word not in long]
    return next((first[slip[0]] for slip in slips if slip), None)


def _letters(name: str) -> str:
    return "".join(re.findall("[a-z]+", name.lower()))
