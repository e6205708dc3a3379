"""A repository of the hub as it is asked for over a network: its files, and the errors in words."""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import FetchError
from trainers.errors import TaskError
from trainers.models import WEIGHTS
from trainers.models.stored.weight_files import INDEX
from trainers.resolve.needs import Needed
from trainers.tasks.elsewhere.reading import layout

#: Seconds that the hub may take to answer.
_PATIENCE = 10.0
#: Where the hub keeps tables of data sets that are a program.
_CONVERTED = "refs/convert/parquet"
_TYPES = {"model": "model", "data": "dataset"}


@dataclass(frozen=True)
class File:
    """A file of a repository.

    Attributes:
        name: relative to the repository.
        size: in bytes.
        digest: of its content: SHA-256 of large files, git's SHA-1 of others.
    """

    name: str
    size: int
    digest: str


@dataclass(frozen=True)
class HubSource:
    """A repository of the hub at one revision."""

    kind: str
    name: str
    revision: str
    files: tuple[File, ...]

    @classmethod
    def open(cls, kind: str, name: str, revision: str | None) -> HubSource:
        """Ask the hub for the files; of a data set that is a program, for the tables made of it."""
        found = cls._listed(kind, name, revision)
        if kind == "data" and not any(f.name.lower().endswith(layout.TABLES) for f in found.files):
            from huggingface_hub.errors import RevisionNotFoundError

            try:
                return cls._listed(kind, name, _CONVERTED)
            except RevisionNotFoundError:
                return found
        return found

    @classmethod
    def _listed(cls, kind: str, name: str, revision: str | None) -> HubSource:
        from huggingface_hub import HfApi

        info: Any = HfApi(endpoint=endpoint()).repo_info(
            name,
            repo_type=_TYPES[kind],
            revision=revision,
            files_metadata=True,
            timeout=_PATIENCE,
        )
        files = (
            File(s.rfilename, s.size or 0, s.lfs.sha256 if s.lfs else s.blob_id)
            for s in info.siblings
        )
        return cls(kind, name, info.sha, tuple(files))

    def choose(self, needs: Sequence[Needed], draft: Path) -> list[File]:
        """The files to fetch; the card of a data set, which says so, is fetched at once.

        Raises:
            FetchError: there are none, or not the configuration.
        """
        names = [f.name for f in self.files]
        asked = tuple(dict.fromkeys(pattern for need in needs for pattern in need.files))
        if self.kind == "model":
            taken = set(_of_model(names, asked))
        else:
            taken = {"README.md"}
            for need in needs:
                taken |= set(self._of_data(names, need, draft))
        if not taken & (set(names) - {"README.md"}):
            raise FetchError(f"{self.name} on the hub has none of {', '.join(asked)}.")
        return [f for f in self.files if f.name in taken]

    def _of_data(self, names: Sequence[str], need: Needed, draft: Path) -> list[str]:
        card = ""
        for file in self.files:
            if file.name == "README.md":
                self.download(file, draft)
                card = (draft / file.name).read_text("utf-8", errors="replace")
        there = [
            name
            for name in names
            if any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in need.files)
        ]
        try:
            return layout.wanted(there, card, need.config, self.name)
        except TaskError as error:
            raise FetchError(str(error)) from error

    def download(self, file: File, draft: Path) -> None:
        """Fetch one file, or the rest of it.

        Raises:
            FetchError: what came is not what the hub said.
        """
        from huggingface_hub import hf_hub_download

        hf_hub_download(
            self.name,
            file.name,
            repo_type=_TYPES[self.kind],
            revision=self.revision,
            endpoint=endpoint(),
            etag_timeout=_PATIENCE,
            local_dir=draft,
        )
        if not _is_whole(draft / file.name, file):
            (draft / file.name).unlink()
            raise FetchError(
                f"{self.name}: {file.name} came otherwise than the hub announced it, and was "
                "thrown away. The same command fetches it again."
            )


def endpoint() -> str:
    """The hub, or the mirror of it that `HF_ENDPOINT` names."""
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def _of_model(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Configuration, tokenizer, and the weights; pickled ones only where there are no others.

    Pickled weights are fetched to be converted: nothing here opens them.

    >>> _of_model(["config.json", "pytorch_model.bin", "model.safetensors"], ["*.safetensors"])
    ['model.safetensors']
    """
    plain = [n for n in names if any(fnmatch.fnmatch(n, p) for p in patterns)]
    weights = [n for n in plain if n.endswith(".safetensors") or n == INDEX]
    others = [n for n in plain if n not in weights]
    if WEIGHTS in weights:
        return [*others, WEIGHTS]
    if weights or not any("safetensors" in pattern for pattern in patterns):
        return [*others, *weights]
    return [*others, *(n for n in names if fnmatch.fnmatch(n, "pytorch_model*.bin"))]


def _is_whole(path: Path, file: File) -> bool:
    if path.stat().st_size != file.size:
        return False
    large = len(file.digest) == 64
    digest = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % file.size)
    with path.open("rb") as content:
        while part := content.read(1 << 20):
            digest.update(part)
    return digest.hexdigest() == file.digest


@contextmanager
def explained(kind: str, name: str) -> Iterator[None]:
    """Say in a line why the hub did not give what was asked of it."""
    from huggingface_hub import errors

    kept = "What was fetched is kept; the same command goes on from there."
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise FetchError("HF_HUB_OFFLINE is set; bench fetch needs a network.") from error
    except errors.GatedRepoError as error:
        raise FetchError(
            f"{name} asks for an agreement: accept it at {endpoint()}/{name}, then: hf auth login"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise FetchError(
            f'{endpoint()} has no {kind} "{name}", or hides it. Correct the name, or log in: '
            "hf auth login"
        ) from error
    except errors.HfHubHTTPError as error:
        raise FetchError(f"{name}: {_line(error)}. {kept}") from error
    except (
        errors.HTTPError,  # type: ignore[attr-defined]  # of the HTTP library that the hub's uses
        errors.LocalEntryNotFoundError,
        ConnectionError,
    ) as error:
        raise FetchError(
            f"{endpoint()} cannot be reached ({_line(error)}). bench fetch needs a network. {kept}"
        ) from error


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
