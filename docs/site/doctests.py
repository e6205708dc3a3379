"""Doctests of docstrings as blocks of code; Markdown takes `>>>` for a quotation."""

import re
from typing import Any

from griffe import Extension, Module, Object

DOCTEST = re.compile(r"^( *)>>> .*(?:\n(?! *$).*)*", re.MULTILINE)


class Doctests(Extension):
    """Fences every run of lines that begins with a prompt."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of one object."""
        fence(obj)

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Change that of a whole package, which is no such object."""
        fence(pkg)


def fence(of: Object) -> None:
    """Change a docstring once."""
    if of.docstring and "```pycon" not in of.docstring.value:
        of.docstring.value = DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", of.docstring.value)
