"""Texts as a model reads them, made by the first run that needs them and kept for all others."""

from __future__ import annotations

from collections.abc import Callable

from benchmark.runs.identity import identity_of
from benchmark.runs.key import Listed
from benchmark.runs.key import key as key_of
from benchmark.runs.kinds import TrainRun
from benchmark.store.cache import Cache
from trainers.inputs import batches
from trainers.inputs.batches import Encoded
from trainers.tasks import Split


def encoded(
    run: TrainRun,
    split: Split,
    cache: Cache,
    make: Callable[[], Encoded],
    say: Callable[[str], None],
) -> Encoded:
    """A split as the model of a run reads it, in memory that runs share.

    Args:
        run: one that reads it.
        split: of its task.
        cache: where it lies, or is put; images stay where the task has them.
        make: reads and encodes it.
        say: told what was wrong with what lay there.

    Raises:
        CacheError: there is no room for it.
    """
    if run.task.reads != "text":
        return make()
    key = encoding_key(run, split)
    flaw = cache.flaw("encoded", key)
    if flaw:
        if cache.exists("encoded", key):
            say(f"{flaw}: made again")
        made = make()
        if type(made) is not Encoded:  # a user's own, which may hold more
            return made
        with cache.making("encoded", key) as folder:
            made.save(folder)
    return Encoded.open(cache.path("encoded", key))


def encoding_key(run: TrainRun, split: Split) -> str:
    """Key of the run that prepared the data, and a digest of how its texts are read.

    Without the seed, the method and the settings of a training, but for the length of its texts.
    """
    told = {
        "split": split,
        "seed": run.seed if run.task.per_seed else None,
        "task": identity_of(run.task),
        "model": identity_of(run.model),
        "max_length": run.training.max_length,
        "revisions": Listed([batches.REVISION]),
    }
    return f"{run.needs['data'].key}-{key_of(told)}"
