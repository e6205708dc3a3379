"""A model's folder in the hub's layout: what must be in it, and the digests of what is."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainers.errors import ModelError
from trainers.models.stored.body import Checkpoint
from trainers.models.stored.configuration import harmless, read_configuration
from trainers.models.stored.weight_files import INDEX, WEIGHTS, weight_files
from trainers.resolve.hub import is_on_hub, local_folder, places
from trainers.resolve.needs import FETCH, Needed

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
    ("vocab.json", "source.spm", "target.spm"),
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
#: More than any model has; each is made before its size is known.
_MOST_LAYERS = 1_000
#: Likewise; the parts keep their names, and an index is written anew.
_RENAMING = (
    "import sys, json; from pathlib import Path; "
    "from safetensors.torch import load_file, save_file; "
    "folder, n = Path(sys.argv[1]), len(sys.argv[2]); "
    '[save_file({k[n:]: w for k, w in load_file(f).items()}, f, {"format": "pt"}) '
    'for f in folder.glob("*.safetensors")]; '
    '[f.write_text(json.dumps({"weight_map": {k[n:]: v for k, v in '
    'json.loads(f.read_text())["weight_map"].items()}})) for f in folder.glob("*.index.json")]'
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
            ModelError: `config.json` is missing, damaged, or of a kind unknown to transformers.
        """
        wrong = self.missing_config()
        if wrong:
            raise ModelError(str(wrong))
        return str(read_configuration(self.folder)["model_type"])

    def config(self) -> Any:
        """The transformers configuration, without what would have it fetch or execute anything.

        Raises:
            ModelError: as for :attr:`model_type`, or where a value in it cannot be.
        """
        from transformers import CONFIG_MAPPING

        kind = self.model_type
        try:
            config: Any = CONFIG_MAPPING[kind].from_dict(harmless(read_configuration(self.folder)))
        except Exception as error:
            detail = next(iter(str(error).strip().splitlines()), type(error).__name__)
            path = self.folder / "config.json"
            raise ModelError(f"{path} cannot be read: {detail}") from error
        depth = getattr(config, "num_hidden_layers", 0)
        if isinstance(depth, int) and depth > _MOST_LAYERS:
            raise ModelError(f"{self.folder / 'config.json'} asks for {depth:,} layers.")
        return config

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
            kind = read_configuration(folder).get("model_type")
        except ModelError as error:
            return self._needed(str(error).rstrip("."))
        if not isinstance(kind, str):
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
            quantised = read_configuration(folder).get("quantization_config")
        except ModelError as error:
            return self._needed(str(error).rstrip("."))
        if quantised:
            get = "take the repository that holds the weights in full"
            return self._needed(f"{folder} holds its weights quantised, to be read alone", get)
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
        if any(all(_is_filled(folder / name) for name in names) for names in _VOCABULARIES):
            return None
        return self._needed(
            f"{folder} holds no tokenizer (no tokenizer.json, vocab.txt, … with anything in it)"
        )

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


def renaming(folder: Path, prefix: str) -> str:
    """The command that takes away what stands before the names of all weights."""
    return f"python -c {shlex.quote(_RENAMING)} {shlex.quote(str(folder))} {shlex.quote(prefix)}"


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


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
