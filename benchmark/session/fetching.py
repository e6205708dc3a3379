"""`bench fetch`: fill a folder with what a study takes from the hub, to be read offline.

A repository appears in the folder only when it is complete: until then its files lie in
`DIR/.fetching`, where the next call finds them and goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.checks.hub import HubSource, explained
from benchmark.checks.preflight import missing, size, told
from benchmark.declare.loading import load_study
from benchmark.errors import FetchError, NotReady
from benchmark.store.leases import LeaseFolder
from benchmark.terminal.page import page
from trainers.resolve.hub import looking_only_in
from trainers.resolve.needs import FETCH, Needed

#: In the folder of each repository: where its files are from.
RECORD = ".fetched.json"


def fetch_into(options: argparse.Namespace) -> int:
    """Fetch everything that a study takes from the hub and a folder lacks."""
    study, folder, console = load_study(options.study), options.data, page()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(f"--data {folder} cannot be made: {error.strerror}.") from error
    with looking_only_in(folder), LeaseFolder(folder / ".fetching").holding("fetch"):
        asked = [need for need in missing(study) if need.get == FETCH]
        for (kind, name), needs in _by_repository(asked).items():
            _fetch(kind, name, needs, folder, console)
        names = {(need.kind, need.name) for need in asked}
        left = [need for need in missing(study) if (need.kind, need.name) in names]
    if left:
        there = "correct what the study says of it: the hub has no more"
        left = [replace(n, get=there) if n.get == FETCH else n for n in left]
        raise NotReady(told(left, options.study, str(folder)))
    console.print(
        f"{folder} has everything that {options.study} takes from the hub. "
        f"Without a network: bench run {options.study} --data {folder}",
        markup=False,
        soft_wrap=True,
    )
    return 0


def _by_repository(needs: Sequence[Needed]) -> dict[tuple[str, str], list[Needed]]:
    found: dict[tuple[str, str], list[Needed]] = {}
    for need in needs:
        found.setdefault((need.kind, need.name), []).append(need)
    return found


def _fetch(kind: str, name: str, needs: Sequence[Needed], root: Path, console: Console) -> None:
    """Fetch what is needed of one repository, at the revision of what is there of it already."""
    final, draft = root / name, root / ".fetching" / f"{kind}--{name.replace('/', '--')}"
    before = _record(final) or _record(draft)
    with explained(kind, name):
        source = HubSource.open(kind, name, before.get("revision"))
        chosen = source.choose(needs, draft)
        have = before.get("files", {}) if final.is_dir() else {}
        new = [f for f in chosen if have.get(f.name) != f.size]
        _require_space(sum(f.size for f in new), root)
        console.print(
            f"{kind} {name}: {len(new)} files, {size(sum(f.size for f in new))}, "
            f"revision {source.revision}",
            markup=False,
            soft_wrap=True,
        )
        draft.mkdir(parents=True, exist_ok=True)
        about = {"kind": kind, "name": name, "revision": source.revision, "files": have}
        _write(draft / RECORD, about)  # so that an interrupted fetch goes on with this revision
        for file in new:
            source.download(file, draft)
    about["files"] = have | {f.name: f.size for f in new}
    _write(draft / RECORD, about)
    _put_in_place(draft, final)


def _record(folder: Path) -> dict[str, Any]:
    """What an earlier call noted in a folder; nothing if there is none or it is damaged."""
    try:
        noted = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps(content, indent=1), "utf-8")
    draft.replace(path)


def _put_in_place(draft: Path, final: Path) -> None:
    """Give a finished repository its name, with what was there of it before."""
    shutil.rmtree(draft / ".cache", ignore_errors=True)
    final.parent.mkdir(parents=True, exist_ok=True)
    if not final.exists():
        draft.rename(final)
        return
    # The record comes last: until then the next call fetches again what may be missing.
    files = sorted(p for p in draft.rglob("*") if p.is_file() and p.name != RECORD)
    for path in [*files, draft / RECORD]:
        target = final / path.relative_to(draft)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    shutil.rmtree(draft)


def _require_space(need: int, root: Path) -> None:
    free = shutil.disk_usage(root).free
    if need > free:
        raise FetchError(f"{root} has {size(free)} free, and {size(need)} are to be fetched.")
