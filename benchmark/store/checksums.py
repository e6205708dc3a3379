"""Whether a folder still holds what was written into it: digests of its files lie beside them.

A disk, a copy or an interrupted synchronisation can change a byte in silence, and what is trained
on it would be wrong for good.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

#: The file in each folder that lists the digests of all others.
MANIFEST = ".checksums.json"
#: Folders found sound, with what they hold and the state of their files then.
Sound = dict[tuple[Path, str], tuple[object, ...]]
#: By this process, or by one of this machine that says so.
_sound: Sound = {}


def found_sound() -> Sound:
    """The folders that were found sound so far, for a process of this machine that reads them."""
    return dict(_sound)


def take_as_sound(found: Sound) -> None:
    """Believe another process of this machine, as long as the files stay as it saw them."""
    _sound.update(found)


def seal(folder: Path, identity: str) -> None:
    """List the digests of a folder's files in it; nothing may be changed after that.

    Args:
        folder: complete.
        identity: what it holds, so that it is not taken for another one.
    """
    files = {name: _digest(folder / name) for name in _names(folder)}
    content = json.dumps({"of": identity, "files": files}, indent=0)
    (folder / MANIFEST).write_text(content, encoding="utf-8")


def flaw(folder: Path, identity: str) -> str:
    """What is wrong with a sealed folder, after its path; empty where it is as it was written.

    Every file is read, once in a command as long as neither its size nor its times change.
    """
    if not folder.is_dir():
        return "is missing"
    try:
        state = _state(folder)
        if _sound.get((folder, identity)) == state:
            return ""
        found = _difference(folder, identity)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not found:
        _sound[folder, identity] = state
    return found


def _difference(folder: Path, identity: str) -> str:
    if not (folder / MANIFEST).is_file():
        return "has no list of checksums"
    try:
        sealed = json.loads((folder / MANIFEST).read_bytes())
        owner, listed = sealed["of"], dict(sealed["files"])
    except (ValueError, TypeError, KeyError):
        return "has a damaged list of checksums"
    if owner != identity:
        return "holds the files of another run"
    there = set(_names(folder))
    for name in sorted(there | listed.keys()):
        if name not in there:
            return f"lacks {name}"
        if name not in listed:
            return f"holds {name}, which does not belong to it"
        if _digest(folder / name) != listed[name]:
            return f"holds a damaged {name}"
    return ""


def _names(folder: Path) -> list[str]:
    """The files of a folder and of those in it, but the list itself."""
    return sorted(
        name
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir())
        and (name := path.relative_to(folder).as_posix()) != MANIFEST
    )


def _state(folder: Path) -> tuple[object, ...]:
    """What changes when a file is written: names, sizes, times, and which file it is."""
    looked_at = [(name, (folder / name).lstat()) for name in [*_names(folder), "."]]
    listed = folder / MANIFEST
    if listed.exists():
        looked_at.append((MANIFEST, listed.lstat()))
    return tuple(
        (name, about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
        for name, about in looked_at
    )


def _digest(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
