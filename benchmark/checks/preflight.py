"""What a whole study needs and has not got, found before anything is trained and told at once."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmark.checks.targets import unfit_targets
from benchmark.declare.chains import links_of
from benchmark.declare.study import Study
from benchmark.errors import NotReady
from benchmark.execute import hidden
from benchmark.runs.kinds import DataRun
from benchmark.store.cache import Cache
from trainers.methods import Method
from trainers.models import HubModel, Model
from trainers.pretraining import Supervised
from trainers.resolve import hub
from trainers.resolve.needs import FETCH, Needed
from trainers.settings import Training
from trainers.tasks import Task


def read_from(data: Path | None) -> None:
    """Have hub names looked for in the folder of `--data`, here and in every worker.

    Raises:
        NotReady: there is no such folder.
    """
    if data is None:
        if given := os.environ.get(hub.VARIABLE):  # workers have another working directory
            os.environ[hub.VARIABLE] = str(Path(given).expanduser().resolve())
        return
    if not data.is_dir():
        raise NotReady(f"--data {data}: there is no such folder; bench fetch fills one.")
    os.environ[hub.VARIABLE] = str(data.resolve())


def preflight(study: Study, study_file: Path, cache: Cache) -> None:
    """Refuse a study for which something is missing here; never reaches for the network.

    Args:
        study: what is to be trained.
        study_file: as the user gave it, for the commands in the message.
        cache: where data are prepared.

    Raises:
        NotReady: with everything that is missing or unfit, and the command that mends it.
    """
    found = missing(study)
    lacking = {need.name for need in found}
    fit = [task for task in tasks(study) if not lacking & {n.name for n in task.requirements()}]
    found += _distinct(_misfits(study, fit, cache))
    fresh = [task for task in fit if not _prepared(task, cache).is_dir()]
    unfit = [task for task in tasks(study) if task not in fit]
    found += _distinct(need for task in (*fresh, *unfit) for need in task.inspect())
    found += _distinct(hidden.unfit(study.tasks))
    found += _distinct(unfit_targets(study, fit))
    if found:
        raise NotReady(told(found, study_file))


def missing(study: Study) -> list[Needed]:
    """What the models, tokenizers and data sets of a study lack on this machine."""
    needs = [need for task in tasks(study) for need in task.requirements()]
    needs += [need for model, init in models(study) for need in model.requirements(init)]
    return _distinct(needs)


def tasks(study: Study) -> list[Task]:
    """Every task that is read: compared, trained on before, probed, and pre-trained on."""
    sources = (model.pretraining if init == "pretrained" else init for model, init in models(study))
    pretraining = (source.task for source in sources if isinstance(source, Supervised))
    declared = (*study.tasks, *study.chained_tasks, *study.probed_tasks)
    return list(dict.fromkeys([*declared, *pretraining]))


def models(study: Study) -> list[tuple[Model, object]]:
    """Every model that is built, teachers included, with what it starts from."""
    return list(dict.fromkeys((model, init) for _, model, init in starts(study)))


def starts(study: Study) -> Iterator[tuple[Task, Model, object]]:
    """Every model that is built, with its task and with what it starts from."""
    for task in study.tasks:
        for arm in study.arms:
            training = study.training_of(arm, task)
            for model, init in _with_teachers(arm.model, arm.init, arm.method, training):
                yield task, model, init
            for link in links_of(arm.init):
                method = link.method or arm.method
                settings = link.training or study.training_of(arm, link.task)
                for model, init in _with_teachers(arm.model, link.init, method, settings):
                    yield link.task, model, init


def _misfits(study: Study, fit: Sequence[Task], cache: Cache) -> Iterator[Needed]:
    """Weights that are here, and those of another architecture than their model's."""
    # The body of a model from elsewhere is the same on every task.
    started = {
        (model, init, None if isinstance(model, HubModel) else task): task
        for task, model, init in starts(study)
        if task in fit
    }
    for (model, init, _), task in started.items():
        if model.requirements(init):
            continue
        folder = _prepared(task, cache)
        if isinstance(init, Path) and not cache.has("data", folder.name):
            folder = cache.root / "none"  # what is damaged there is made again
        if wrong := model.misfit(task, folder, init):
            yield wrong


def _with_teachers(
    model: Model, init: object, method: Method | None, training: Training
) -> Iterator[tuple[Model, object]]:
    yield model, init
    teacher = method.teacher_for(training) if method else None
    if teacher is not None:
        yield from _with_teachers(
            model if isinstance(teacher.model, str) else teacher.model,
            init if teacher.init == "student" else teacher.init,
            teacher.method,
            teacher.training or training,
        )


def told(needs: Sequence[Needed], study_file: Path, data: str = "DIR") -> str:
    """All needs in one message, those that the same command mends together.

    Args:
        needs: at least one.
        study_file: as the user gave it.
        data: the folder to fetch into.
    """
    by_command: dict[str, list[Needed]] = {}
    for need in needs:
        by_command.setdefault(need.get, []).append(need)
    number = "one thing stands" if len(needs) == 1 else f"{len(needs)} things stand"
    lines = [f"{study_file}: {number} in the way of training."]
    for command, together in by_command.items():
        lines.append("")
        lines += [f"  {need.kind} {_called(need)}: {need.where}" for need in together]
        lines.append(f"    -> {_command(command, study_file, data)}")
    return "\n".join(lines)


def _called(need: Needed) -> str:
    return f'"{need.name}" ({need.config})' if need.config else f'"{need.name}"'


def _command(get: str, study_file: Path, data: str) -> str:
    if get != FETCH:
        return get
    folder = shlex.quote(data)
    command = get.format(study=shlex.quote(str(study_file)), data=folder)
    return f"with a network: {command}; then add --data {folder} to this command"


def _distinct(needs: Iterable[Needed]) -> list[Needed]:
    """Each once; what is to be fetched of one repository and for one reason is fetched together."""
    found: dict[tuple[str, ...], Needed] = {}
    for need in needs:
        place = (need.kind, need.name, need.where, need.get, need.config)
        before = found.get(place)
        files = dict.fromkeys((*(before.files if before else ()), *need.files))
        found[place] = need.fetching(tuple(files))
    return list(found.values())


def _prepared(task: Task, cache: Cache) -> Path:
    """Where a task is prepared, or will be."""
    return cache.path("data", DataRun("", "data", {}, task).key)


def size(count: float) -> str:
    """Bytes as people say them.

    >>> size(812), size(81_200_000), size(8.12e9)
    ('0.0 MB', '81.2 MB', '8.1 GB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
