"""Which files of a data set hold which split: one file, a folder by names, the hub's layout.

`datasets` reads cards and finds keywords (:mod:`.hub_rules`). Ours are names of files before that,
since any may be a split's, and to `datasets` `train_small.csv` is a part of train; the files of
a saved set, since `load_from_disk` opens all of them and its errors name none; and what is
hidden, missing or there twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading import hub_rules
from trainers.tasks.elsewhere.reading.folders import ending, files_below, is_hidden

#: Tables that are read, by the ending of their files; `.arrow` only in saved data sets.
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

SplitFiles = Mapping[str, Sequence[Path]]


def splits(source: Path, config: str, asked: Sequence[str] = ()) -> SplitFiles:
    """The files of each split, in order.

    A single file is the split "train". In a folder they are found, in this order, from what
    `datasets` saved, from the configurations in its `README.md`, or from the names: the file's
    own (`dev.csv`, `train-00000-of-00002.parquet`), or its folder's where it only has a number.
    :func:`called` finds a split whichever of its names is used; one that is not there so is looked
    for by keyword (`reviews_train.csv`, `train/part_1.csv`). What is hidden is no data.

    Args:
        source: a file or a folder.
        config: the configuration, or "" where there is only one.
        asked: names of splits to look for by keyword.

    Raises:
        TaskError: there is no such configuration, nothing to read, or a shard is missing.
    """
    if source.is_file():
        return {"train": [source]}
    if saved := _saved(source / config):
        return saved
    stated = _stated(source, config)
    if stated and stated.patterns:
        found = stated.files(_files(source))
        whole = {n: [source / f for f in files] for n, files in found.items()}
        return _complete(whole, source, apart=True)
    below = source / (stated.folder if stated else config)
    names = _files(below) if below.is_dir() else []
    if not names:
        raise TaskError(
            f"{below}: there is nothing to read. Files must end in {', '.join(TABLES)}, or be a "
            "data set that datasets saved."
        )
    found = by_name(names)
    if gone := _gone(asked, found):
        found |= _by_keyword(names, gone, {"train": names} if len(names) == 1 else {})
    _require_once(found, asked, below)
    return _complete({n: [below / f for f in files] for n, files in found.items()}, below)


def wanted(files: Sequence[str], card: str, config: str, name: str) -> list[str]:
    """Which data files of a repository a configuration takes, of all its splits.

    Args:
        files: of the repository, relative to it.
        card: its `README.md`; empty if it has none.
        config: the configuration, or "" where there is only one.
        name: of the repository, for messages.

    Raises:
        TaskError: there is no such configuration.

    >>> wanted(["cola/train.csv", "rte/train.csv", "README.md"], "", "rte", "glue")
    ['rte/train.csv']
    """
    there = [f for f in files if ending(f) in (*TABLES, *IMAGES)]
    there = [f for f in there if PurePosixPath(f).name not in _NO_TABLES and not is_hidden(f)]
    stated = hub_rules.configuration(card, config, name)
    if stated and stated.patterns:
        return sorted({f for matching in stated.files(there).values() for f in matching})
    folder = stated.folder if stated else config
    return [f for f in there if not folder or f.startswith(f"{folder}/")]


def called(split: str, there: Iterable[str]) -> str | None:
    """The split of that name, or else the one whose name means the same; None if there is none.

    Raises:
        TaskError: several names mean the same, and none of them is the name.

    >>> called("validation", ["train", "dev"]), called("val", ["Val"]), called("test", ["train"])
    ('dev', 'Val', None)
    """
    found = _names_of(split, there)
    if split in found:
        return split
    if len(found) > 1:
        raise TaskError(f'"{split}" may be {" or ".join(found)} here; name the one that is meant.')
    return found[0] if found else None


def image_splits(source: Path, config: str, asked: Sequence[str] = ()) -> SplitFiles | None:
    """The images of each split where they lie in `split/class/` or `class/`; None elsewhere.

    A split that is asked for and not there so is looked for by keyword among the folders around
    those of classes, however deep; where no folder has one, and no table is there, all images are
    "train".

    Raises:
        TaskError: it cannot be told which folders there are the classes.
    """
    below = source / config
    if not below.is_dir():
        return None
    there = files_below(below)
    images = [path for path in there if ending(path) in IMAGES]
    found: dict[str, list[Path]] = {}
    around: dict[str, list[Path]] = {}
    for path in images:
        if len(path.parts) == 3:
            found.setdefault(path.parts[0], []).append(path)
        if len(path.parts) > 1:
            around.setdefault((path.parent.parent / "image").as_posix(), []).append(path)
    flat = [path for path in images if len(path.parts) == 2]
    found = found or ({"train": flat} if flat else {})
    beside = any(map(_is_table, there))
    if around and (gone := _gone(asked, found)):
        more = _by_keyword([*around], gone, {} if beside else {"train": [*around]})
        for split, folders in more.items():
            found[split] = sorted(path for folder in folders for path in around[folder])
            _require_classes(found[split], below)
        if beside and len(_gone(asked, found)) == len(asked):  # pictures in a card
            return None
    _require_once(found, asked, below)
    return {n: [below / path for path in files] for n, files in found.items()} or None


def an_image(source: Path, config: str) -> Path | None:
    """An image anywhere below a folder that holds no tables."""
    below = source / config
    if not below.is_dir() or _files(below):
        return None
    images = (path for path in files_below(below) if ending(path) in IMAGES)
    return next((below / path for path in images), None)


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
    return [path.as_posix() for path in files_below(folder) if _is_table(path)]


def _is_table(path: Path) -> bool:
    return ending(path) in TABLES and path.name not in _NO_TABLES


def _gone(asked: Sequence[str], found: Iterable[str]) -> list[str]:
    """The splits asked for that none of those found may be."""
    found = list(found)
    return [split for split in asked if not _names_of(split, found)]


def _by_keyword(
    names: Sequence[str], gone: Sequence[str], otherwise: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """The names of some splits, or, where no name has a keyword, what is given for them."""
    others = hub_rules.by_keyword(names) or otherwise
    there = (called(split, others) for split in gone)
    return {split: others[split] for split in there if split}


def _names_of(split: str, there: Iterable[str]) -> list[str]:
    """The splits that a name may mean."""
    own = next((names for names in SYNONYMS if split.lower() in names), (split.lower(),))
    return [name for name in there if name == split or name.lower() in own]


def _require_once(
    found: Mapping[str, Sequence[str | Path]], asked: Sequence[str], source: Path
) -> None:
    """Refuse a file that the names of two of the splits asked for take."""
    taken: dict[str | Path, str] = {}
    for split in dict.fromkeys(name for each in asked for name in _names_of(each, found)):
        for file in found[split]:
            if (other := taken.setdefault(file, split)) != split:
                raise TaskError(
                    f'{source}: by its name {file} may be of "{other}" or of "{split}". Rename it.'
                )


def _require_classes(images: Sequence[Path], source: Path) -> None:
    """Refuse folders of images that have one name, or lie in each other: which is the class?"""
    folders: dict[str, Path] = {}
    for folder in dict.fromkeys(path.parent for path in images):
        if (other := folders.setdefault(folder.name, folder)) != folder:
            raise TaskError(_unclear(source, other, folder))
    for folder in folders.values():
        if around := next(
            (each for each in folder.parents if folders.get(each.name) == each), None
        ):
            raise TaskError(_unclear(source, around, folder))


def _unclear(source: Path, one: Path, other: Path) -> str:
    return (
        f"{source}: images must lie as class/image.png below the folder of their split, and "
        f"{one.as_posix()} and {other.as_posix()} leave open which folder is the class. Move them "
        "so, or name the splits as the folders are."
    )


def _stated(folder: Path, config: str) -> hub_rules.Configuration | None:
    card = folder / "README.md"
    if not card.is_file():
        return None
    text = card.read_text("utf-8", errors="replace")
    return hub_rules.configuration(text, config, str(folder))


def declared(folder: Path, config: str) -> Mapping[str, Sequence[str]]:
    """What the card of a folder names as files of each split, whether they are there or not."""
    stated = _stated(folder, config)
    return stated.patterns if stated else {}


def _saved(folder: Path) -> SplitFiles | None:
    """What `save_to_disk` of `datasets` left, of one split or of several."""
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


def _complete(found: dict[str, list[Path]], source: Path, apart: bool = False) -> SplitFiles:
    """Refuse a split of which a shard is missing, or which is there in two formats.

    Args:
        found: the files of each split.
        source: for messages.
        apart: whether shards are counted folder by folder.
    """
    for split, files in found.items():
        shards: dict[tuple[Path | None, str], list[int]] = {}
        for file in files:
            if shard := _SHARD.fullmatch(file.stem):
                family = file.parent if apart else None, shard[1]
                shards.setdefault(family, []).append(int(shard[3]))
        for totals in shards.values():
            if totals != [len(totals)] * len(totals):
                raise TaskError(
                    f'{source}: the split "{split}" has {len(totals)} of {max(totals)} files; '
                    "fetch or copy it again."
                )
        if len({f.suffix for f in files}) > 1:
            listed = ", ".join(f.name for f in files)
            raise TaskError(f'{source}: the split "{split}" is there twice: {listed}. Keep one.')
    return found
