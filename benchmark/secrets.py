"""Addresses and messages without the passwords in them."""

import re

#: Between a scheme and a host: a name and its password, or on the web a token alone.
_PASSWORD = re.compile(r"(?P<before>[A-Za-z][\w+.-]*://[^\s/@:?#'\"]*):[^\s/?#'\"]*@")
_TOKEN = re.compile(r"(?P<before>https?://)[^\s/@:?#'\"]+@")
#: A password may hold any sign, also those that end the part of an address that it stands in.
_UNQUOTED = re.compile(
    r"(?P<before>[A-Za-z][\w+.-]*://[^\s/@:?#'\"]*):(?!\*\*\*@|\d+/)[^\s'\"]*@(?=[\w.\[-])"
)
_IN_QUERY = re.compile(
    r"(?P<before>[?&;][\w.-]*(?:pass|pwd|token|secret|key|auth|credential|signature|sig)[\w.-]*=)"
    r"[^\s&;#'\"]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """The same text with every password and token of an address in it blotted out.

    >>> masked("cannot reach postgresql://me:s3cret@host/db?sslmode=off&password=s3cret now")
    'cannot reach postgresql://me:***@host/db?sslmode=off&password=*** now'
    >>> masked("https://ghp_abc@host:5000/x?access_token=abc"), masked("http://127.0.0.1:5000")
    ('https://***@host:5000/x?access_token=***', 'http://127.0.0.1:5000')
    """
    for pattern in (_PASSWORD, _UNQUOTED):
        text = pattern.sub(r"\g<before>:***@", text)
    text = _TOKEN.sub(r"\g<before>***@", text)
    return _IN_QUERY.sub(r"\g<before>***", text)
