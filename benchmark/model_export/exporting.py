"""Write the model of a recorded run into a folder, and make it again where no weights are left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmark.declare.arm import Arm
from benchmark.errors import StoreError, StudyError
from benchmark.execute.todo import Todo, damaged, missing
from benchmark.model_export.agreement import Logits
from benchmark.model_export.asked import AskedRun
from benchmark.model_export.card import card, remarks, size_lines
from benchmark.model_export.draft import drafted, require_free
from benchmark.model_export.writing import ExportedModel, write_model
from benchmark.record.attempts import attempts
from benchmark.record.environment import environment_here, environment_of
from benchmark.record.predictions import read_predictions
from benchmark.record.recorded import Recorded
from benchmark.runs.alike import unfollowed
from benchmark.runs.kinds import Output, TrainRun
from benchmark.runs.plan import Plan
from benchmark.session.searching import found_settings
from benchmark.session.session import Session
from benchmark.session.training import FAILED, FINISHED, execute
from trainers.tasks import Split

_SPLITS: tuple[Split, ...] = ("dev", "test")


def export_model(session: Session, asked: AskedRun, target: Path) -> int:
    """Write the model of a recorded run into a folder; returns the exit code.

    Args:
        session: of the run's study.
        asked: which run.
        target: the folder, which must not be there, or be empty.

    Raises:
        BenchmarkError: there is no such run, it is not recorded, or the folder cannot be written.
    """
    require_free(target)
    made, finished = session.settled(session.plan(found_settings(session)))
    run = made.runs[asked.key(made.study, made.cells)]
    assert isinstance(run, TrainRun)
    if run.task.writes == "text":
        raise StudyError(
            f"{session.study_file}: {run.name} writes texts, and bench export-model takes runs "
            "that classify."
        )
    recorded = _recorded(session, run, finished)
    before = _predictions(session, recorded)
    with session.store.cache.using(run.key, run.needs["data"].key):
        if code := _make_again(session, made, run, finished):
            return code
        with session.at_home(), drafted(target) as folder:
            written = write_model(run, session.store.cache, before, folder)
            told = _told(run, recorded, written)
            page = card(run, _arm(made, run), session.study_file, recorded, written, told)
            (folder / "README.md").write_text(page, "utf-8")
    _say(session, run, target, written, told)
    return FAILED if written.agreement.classes_differ else FINISHED


def _recorded(session: Session, run: TrainRun, finished: Mapping[str, Recorded]) -> Recorded:
    """The run as the record has it.

    Raises:
        StudyError: it has not got it; with what became of it.
    """
    file = session.study_file
    if anew := unfollowed([run]):
        raise StudyError(f"{file}: {anew[0]} bench export-model takes runs that are recorded.")
    found = finished.get(run.key)
    if found and found.is_tested:
        return found
    known = attempts(session.query, [run.key], [run.key]) if session.store.exists() else {}
    failure = known[run.key].failure if run.key in known else None
    why = f" (it failed: {failure.reason})" if failure else ""
    raise StudyError(f"{file}: {run.name} is not recorded yet{why}; start with: bench run {file}")


def _predictions(session: Session, recorded: Recorded) -> dict[Split, Logits]:
    """What the run said on dev and test."""
    found: dict[Split, Logits] = {}
    for split in _SPLITS:
        kept = read_predictions(session.query, recorded, split)
        if kept is None:
            raise StoreError(
                f"{recorded.name} keeps no predictions in the record, against which its model "
                "could be held."
            )
        found[split] = kept.logits
    return found


def _make_again(
    session: Session, made: Plan, run: TrainRun, finished: Mapping[str, Recorded]
) -> int:
    """Execute the run, and what it needs, where they have left no weights or data."""
    targets = {
        run.needs["data"].key: frozenset[Output](("data",)),
        run.key: frozenset[Output](("test", "weights")),
    }
    cache = session.store.cache
    jobs = missing(made.runs, targets, finished, cache)
    if not jobs:
        return FINISHED
    if run.key in jobs:
        session.console.print(
            f"{run.name} left no weights, and is trained again for them; its record stays as it "
            "is.",
            markup=False,
            soft_wrap=True,
        )
    done = frozenset(k for k in made.cells if k in finished) - frozenset(jobs)
    with session.at_work():
        return execute(session, made, Todo(done, jobs, damaged(jobs, cache)), dict(finished))


def _arm(made: Plan, run: TrainRun) -> Arm:
    cells = zip(made.study.cells(), made.cells, strict=True)
    return next(arm for (arm, _, _), key in cells if key == run.key)


def _told(run: TrainRun, recorded: Recorded, written: ExportedModel) -> str:
    here = environment_here(run.device, run.packages)
    return written.agreement.told(environment_of(recorded.tags), here)


def _say(session: Session, run: TrainRun, target: Path, written: ExportedModel, told: str) -> None:
    lines = [*size_lines(written), told]
    if written.unlike:
        lines.append(
            f"transformers cannot load it: {written.unlike}. {target / 'README.md'} says how the "
            "study's own model does."
        )
    else:
        lines += remarks(run, written)
    session.console.print(f"{run.name} is in {target}.", markup=False, soft_wrap=True)
    for line in lines:
        session.console.print(line, markup=False, soft_wrap=True)
