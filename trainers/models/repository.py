"""A model's folder in the hub's layout: what must be in it, and the digests of what is."""

import hashlib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainers.errors import ModelError
from trainers.hub import is_on_hub, local_folder, places
from trainers.models.body import Checkpoint
from trainers.models.weight_files import INDEX, WEIGHTS, weight_files
from trainers.needs import FETCH, Needed

PREPROCESSOR = "preprocessor_config.json"
#: Each line is enough for a tokenizer.
_VOCABULARIES = (
    ("tokenizer.json",),
    ("vocab.txt",),
    ("vocab.json", "merges.txt"),
    ("spm.model",),
    ("spiece.model",),
    ("sentencepiece.bpe.model",),
    ("tokenizer.model",),
)
#: Files beside the weights that say how the model reads.
_READING = (
    *dict.fromkeys(name for names in _VOCABULARIES for name in names),
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    PREPROCESSOR,
)
#: What is fetched of a repository.
_FILES = ("config.json", "model*.safetensors", INDEX, *_READING)
#: Entries of the JSON files that are names and paths, or say which program wrote the file.
_NAMES = (
    "_name_or_path",
    "name_or_path",
    "tokenizer_file",
    "special_tokens_map_file",
    "transformers_version",
)
#: Reads the folder from the command line: its name may hold any sign.
_CONVERSION = (
    "import sys, torch; from pathlib import Path; from safetensors.torch import save_file; "
    "folder, w = Path(sys.argv[1]), {}; "
    '[w.update(torch.load(f, weights_only=True)) for f in folder.glob("pytorch_model*.bin")]; '
    "save_file({k: v.clone().contiguous() for k, v in w.items()}, "
    f'folder / "{WEIGHTS}", {{"format": "pt"}})'
)


@dataclass(frozen=True)
class Repository:
    """The files of one model: a hub name, or a folder.

    Nothing in it is executed: weights are read from safetensors alone, and a model that brings
    code of its own is refused.
    """

    source: str | Path

    @property
    def name(self) -> str:
        """The last part, for tables."""
        return Path(self.source).name

    @property
    def folder(self) -> Path:
        """Where it lies on this machine.

        Raises:
            ModelError: nowhere.
        """
        found = local_folder(self.source, "model")
        if found is None:
            raise ModelError(str(self._needed(places(self.source))))
        return found

    @property
    def model_type(self) -> str:
        """The kind of architecture, for instance "roberta".

        Raises:
            ModelError: ``config.json`` is missing, damaged, or of a kind unknown to transformers.
        """
        wrong = self.missing_config()
        if wrong:
            raise ModelError(str(wrong))
        kind: str = json.loads((self.folder / "config.json").read_text())["model_type"]
        return kind

    def config(self) -> Any:
        """The transformers configuration.

        Raises:
            ModelError: as for :attr:`model_type`, or where a value in it cannot be.
        """
        from transformers import AutoConfig

        _ = self.model_type
        try:
            return AutoConfig.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )
        except Exception as error:
            detail = str(error).strip().splitlines()[0]
            path = self.folder / "config.json"
            raise ModelError(f"{path} cannot be read: {detail}") from error

    def checkpoint(self, layers: tuple[int, ...] = ()) -> Checkpoint:
        """The weights, all or of some layers.

        Raises:
            ModelError: they are missing or unfit.
        """
        wrong = self.missing_weights()
        if wrong:
            raise ModelError(str(wrong))
        return Checkpoint(self.folder, layers)

    def missing_config(self) -> Needed | None:
        """Why the architecture cannot be told, if it cannot."""
        from transformers import CONFIG_MAPPING

        folder = local_folder(self.source, "model")
        if folder is None:
            return self._needed(places(self.source))
        path = folder / "config.json"
        if not path.is_file():
            return self._needed(f"{folder} holds no config.json")
        try:
            kind = json.loads(path.read_text())["model_type"]
        except (ValueError, TypeError, KeyError):
            return self._needed(f"{path} is no JSON object with a model_type")
        if kind not in CONFIG_MAPPING:
            get = "take a model of a type that transformers itself has"
            return self._needed(
                f'{path} is of the type "{kind}", which would need code from the repository', get
            )
        return None

    def missing_weights(self) -> Needed | None:
        """Why the weights cannot be read, if they cannot; of each file only the header is read."""
        folder = local_folder(self.source, "model")
        if folder is None:
            return self._needed(places(self.source))
        if not (folder / WEIGHTS).is_file() and not (folder / INDEX).is_file():
            return self._missing_or_pickled(folder)
        try:
            parts = weight_files(folder)
        except (ValueError, KeyError, AttributeError):
            return self._needed(f"{folder / INDEX} does not list the parts of the weights")
        for part in parts:
            if not part.is_file():
                return self._needed(f"{folder} lacks {part.name}, which its index lists")
            problem = _damage(part)
            if problem:
                return self._needed(f"{part} is no whole safetensors file ({problem})")
        return None

    def missing_reader(self, reads: str | None) -> Needed | None:
        """Why text or images cannot be turned into what the model reads, if they cannot."""
        folder = self.folder
        if reads == "images":
            if not (folder / PREPROCESSOR).is_file():
                return self._needed(f"{folder} holds no {PREPROCESSOR}")
            return None
        if any(all((folder / name).is_file() for name in names) for names in _VOCABULARIES):
            return None
        return self._needed(f"{folder} holds no tokenizer (no tokenizer.json, vocab.txt, …)")

    def unfit(self, where: str, get: str | None = None) -> Needed:
        """What is there but cannot be used, with the way out where a better one is known."""
        return self._needed(where, get)

    def description(self) -> str:
        """Digest of the configuration, the tokenizer and the image processor, without names."""
        digest = hashlib.sha256()
        for name in ("config.json", *sorted(_READING)):
            path = self.folder / name
            if path.is_file():
                digest.update(f"{name}\0".encode() + _nameless(path) + b"\0")
        return digest.hexdigest()

    def _missing_or_pickled(self, folder: Path) -> Needed:
        if not list(folder.glob("pytorch_model*.bin")):
            return self._needed(f"{folder} holds no {WEIGHTS}")
        return self._needed(
            f"{folder} holds its weights as a pickle, which could run any code and is not opened",
            conversion(folder),
        )

    def _needed(self, where: str, get: str | None = None) -> Needed:
        fetched = get is None and is_on_hub(self.source)
        if get is None:
            get = FETCH if fetched else "save_pretrained() of model and tokenizer into that folder"
        return Needed("model", str(self.source), where, get, _FILES if fetched else ())


def without_weights(needed: Needed) -> Needed:
    """The same, for a model whose weights are drawn from the seed."""
    kept = tuple(name for name in needed.files if "safetensors" not in name)
    return needed.fetching(kept)


def conversion(folder: Path) -> str:
    """The command that writes pickled weights as safetensors; it unpickles tensors alone."""
    return f"python -c {shlex.quote(_CONVERSION)} {shlex.quote(str(folder))}"


def _damage(path: Path) -> str:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            return ""
    except (SafetensorError, OSError) as error:
        return str(error)


def _nameless(path: Path) -> bytes:
    """The contents; of JSON, those entries that are no names, in a fixed order."""
    content = path.read_bytes()
    if path.suffix != ".json" or path.name in ("tokenizer.json", "vocab.json"):
        return content
    try:
        entries = json.loads(content)
    except ValueError as error:
        raise ModelError(f"{path} is no JSON: {error}.") from error
    if isinstance(entries, dict):
        entries = {name: value for name, value in entries.items() if name not in _NAMES}
    return json.dumps(entries, sort_keys=True).encode()
