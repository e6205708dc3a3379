"""Texts as a model reads them, made by the first run that needs them and kept for all others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from benchmark.record.environment import environment_here
from benchmark.runs.identity import identity_of
from benchmark.runs.key import Listed
from benchmark.runs.key import key as key_of
from benchmark.runs.kinds import TrainRun
from benchmark.runs.probing import FeaturesRun
from benchmark.store.cache import Cache
from trainers.inputs import batches
from trainers.inputs.batches import Encoded, Ragged
from trainers.tasks import Split


def encoded(
    run: TrainRun | FeaturesRun,
    split: Split,
    cache: Cache,
    make: Callable[[], Encoded],
    say: Callable[[str], None],
) -> Encoded:
    """A split as the model of a run reads it, in memory that runs share.

    Args:
        run: one that reads it.
        split: of its task.
        cache: where it lies, or is put; images stay where the task has them, and what is read by
            code that cannot be followed is of this run alone.
        make: reads and encodes it.
        say: told what was wrong with what lay there.

    Raises:
        CacheError: there is no room for it.
    """
    told = _told(run, split)
    if run.task.reads != "text" or any("anew" in told[each] for each in ("task", "model")):
        return make()
    key = f"{run.needs['data'].key}-{key_of(told)}"
    if not cache.flaw("encoded", key):
        with suppress(FileNotFoundError):  # removed since
            return Encoded.open(cache.path("encoded", key))
    with cache.runs.holding(key):  # the first of those that begin together makes it
        return _opened(cache, key, make, say)


def _opened(
    cache: Cache, key: str, make: Callable[[], Encoded], say: Callable[[str], None]
) -> Encoded:
    if flaw := cache.flaw("encoded", key):
        if cache.exists("encoded", key):
            say(f"{flaw}: made again")
        made = make()
        if not _is_plain(made):
            return made
        with cache.making("encoded", key) as folder:
            made.save(folder)
    return Encoded.open(cache.path("encoded", key))


def _is_plain(made: Encoded) -> bool:
    """Whether all that it holds is saved; a user's own may hold more."""
    return type(made) is Encoded and all(type(each) is Ragged for each in made.ragged.values())


def encoding_key(run: TrainRun | FeaturesRun, split: Split) -> str:
    """Key of the run that prepared the data, and a digest of how its texts are read.

    Without the seed, the method and the settings of a training, but for the length of its texts.
    """
    return f"{run.needs['data'].key}-{key_of(_told(run, split))}"


def _told(run: TrainRun | FeaturesRun, split: Split) -> dict[str, Any]:
    """What a split is as a model reads it: with the versions of what reads it."""
    return {
        "split": split,
        "seed": run.seed if run.task.per_seed else None,
        "task": identity_of(run.task),
        "model": identity_of(run.model),
        "max_length": run.training.max_length,
        "environment": dict(environment_here("cpu", run.packages)),
        "revisions": Listed([batches.REVISION]),
    }
