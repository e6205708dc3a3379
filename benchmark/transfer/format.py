"""The file that a study is moved in: an archive whose members are listed with their checksums.

It is a zip in which nothing is compressed. The first member says what it is, `runs/ID/run.json` and
`runs/ID/files/…` hold the runs, `searches/N.json` what Optuna knows, and the last member lists the
checksums of all others. JSON alone is read of it; files of runs are handed on as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any

from benchmark.errors import BenchmarkError

#: What the first member says; a file of a later version is refused.
FORMAT, VERSION = "armbench study", 1
HEAD, LIST = "study.json", "checksums.json"
#: Most bytes of a member that is read at once, as JSON.
_MOST = 1 << 28
_CHUNK = 1 << 20
#: A member's time, whenever it is written: the same study gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)
_MEMBER = re.compile(r"study\.json|searches/\d{1,6}\.json|runs/[0-9a-f]{32}/(run\.json|files/.+)")


class TransferError(BenchmarkError):
    """A file that a study is moved in cannot be written or read."""


@dataclass
class Outgoing:
    """An archive that is being written.

    Attributes:
        archive: of zipfile.
    """

    archive: zipfile.ZipFile
    _digests: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: Mapping[str, Any]) -> None:
        """A member of JSON."""
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        self._write(name, text.encode())

    def add_file(self, name: str, path: Path) -> None:
        """A member with what a file holds, a piece at a time.

        Raises:
            TransferError: no archive can hold a file of that name.
        """
        if not _is_safe(zipfile.ZipInfo(name)):
            raise TransferError(f"{path} cannot be moved: give it a name of letters and digits.")
        digest = hashlib.sha256()
        with path.open("rb") as source, self._open(name) as target:
            while piece := source.read(_CHUNK):
                digest.update(piece)
                target.write(piece)
        self._digests[name] = digest.hexdigest()

    def close(self) -> None:
        """The list of checksums, as the last member."""
        self._write(LIST, json.dumps(self._digests, indent=0).encode())

    def _write(self, name: str, content: bytes) -> None:
        with self._open(name) as target:
            target.write(content)
        self._digests[name] = hashlib.sha256(content).hexdigest()

    def _open(self, name: str) -> IO[bytes]:
        return self.archive.open(zipfile.ZipInfo(name, _TIME), "w", force_zip64=True)


@contextmanager
def packing(path: Path) -> Iterator[Outgoing]:
    """An archive that takes its place when the block has ended without an error.

    Raises:
        TransferError: there is something already, or it cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise TransferError(f"{path} is there already: remove it, or name another file.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            packed = Outgoing(archive)
            yield packed
            packed.close()
        draft.replace(path)
    except OSError as error:
        if error.filename not in (None, str(draft), str(path)):
            raise
        raise TransferError(f"{path} could not be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)


@dataclass(frozen=True)
class Incoming:
    """An archive that was found to be whole.

    Attributes:
        path: of the file.
        archive: of zipfile.
    """

    path: Path
    archive: zipfile.ZipFile

    @property
    def head(self) -> Mapping[str, Any]:
        """What the file is."""
        return self.json(HEAD)

    @cached_property
    def runs(self) -> dict[str, list[str]]:
        """The names of the files that each run keeps, by its identity, in the order of runs."""
        found: dict[str, list[str]] = {}
        for name in self.archive.namelist():
            kind, identity, *inside = [*name.split("/", 3), ""]
            if kind == "runs":
                found.setdefault(identity, []).extend(inside[1:2] if inside[0] == "files" else [])
        return found

    @property
    def searches(self) -> list[str]:
        """The members that hold what Optuna knows of a search."""
        return [name for name in self.archive.namelist() if name.startswith("searches/")]

    def json(self, name: str) -> Mapping[str, Any]:
        """A member of JSON.

        Raises:
            TransferError: it is none.
        """
        try:
            if self.archive.getinfo(name).file_size > _MOST:
                raise ValueError("it is too long")
            found = json.loads(self.archive.read(name))
        except (ValueError, KeyError, RecursionError) as error:
            raise damaged(self.path, f"{name} cannot be read") from error
        if not isinstance(found, dict):
            raise damaged(self.path, f"{name} is not what it should be")
        return found

    def unpack(self, name: str, target: Path) -> None:
        """Write what a member holds into a file, a piece at a time."""
        with self.archive.open(name) as source, target.open("wb") as file:
            while piece := source.read(_CHUNK):
                file.write(piece)


@contextmanager
def unpacking(path: Path) -> Iterator[Incoming]:
    """An archive, of which everything is read and compared with its checksums first.

    Raises:
        TransferError: it is none, of a later version, or not as it was written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            packed = Incoming(path, archive)
            _check(packed)
            yield packed
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeError) as error:
        raise damaged(path, str(error)) from error


def _check(packed: Incoming) -> None:
    members = packed.archive.infolist()
    names = [each.filename for each in members]
    if names[:1] != [HEAD] or packed.head.get("format") != FORMAT:
        raise TransferError(
            f"{packed.path} is no file that bench export wrote, or a part of one: copy or export "
            "it again."
        )
    if packed.head.get("version") != VERSION:
        raise TransferError(
            f"{packed.path} was written by a later version of armbench: pip install -U armbench."
        )
    if names[-1] != LIST:
        raise damaged(packed.path, "its list of checksums is missing")
    listed = packed.json(LIST)
    if len(set(names)) < len(names) or set(names) != {*listed, LIST}:
        raise damaged(packed.path, "its members are not those that it lists")
    size = packed.path.stat().st_size
    if sum(each.file_size for each in members) > size:
        raise damaged(packed.path, "its members are larger than the file")
    for each in members[:-1]:
        if not _is_safe(each):
            raise damaged(packed.path, f"{each.filename[:200]!r} is no member of such a file")
        if _digest(packed.archive, each) != listed[each.filename]:
            raise damaged(packed.path, f"{each.filename} is not as it was written")


def _is_safe(member: zipfile.ZipInfo) -> bool:
    """Whether a member is one of ours, with a name that leads nowhere else."""
    name = member.filename
    parts = name.split("/")
    odd = any(part in ("", ".", "..") or part != PurePosixPath(part).name for part in parts)
    signs = any(sign in name for sign in "\\\0\n\r")
    stored = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1
    return bool(_MEMBER.fullmatch(name)) and not odd and not signs and stored


def _digest(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    digest = hashlib.sha256()
    with archive.open(member) as source:
        while piece := source.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def damaged(path: Path, why: str) -> TransferError:
    """What is said of a file that is not as it was written."""
    return TransferError(f"{path} is damaged ({why}): copy or export it again.")
