"""Which files of a data set hold which split: one file, a folder by names, the hub's layout."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading.folders import ending, files_below, is_hidden

#: Tables that are read, by the ending of their files; ``.arrow`` only in saved data sets.
TABLES = (".parquet", ".jsonl", ".json", ".csv", ".tsv")
IMAGES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)

_SHARD = re.compile(r"(.+?)-(\d{5})-of-(\d{5})(-[0-9a-f]{16})?")
#: JSON files that say something of the data.
_NO_TABLES = ("dataset_infos.json", "dataset_info.json", "state.json", "dataset_dict.json")
#: Names of one split, whatever a data set calls it; upper and lower case are alike.
SYNONYMS = (
    ("train", "training"),
    ("validation", "valid", "val", "dev", "development"),
    ("test", "testing", "eval", "evaluation"),
)

Splits = Mapping[str, Sequence[Path]]


def splits(source: Path, config: str) -> Splits:
    """The files of each split, in order.

    A single file is the split "train". In a folder they are found, in this order, from what
    ``datasets`` saved, from the configurations in its ``README.md``, or from the names: the file's
    own (``dev.csv``, ``train-00000-of-00002.parquet``), or its folder's where it only has a number.
    :func:`called` finds a split whichever of its names is used. What is hidden is no data.

    Args:
        source: a file or a folder.
        config: the configuration, or "" where there is only one.

    Raises:
        TaskError: there is no such configuration, nothing to read, or a shard is missing.
    """
    if source.is_file():
        return {"train": [source]}
    if saved := _saved(source / config):
        return saved
    declared = _declared(source)
    if declared:
        found = by_pattern(_chosen(declared, config, str(source)), _files(source))
        return _complete({n: [source / f for f in files] for n, files in found.items()}, source)
    below = source / config if config else source
    found = by_name(_files(below)) if below.is_dir() else {}
    if not found:
        raise TaskError(
            f"{below}: there is nothing to read. Files must end in {', '.join(TABLES)}, or be a "
            "data set that datasets saved."
        )
    return _complete({n: [below / f for f in files] for n, files in found.items()}, below)


def wanted(files: Sequence[str], card: str, config: str, name: str) -> list[str]:
    """Which data files of a repository a configuration takes, of all its splits.

    Args:
        files: of the repository, relative to it.
        card: its ``README.md``; empty if it has none.
        config: the configuration, or "" where there is only one.
        name: of the repository, for messages.

    Raises:
        TaskError: there is no such configuration.

    >>> wanted(["cola/train.csv", "rte/train.csv", "README.md"], "", "rte", "glue")
    ['rte/train.csv']
    """
    there = [f for f in files if ending(f) in (*TABLES, *IMAGES)]
    there = [f for f in there if PurePosixPath(f).name not in _NO_TABLES and not is_hidden(f)]
    if declared := configurations(card):
        found = by_pattern(_chosen(declared, config, name), there)
        return sorted({f for matching in found.values() for f in matching})
    return [f for f in there if not config or f.startswith(f"{config}/")]


def called(split: str, there: Iterable[str]) -> str | None:
    """The split of that name, or else the one whose name means the same; None if there is none.

    Raises:
        TaskError: several names mean the same, and none of them is the name.

    >>> called("validation", ["train", "dev"]), called("val", ["Val"]), called("test", ["train"])
    ('dev', 'Val', None)
    """
    there = list(there)
    if split in there:
        return split
    own = next((names for names in SYNONYMS if split.lower() in names), (split.lower(),))
    found = [name for name in there if name.lower() in own]
    if len(found) > 1:
        raise TaskError(f'"{split}" may be {" or ".join(found)} here; name the one that is meant.')
    return found[0] if found else None


def image_splits(source: Path, config: str) -> Splits | None:
    """The images of each split where they lie in ``split/class/`` or ``class/``; None elsewhere."""
    below = source / config
    if not below.is_dir():
        return None
    images = [path for path in files_below(below) if ending(path) in IMAGES]
    found: dict[str, list[Path]] = {}
    for path in images:
        if len(path.parts) == 3:
            found.setdefault(path.parts[0], []).append(below / path)
    flat = [below / path for path in images if len(path.parts) == 2]
    return found or ({"train": flat} if flat else None)


def an_image(source: Path, config: str) -> Path | None:
    """An image anywhere below a folder that holds no tables."""
    below = source / config
    if not below.is_dir() or _files(below):
        return None
    images = (path for path in files_below(below) if ending(path) in IMAGES)
    return next((below / path for path in images), None)


def configurations(card: str) -> dict[str, dict[str, list[str]]]:
    """Patterns of files by configuration and split, from the front matter of a ``README.md``.

    >>> configurations("---\\nconfigs:\\n- config_name: cola\\n  data_files:\\n"
    ...                "  - split: train\\n    path: cola/train-*\\n---\\n# GLUE")
    {'cola': {'train': ['cola/train-*']}}
    """
    import yaml

    if not (front := re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)):
        return {}
    try:
        stated = yaml.safe_load(front[1])
    except yaml.YAMLError:
        return {}
    listed = stated.get("configs") if isinstance(stated, dict) else None
    return {
        str(each.get("config_name", "default")): _patterns(each["data_files"])
        for each in listed or []
        if isinstance(each, dict) and each.get("data_files")
    }


def _chosen(
    declared: Mapping[str, dict[str, list[str]]], config: str, source: str
) -> dict[str, list[str]]:
    """The patterns of a configuration; where none is asked for, of "default", or the only one."""
    names = [*declared]
    if not config and "default" in names:
        config = "default"
    if not config and len(names) > 1:
        raise TaskError(
            f"{source}: it has the configurations {', '.join(names)}. Give the task one as config."
        )
    if config and config not in declared:
        raise TaskError(f'{source}: there is no configuration "{config}" among {", ".join(names)}.')
    return declared[config or names[0]]


def _patterns(data_files: Any) -> dict[str, list[str]]:
    """All forms in which a card names files, as lists by split."""
    if isinstance(data_files, str):
        return {"train": [data_files]}
    if isinstance(data_files, list) and all(isinstance(each, str) for each in data_files):
        return {"train": list(data_files)}
    if isinstance(data_files, dict):
        data_files = [{"split": split, "path": path} for split, path in data_files.items()]
    found: dict[str, list[str]] = {}
    for each in data_files:
        path = each["path"]
        found.setdefault(each["split"], []).extend([path] if isinstance(path, str) else path)
    return found


def by_pattern(patterns: Mapping[str, Sequence[str]], files: Sequence[str]) -> dict[str, list[str]]:
    """The files of each split that a card's patterns match; splits without a file are left out."""
    found = {
        split: [f for f in files if any(PurePosixPath(f).match(p) for p in listed)]
        for split, listed in patterns.items()
    }
    return {split: matching for split, matching in found.items() if matching}


