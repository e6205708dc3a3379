"""In which encoding a text file is that is not in UTF-8, and the command that converts it."""

from __future__ import annotations

from pathlib import Path

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
#: Bytes that are looked at, and zeros among them that are no accident.
_LOOKED_AT, _FEW = 4096, 8


def wide(file: Path) -> str | None:
    """The encoding of a file whose characters take two or four bytes; None for any other.

    Without a mark in front they are told by their zeros, which stand at every second byte of
    line ends, separators and whatever else is ASCII.
    """
    with file.open("rb") as opened:
        start = opened.read(_LOOKED_AT)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if even + odd < _FEW:
        return None
    if min(even, odd) > _FEW:
        return "UTF-32LE" if start[0] else "UTF-32BE"
    if even and odd:
        return None
    return "UTF-16LE" if odd else "UTF-16BE"


def not_utf8(file: Path, place: str, encoding: str) -> str:
    """A message on a file in another encoding, with the way out."""
    new = f"{file.stem}.utf8{file.suffix}"
    return (
        f"{file}{place}: it is not in UTF-8. Convert it: "
        f"iconv -f {encoding} -t UTF-8 {file.name} > {new}"
    )


def narrow(line: bytes) -> str:
    """The likelier encoding of a line of single bytes: only Windows has signs in 0x80 … 0x9f."""
    return "WINDOWS-1252" if any(0x80 <= byte <= 0x9F for byte in line) else "LATIN1"
