"""Addresses and messages without the passwords in them."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

#: How long a scheme and a name may be; texts of any length are then looked through in one go.
_START = r"[A-Za-z][\w+.-]{0,30}://[^\s/@:?#'\"]{0,200}"
#: Between a scheme and a host: a name and its password, or on the web a token alone.
_PASSWORD = re.compile(rf"(?P<before>{_START}):[^\s/?#'\"]{{0,999}}@")
_TOKEN = re.compile(r"(?P<before>https?://)[^\s/@:?#'\"]{1,999}@")
#: A port and not a password, or a password that is masked already.
_PORT = r"(?!\*\*\*@|\d{1,5}(?:[/?#\s'\",;:.)]|$))"
#: A password may hold any sign, also those that end the part of an address that it stands in.
_UNQUOTED = re.compile(rf"(?P<before>{_START}):{_PORT}[^\s'\"]{{0,999}}@(?=[\w.\[-])")
_WITH_BLANKS = re.compile(rf"(?P<before>{_START}):{_PORT}(?:(?!://).){{0,999}}@(?=[\w.\[-])")
#: What stands behind a name and "=": to its closing quote or brace, or as far as it may go on.
_VALUE = (
    r"(?:'(?:[^'\\\n]|\\.|''){0,999}'|\"[^\"\n]{0,999}\"|\{[^}\n]{0,999}\}"
    r"|(?:[^\s&;#'\"]|['\"](?=[^\s'\",;:.)&\]])|#(?![\w.-]+=))+)"
)
_IN_QUERY = re.compile(
    r"(?P<before>[?&;#][\w.-]{0,60}(?:pass|pwd|token|secret|key|auth|credential|signature|sig)"
    r"[\w.-]{0,60}=)" + _VALUE,
    re.IGNORECASE,
)
#: As drivers of databases write it: blanks around "=", and with semicolons blanks in the value.
_IN_TEXT = re.compile(
    r"(?P<before>(?<![A-Za-z0-9])(?:[\w.-]{0,60}[_.-])?"
    r"(?:password|passwd|passphrase|pwd|pass|secret|api[_-]?key|(?:access|secret|account|private)"
    r"[_-]?key|(?:(?:access|auth|refresh|id|hf|api|bearer|session)[_-]?)?(?<![_.-])token"
    r"|(?:access|auth|refresh|hf|api|bearer|session)[_-]token)\s*=\s*)"
    rf"(?!=)(?!\*\*\*){_VALUE}(?:[^;&\n]{{0,999}}(?=;))?",
    re.IGNORECASE,
)
_ENCODED = re.compile(r"(?<![^\s&'\"=?#/@%])[^\s&'\"=?#/@%]*%[0-9A-Fa-f]{2}[^\s&'\"=?#/@]*")


def masked(text: str) -> str:
    """The same text with every password and token of an address in it blotted out.

    >>> masked("cannot reach postgresql://me:s3cret@host/db?sslmode=off&password=s3cret now")
    'cannot reach postgresql://me:***@host/db?sslmode=off&password=*** now'
    >>> masked("https://ghp_abc@host:5000/x?access_token=abc"), masked("http://127.0.0.1:5000")
    ('https://***@host:5000/x?access_token=***', 'http://127.0.0.1:5000')
    >>> masked("host=db user=me password='s3 cret'"), masked("x?odbc=UID%3Dme%3BPWD%3Ds3cret")
    ('host=db user=me password=***', 'x?odbc=UID%3Dme%3BPWD%3D***')
    """
    for pattern in (_PASSWORD, _UNQUOTED, _WITH_BLANKS):
        text = pattern.sub(r"\g<before>:***@", text)
    text = _TOKEN.sub(r"\g<before>***@", text)
    for pattern in (_IN_TEXT, _IN_QUERY):
        text = pattern.sub(r"\g<before>***", text)
    return _ENCODED.sub(lambda found: _decoded(found[0]), text)


def _decoded(part: str) -> str:
    """A part of an address in which other ones, or settings of a driver, are written encoded."""
    plain = unquote(part)
    without = masked(plain) if plain != part else part
    return part if without == plain else quote(without, safe="*")
