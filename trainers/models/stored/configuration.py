"""The file config.json of a model's folder, and what of it is not passed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trainers.errors import ModelError

#: Ways to compute attention that are torch's own; others are fetched from the hub as programs.
_OWN_ATTENTION = ("eager", "sdpa")
#: Entries by which a configuration asks for programs, other files, or a form of the weights.
_EXECUTED = (
    "auto_map",
    "custom_pipelines",
    "experts_implementation",
    "kernel_config",
    "quantization_config",
    "transformers_weights",
    "trust_remote_code",
    "use_kernels",
)


def read_configuration(folder: Path) -> dict[str, Any]:
    """The entries of `config.json`; none where there is no such file.

    Raises:
        ModelError: it is no JSON object.
    """
    path = folder / "config.json"
    if not path.is_file():
        return {}
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no JSON object with a model_type.") from error
    if not isinstance(entries, dict):
        raise ModelError(f"{path} is no JSON object with a model_type.")
    return entries


def harmless(entries: Any) -> Any:
    """Entries, of a configuration within another too, that make transformers fetch nothing.

    >>> harmless({"attn_implementation": "kernels-community/flash-attn", "hidden_size": 8})
    {'hidden_size': 8}
    """
    if isinstance(entries, list):
        return [harmless(entry) for entry in entries]
    if not isinstance(entries, dict):
        return entries
    return {name: harmless(value) for name, value in entries.items() if _is_harmless(name, value)}


def _is_harmless(name: str, value: Any) -> bool:
    plain = name.strip("_").removesuffix("_internal").removesuffix("_autoset")
    if plain == "attn_implementation":
        return value in _OWN_ATTENTION
    return plain not in _EXECUTED
