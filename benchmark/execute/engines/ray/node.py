"""What a node of a cluster must have for runs to be executed there."""

from __future__ import annotations

import hashlib
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmark.record.environment import LIBRARIES
from benchmark.record.provenance import version_of
from benchmark.secrets import masked
from benchmark.store.store import Store

#: Seconds that the server of the record has to answer a node.
_MOMENT = 10.0
#: Ports of servers whose addresses name none.
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}


@dataclass(frozen=True)
class Sight:
    """What every node must see as the machine does on which the command was given.

    Attributes:
        study_file: absolute.
        content: its SHA-256.
        mark: a file in the store's folder.
        server: address of the record, where a server keeps it; it may hold a password.
        versions: of Python and what else changes numbers.
    """

    study_file: Path
    content: str
    mark: Path
    server: str
    versions: Mapping[str, str]

    @classmethod
    def of(cls, study_file: Path, mark: Path, store: Store) -> Sight:
        """What is seen here."""
        path = study_file.resolve()
        server = "" if store.is_local else store.location
        return cls(path, _content(path), mark, server, _versions())


def look(sight: Sight) -> str:
    """What is missing on this machine, as the rest of a sentence; nothing if all is there."""
    if _content(sight.study_file) != sight.content:
        return (
            f"{sight.study_file} is not what it is here: put the study's folder where all nodes "
            "have it under the same path."
        )
    if not sight.mark.exists():
        return (
            f"{sight.mark.parent} is not what it is here: data and logits lie there that runs "
            "leave for each other. Name a folder with --store that all nodes have under the same "
            "path; with a server for the record, start the command in such a folder."
        )
    for name, version in _versions().items():
        if version != sight.versions[name]:
            return (
                f"{name} is {version}, and {sight.versions[name]} here: runs of both would be no "
                "pairs. Install the same there as here."
            )
    return _unreached(sight.server)


def _unreached(server: str) -> str:
    """What keeps this machine from the record."""
    parts = urlsplit(server)
    kind = parts.scheme.partition("+")[0]
    port = parts.port or _PORTS.get(kind)
    if not parts.hostname or port is None:
        return ""
    try:
        with socket.create_connection((parts.hostname, port), timeout=_MOMENT):
            return ""
    except OSError as error:
        return (
            f"the record at {masked(server)} is not reached ({error.strerror or error}): have its "
            "server listen where all nodes reach it."
        )


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _versions() -> dict[str, str]:
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, **{name: version_of(name) for name in ("armbench", *LIBRARIES)}}
