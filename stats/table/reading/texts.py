"""What a file holds: its bytes, unpacked, and their text."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from stats.errors import ScoresError


def bytes_of(path: str | Path) -> bytes:
    """What is in a file; what gzip has compressed is unpacked.

    Raises:
        ScoresError: it cannot be read, or is damaged.
    """
    try:
        held = Path(path).read_bytes()
        return gzip.decompress(held) if held.startswith(b"\x1f\x8b") else held
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ScoresError(f"{path}: damaged, or cut short ({error})") from error
    except OSError as error:
        raise ScoresError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a NUL in the path
        raise ScoresError(f"{path}: no name of a file") from error


def text_of(held: bytes, source: str) -> str:
    """Bytes as text, of UTF-8 or of UTF-16 with a byte order mark.

    Raises:
        ScoresError: they are neither.
    """
    try:
        wide = held.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return held.decode("utf-16" if wide else "utf-8-sig")
    except ValueError as error:
        raise ScoresError(f"{source}: not UTF-8 text; save it as CSV in UTF-8") from error
