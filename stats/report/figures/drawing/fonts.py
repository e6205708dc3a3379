"""Which fonts draw a name, and what cannot be drawn."""

from __future__ import annotations

from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

#: Comes with matplotlib, so that figures are alike on every machine.
FIRST = "DejaVu Sans"

#: For letters that the first lacks, where they are installed.
FURTHER = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei"),
    *("Hiragino Sans", "PingFang SC", "Microsoft YaHei", "Malgun Gothic", "Noto Sans Arabic"),
)


@cache
def families() -> list[str]:
    """Names of the fonts in the order in which they are asked for a letter."""
    installed = {font.name for font in fontManager.ttflist}
    return [FIRST, *(name for name in FURTHER if name in installed)]


@cache
def drawable() -> frozenset[int]:
    """Code points for which there is a glyph."""
    fonts = (get_font(findfont(FontProperties(family=name))) for name in families())
    return frozenset(code for font in fonts for code in font.get_charmap())


@cache
def advances() -> dict[str, float]:
    """Widths of the letters of the first font in units of its size, and so of printable ASCII."""
    font = get_font(findfont(FontProperties(family=FIRST)))
    font.set_size(100, 72)
    return {
        chr(code): font.load_char(code).linearHoriAdvance / (65536 * 100) for code in range(32, 127)
    }
