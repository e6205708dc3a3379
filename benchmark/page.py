"""The page that commands print on."""

from rich.console import Console


def page() -> Console:
    """The terminal; what is piped keeps the width of a page, not the 80 columns of a fallback."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)
