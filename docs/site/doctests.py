"""Doctests of docstrings as blocks of code; Markdown takes `>>>` for a quotation."""

import re
from typing import Any

from griffe import Extension, Object

DOCTEST = re.compile(r"^( *)>>> .*(?:\n(?! *$).*)*", re.MULTILINE)


class Doctests(Extension):
    """Fences every run of lines that begins with a prompt."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring:
            fenced = r"\1```pycon\n\g<0>\n\1```"
            obj.docstring.value = DOCTEST.sub(fenced, obj.docstring.value)