def by_name(files: Sequence[str]) -> dict[str, list[str]]:
    """The files of each split by their names.

    >>> by_name(["dev.jsonl", "train-00000-of-00001.parquet", "default/test/0000.parquet"])
    {'dev': ['dev.jsonl'], 'train': ['train-00000-of-00001.parquet'],
     'test': ['default/test/0000.parquet']}
    """
    found: dict[str, list[str]] = {}
    for name in files:
        path = PurePosixPath(name)
        shard = _SHARD.fullmatch(path.stem)
        split = shard[1] if shard else path.stem
        if split.isdigit() and path.parent.name:
            split = path.parent.name
        found.setdefault(split, []).append(name)
    return found


def _files(folder: Path) -> list[str]:
    """Tables below a folder, relative to it, sorted; nothing hidden."""
    return [
        path.as_posix()
        for path in files_below(folder)
        if ending(path) in TABLES and path.name not in _NO_TABLES
    ]


def _declared(folder: Path) -> dict[str, dict[str, list[str]]]:
    card = folder / "README.md"
    return configurations(card.read_text("utf-8", errors="replace")) if card.is_file() else {}


def declared(folder: Path, config: str) -> list[str]:
    """The splits of a configuration that the card of a folder names, whether files are there."""
    stated = _declared(folder)
    return [*_chosen(stated, config, str(folder))] if stated else []


def _saved(folder: Path) -> Splits | None:
    """What ``save_to_disk`` of ``datasets`` left, of one split or of several."""
    if (several := folder / "dataset_dict.json").is_file():
        names = json.loads(several.read_text("utf-8"))["splits"]
        return {name: _arrow_files(folder / name) for name in names}
    return {"train": _arrow_files(folder)} if (folder / "state.json").is_file() else None


def _arrow_files(folder: Path) -> list[Path]:
    state = folder / "state.json"
    if not state.is_file():
        raise TaskError(f"{state} is missing: the saved data set is not complete; save it again.")
    listed = json.loads(state.read_text("utf-8"))["_data_files"]
    return [folder / each["filename"] for each in listed]


def _complete(found: dict[str, list[Path]], source: Path) -> Splits:
    """Refuse a split of which a shard is missing, or which is there in two formats."""
    for split, files in found.items():
        shards = [shard for f in files if (shard := _SHARD.fullmatch(f.stem))]
        total = {shard[3] for shard in shards}
        if shards and (len(total) > 1 or len(shards) != int(next(iter(total)))):
            raise TaskError(
                f'{source}: the split "{split}" has {len(shards)} of {int(max(total))} files; '
                "fetch or copy it again."
            )
        if len({f.suffix for f in files}) > 1:
            listed = ", ".join(f.name for f in files)
            raise TaskError(f'{source}: the split "{split}" is there twice: {listed}. Keep one.')
    return found
