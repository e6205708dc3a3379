"""By which rules `datasets` takes files: a card's configurations, its patterns, keywords in names.

It is asked of names that are laid out in memory, and so opens and writes nothing, follows no
address, and answers alike of a folder and of what the hub lists.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

from trainers.errors import TaskError

#: What of a configuration says where its data are.
_PLACES = ("config_name", "data_files", "data_dir", "default")


class Configuration(NamedTuple):
    """Where the data of a configuration are, as a card states it.

    Attributes:
        folder: in which they lie, relative to the card; empty where it is the card's own.
        patterns: of the files of each split, relative to the folder; empty where names tell them.
    """

    folder: str
    patterns: Mapping[str, Sequence[str]]

    def files(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The names of each split that the patterns match; splits without one are left out."""
        with _laid_out(names) as root:
            found = {
                split: _matching(root, [posixpath.join(self.folder, p) for p in patterns], names)
                for split, patterns in self.patterns.items()
            }
        return {split: matching for split, matching in found.items() if matching}


def configuration(card: str, config: str, source: str) -> Configuration | None:
    """The configuration of that name, or else the one that a card says is its default.

    Args:
        card: the text of a `README.md`.
        config: its name, or "".
        source: where the card is, for messages.

    Returns:
        None where the card does not say where data are.

    Raises:
        TaskError: there is none of that name, or no default among several; or the card is not as
            `datasets` reads it, or names files elsewhere.

    >>> configuration("---\\nconfigs:\\n- config_name: cola\\n  data_files:\\n"
    ...               "  - split: train\\n    path: cola/train-*\\n---\\n# GLUE", "", "glue")
    Configuration(folder='', patterns={'train': ['cola/train-*']})
    """
    if "configs" not in card or not card.lstrip().startswith("---"):  # datasets need not be loaded
        return None
    from datasets.data_files import sanitize_patterns

    try:
        if not (stated := _stated(card)):
            return None
        chosen = stated.get(config or _default(stated))
        patterns = sanitize_patterns((chosen or {}).get("data_files") or {})
    except (ValueError, TypeError, AttributeError) as error:
        raise TaskError(
            f"{source}: its README.md lists configurations in a way that datasets does not read. "
            'Each has a "config_name", and as "data_files" a path, a list of paths, or a list of '
            '"split" and "path".'
        ) from error
    names = ", ".join(stated)
    if chosen is None and config:
        raise TaskError(f'{source}: there is no configuration "{config}" among {names}.')
    if chosen is None:
        raise TaskError(
            f"{source}: it has the configurations {names}. Give the task one as config."
        )
    return Configuration(
        _inside(chosen.get("data_dir") or "", source),
        {split: [_inside(p, source) for p in listed] for split, listed in patterns.items()},
    )


def by_keyword(names: Sequence[str]) -> dict[str, list[str]]:
    """The names of each split by the keywords of `datasets`; empty where no name has one.

    Capitals are as good as small letters. A keyword in folders goes before one in a file's name.

    >>> by_keyword(["data/train/part_1.csv", "data/TEST/part_1.csv"])
    {'train': ['data/train/part_1.csv'], 'test': ['data/TEST/part_1.csv']}
    >>> by_keyword(["faq.csv", "tickets.csv"])
    {}
    """
    from datasets.data_files import DEFAULT_PATTERNS_ALL, get_data_patterns

    small = [name.lower() for name in names]
    with _laid_out(small) as root:
        try:
            patterns = get_data_patterns(root)
        except (FileNotFoundError, ValueError):  # no names; a split is called by other signs
            return {}
        if patterns == DEFAULT_PATTERNS_ALL:
            return {}
        found = {str(split): set(_matching(root, each, small)) for split, each in patterns.items()}
    return {
        split: [name for name, lower in zip(names, small, strict=True) if lower in taken]
        for split, taken in found.items()
    }


@lru_cache(maxsize=64)
def _stated(card: str) -> Any:
    """What a card's front matter says of where data are, by configuration; empty without one."""
    import yaml
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard, DatasetCardData

    try:
        listed = DatasetCard(card).data.get("configs") or []
    except (yaml.YAMLError, ValueError, TypeError):  # no card, but a text with a rule above it
        return {}
    kept = [
        {
            key: str(each[key]) if key == "config_name" else each[key]
            for key in _PLACES
            if key in each
        }
        for each in listed
        if isinstance(each, dict) and (each.get("data_files") or each.get("data_dir"))
    ]
    return MetadataConfigs.from_dataset_card_data(DatasetCardData(configs=kept))


def _default(stated: Any) -> str | None:
    try:
        name: str | None = stated.get_default_config_name()
    except ValueError:  # several say that they are
        return None
    return name


def _inside(pattern: str, source: str) -> str:
    """A pattern made plain; TaskError if it leads out of the folder, or to an address."""
    plain = posixpath.normpath(pattern) if pattern else ""
    if plain.startswith(("/", "..")) or "://" in pattern or "::" in pattern:
        raise TaskError(
            f'{source}: its README.md names the files "{pattern}", which are not in its folder. '
            "Copy them there, and name them by a path below it."
        )
    return "" if plain == "." else plain


@contextmanager
def _laid_out(names: Iterable[str]) -> Iterator[str]:
    """An address below which there are empty files of these names, in memory."""
    import fsspec

    memory, root = fsspec.filesystem("memory"), uuid4().hex
    there = [f"/{root}/{name}" for name in dict.fromkeys(names)]
    try:
        for path in there:
            memory.pipe_file(path, b"")
        yield f"memory://{root}"
    finally:
        for path in there:
            memory.rm_file(path)


def _matching(root: str, patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Those of the names that any of the patterns takes, in their order."""
    from datasets.data_files import resolve_pattern

    taken: set[str] = set()
    for pattern in patterns:
        try:
            taken.update(
                path.partition(f"{root.removeprefix('memory://')}/")[2]
                for path in resolve_pattern(pattern, root)
            )
        except FileNotFoundError:
            continue
    return [name for name in names if name in taken]
