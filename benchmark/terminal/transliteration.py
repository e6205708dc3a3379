"""What a terminal prints that has no Greek letters, minus signs or lines of boxes.

Words stand in for signs that the encoding of the output lacks: nothing that is printed may end a
command. Files are in UTF-8 wherever they are written.
"""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

#: In place of signs that Unicode does not itself take apart.
_PLAIN = {
    "−": "-",
    "⁻": "-",
    "⁺": "+",
    "–": "-",
    "—": "-",
    "‐": "-",
    "‑": "-",
    "±": "+/-",
    "·": "*",
    "×": "x",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "∞": "inf",
    "√": "sqrt",
    "⌊": "[",
    "⌋": "]",
    "⌈": "[",
    "⌉": "]",
    "‖": "||",
    "∪": "u",
    "→": "->",
    "←": "<-",
    "↔": "<->",
    "↑": "^",
    "↓": "v",
    "…": "...",
    "•": "*",
    "⋅": "*",
    "✓": "ok",
    "✗": "no",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": "<<",
    "»": ">>",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "ı": "i",
    "°": " deg",
    "€": "EUR",
    "№": "No",
}


def plain(text: str) -> str:
    """A text in ASCII: signs by their words, letters without accents, Greek letters by name.

    >>> plain("τ = −0.75 ± .02 · α ≥ 2ⁿ → “Größe” ─┬─ ⌊x₁⌋ 你 \\udcff")
    'tau = -0.75 +/- .02 * alpha >= 2^n -> "Grosse" -+- [x1] ? \\\\xff'
    >>> plain("½ 10⁻⁶")
    '1/2 10^-6'
    """
    raised, found = False, []
    for sign in text:
        above = unicodedata.decomposition(sign).startswith("<super>")
        found.append("^" * (above and not raised) + (sign if sign.isascii() else _plain(sign)))
        raised = above
    return "".join(found)


def _plain(sign: str) -> str:
    if sign in _PLAIN:
        return _PLAIN[sign]
    if "\udc80" <= sign <= "\udcff":  # a byte of a file's name that is no text
        return f"\\x{ord(sign) - 0xDC00:02x}"
    parts = unicodedata.normalize("NFKD", sign).replace("\N{FRACTION SLASH}", "/")
    kept = "".join(part for part in parts if part.isascii())
    if kept.strip():
        return kept
    name = unicodedata.name(sign, "")
    if name.startswith("BOX DRAWINGS"):
        return _line(name)
    if name.endswith((" BLOCK", " SHADE")):
        return "#"
    if name.startswith("GREEK") and " LETTER " in name:
        letter = name.split(" LETTER ")[1].removeprefix("FINAL ").split()[0].lower()
        return letter.capitalize() if "CAPITAL" in name else letter
    if unicodedata.category(sign)[0] == "M":  # an accent of its own
        return ""
    return " " if unicodedata.category(sign)[0] == "Z" else "?"


def _line(name: str) -> str:
    """A sign of a box by the directions that its name tells of."""
    across = any(word in name for word in ("HORIZONTAL", "LEFT", "RIGHT"))
    upright = any(word in name for word in ("VERTICAL", "UP", "DOWN", "ARC"))
    return "+" if across and upright else "-" if across else "|"


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return plain(error.object[error.start : error.end]), error.end


def transliterate_output() -> None:
    """From here on, what this process prints takes the form that its terminal can show."""
    codecs.register_error("transliterate", _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.closed:
            stream.reconfigure(errors="transliterate")
