"""The page that commands print on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from benchmark.terminal.transliteration import plain

if TYPE_CHECKING:
    from stats.report import Result


class _PlainConsole(Console):
    """For a terminal without Greek letters: what stands in for them is counted in the layout."""

    def print(self, *objects: Any, **keywords: Any) -> None:
        """As any console, in the signs that can be shown."""
        super().print(*map(_plain, objects), **keywords)


def page(still: bool = False) -> Console:
    """The terminal; what is piped, or stands in a notebook, keeps the width of a page.

    Args:
        still: whether nothing on it is ever painted anew, as where somebody else writes there.
    """
    found = Console()
    kind = Console if found.encoding.lower().startswith("utf") else _PlainConsole
    if found.is_jupyter:  # lines as they are, in place of an element of the notebook for each
        return kind(highlight=False, force_jupyter=False, force_terminal=False, width=120)
    console = kind(highlight=False)
    if console.is_terminal and still:
        return kind(highlight=False, force_terminal=False, width=console.width)
    return console if console.is_terminal else kind(highlight=False, width=120)


def rendered(
    results: Sequence[Result], form: str, console: Console, notes: Sequence[str] = ()
) -> str:
    """Results in a format, as wide and as colourful as the console allows."""
    from stats.report import render

    alone = results[0] if len(results) == 1 else results
    return render(alone, form, width=console.width, colour=console.is_terminal, notes=notes)


def _plain(shown: Any) -> Any:
    match shown:
        case str():
            return plain(shown)
        case Text():
            return Text(plain(shown.plain), shown.style, justify=shown.justify)
        case Group():
            return Group(*map(_plain, shown.renderables))
        case Table():
            for column in shown.columns:
                column.header, column.footer = _plain(column.header), _plain(column.footer)
                column._cells = [_plain(cell) for cell in column._cells]
            shown.title, shown.caption = _plain(shown.title), _plain(shown.caption)
    return shown
