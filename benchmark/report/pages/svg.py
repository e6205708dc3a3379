"""Figures inside a page: drawings alone, in colours that follow the page.

A page that inlines an SVG runs what is in it. Only elements and attributes that draw are taken
over; scripts, links, foreign content and references to anything outside stay behind.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ELEMENTS = frozenset(
    {
        *("svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("use", "clipPath", "text", "tspan", "linearGradient", "stop", "symbol", "image"),
    }
)
_ATTRIBUTES = frozenset(
    {
        *("d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "points", "id"),
        *("width", "height", "viewBox", "transform", "style", "clip-path", "clip-rule", "fill"),
        *("fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "opacity"),
        *("stroke-dasharray", "stroke-linecap", "stroke-linejoin", "offset", "stop-color", "href"),
        *("font-size", "font-family", "font-weight", "text-anchor", "gradientTransform"),
        *("gradientUnits", "preserveAspectRatio", "stroke-miterlimit", "clipPathUnits"),
    }
)
_COLOUR = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
_REFERENCE = re.compile(r"url\(#([^)\s]+)\)")
#: Difference of two channels up to which a colour is a grey.
_GREY = 12
#: Points of a column of a paper, and a little more.
WIDEST_COLUMN = 300.0


def drawing_of(svg: str, name: str, description: str) -> tuple[str, bool]:
    """A figure as an element of a page, and whether it is wider than a column.

    Args:
        svg: the text of an SVG file.
        name: letters, digits, ".", "_" and "-"; makes its identifiers its own on the page.
        description: read aloud in its place.

    Raises:
        ElementTree.ParseError: it is no XML.
    """
    root = ElementTree.fromstring(svg)
    kept = _kept(root, name.replace(".", "-"))
    assert kept is not None
    wide = float(kept.get("viewBox", "0 0 0 0").split()[2]) > WIDEST_COLUMN
    for size in ("width", "height"):  # the page gives it its size
        kept.attrib.pop(size, None)
    kept.set("role", "img")
    kept.set("aria-label", description)
    kept.set("xmlns", _SVG)
    return ElementTree.tostring(kept, encoding="unicode"), wide


def _kept(element: ElementTree.Element, name: str) -> ElementTree.Element | None:
    tag = element.tag.removeprefix(f"{{{_SVG}}}") if isinstance(element.tag, str) else ""
    if tag not in _ELEMENTS:
        return None
    kept = ElementTree.Element(tag)
    for attribute, value in element.attrib.items():
        plain = attribute.removeprefix(f"{{{_XLINK}}}")
        if plain in _ATTRIBUTES and (safe := _safe(plain, value, tag, name)) is not None:
            kept.set(plain, safe)
    if tag in ("text", "tspan"):
        kept.text, kept.tail = element.text, element.tail
    kept.extend(child for each in element if (child := _kept(each, name)) is not None)
    return kept


def _safe(attribute: str, value: str, tag: str, name: str) -> str | None:
    """The value of an attribute on the page, None where it must not be there."""
    if attribute == "id":
        return f"{name}-{value}"
    if attribute == "href":
        if value.startswith("#"):
            return f"#{name}-{value[1:]}"
        return value if tag == "image" and value.startswith("data:image/png;base64,") else None
    value = _REFERENCE.sub(rf"url(#{name}-\1)", value)
    outside = re.sub(r"url\(#[^)\s]+\)", "", value)
    if re.search(r"url\s*\(|\\|@|/\*|expression", outside, re.IGNORECASE):
        return None
    return _COLOUR.sub(_following_the_page, value)


def _following_the_page(colour: re.Match[str]) -> str:
    """Greys become a mixture of the page's ink and paper, so that dark pages turn them round.

    >>> _COLOUR.sub(_following_the_page, "fill: #000000; stroke: #0072b2")
    'fill: color-mix(in srgb, var(--ink) 100%, var(--paper)); stroke: #0072b2'
    """
    digits = colour[1]
    if len(digits) == 3:
        digits = "".join(2 * each for each in digits)
    channels = [int(digits[i : i + 2], 16) for i in (0, 2, 4)]
    if max(channels) - min(channels) > _GREY:
        return colour[0]
    ink = round(100 * (1 - sum(channels) / (3 * 255)))
    return f"color-mix(in srgb, var(--ink) {ink}%, var(--paper))"
