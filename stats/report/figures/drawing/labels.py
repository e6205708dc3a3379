"""Names and numbers as they are written into figures."""

from __future__ import annotations

from collections.abc import Sequence

from stats.report.figures.drawing.fonts import advances, drawable
from stats.report.words import wording

ELLIPSIS = "…"

#: Width of a usual letter in units of the size of the text; what "so many characters" are.
CHARACTER = 0.6


def length(text: str) -> float:
    """Width of a line in usual letters.

    >>> round(length("nnnn"), 1), round(length("WWWW"), 1), round(length("iiii"), 1)
    (4.2, 6.6, 1.9)
    """
    widths = advances()
    return sum(widths.get(each, 1.0) for each in text) / CHARACTER


def shown(name: str) -> str:
    """A name on one line; what no font can draw becomes a replacement sign."""
    glyphs = drawable()
    return "".join(
        each if ord(each) in glyphs else "\N{REPLACEMENT CHARACTER}"
        for each in wording.printable(str(name))
    )


def fitted(names: Sequence[str], longest: int) -> list[str]:
    """Names no wider than so many usual letters; those that would look alike are numbered.

    >>> fitted(["kd", "a_very_long_name_1", "a_very_long_name_2"], 9)
    ['kd', 'a_ve…e_1', 'a_ve…e_2']
    >>> fitted(["a" * 20, "aaaa" + "b" * 12 + "aaaa"], 9)
    ['aaaa…aaa', 'aa…aa #2']
    """
    found: list[str] = []
    for name in map(shown, names):
        short, count = shortened(name, longest), 1
        while short and short in found:
            count += 1
            mark = f" #{count}"
            short = shortened(name, longest - len(mark)) + mark
        found.append(short)
    return found


def shortened(text: str, longest: int) -> str:
    """Text with its middle left out where it is wider than so many usual letters."""
    short, kept = text, len(text)
    while kept > 2 and length(short) > longest:
        kept -= 1
        short = text[: kept - kept // 2] + ELLIPSIS + text[len(text) - kept // 2 :]
    return short


def wrapped(text: str, width: int, lines: int = 2) -> str:
    """Text in a few lines, broken at spaces or signs where there are any.

    >>> wrapped("docstrings/package · bert-2x128", 18)
    'docstrings/package\\n· bert-2x128'
    """
    text = shortened(text, width * lines)
    found: list[str] = []
    while length(text) > width and len(found) < lines - 1:
        fits = max(i for i in range(1, len(text)) if i == 1 or length(text[:i]) <= width)
        cut = max(text.rfind(" ", 0, fits + 1), *(text.rfind(s, 0, fits) + 1 for s in "/-_."))
        cut = cut if cut >= width // 3 else fits
        found.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return "\n".join([*found, shortened(text, width)])


def score_axis(metric: str, lower_is_better: bool = False, longest: int = 40) -> str:
    """Title of an axis of scores: the metric, and the direction where less is better."""
    name = shortened(shown(metric), longest) or "score"
    return f"{name} (lower is better)" if lower_is_better else name
