"""Test sets whose labels only a server has: runs leave predictions for them where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmark.execute.todo import Todo
from benchmark.runs.kinds import Output
from benchmark.runs.plan import Plan
from trainers.resolve.needs import Needed
from trainers.tasks import Task
from trainers.tasks.paper.glue_server import server_files


def with_hidden(plan: Plan, needed: Todo) -> Todo:
    """The same, with predictions for hidden test sets from the cells where these are at hand."""
    ready = {task: _is_at_hand(task) for task in plan.study.tasks}
    cells = zip(plan.study.cells(), plan.cells, strict=True)
    judged = {key for (_, task, _), key in cells if ready[task]}
    more = frozenset[Output](("hidden",))
    jobs = {k: out | more if k in judged else out for k, out in needed.jobs.items()}
    return replace(needed, jobs=jobs)


def unfit(tasks: Sequence[Task]) -> Iterator[Needed]:
    """What is wrong with hidden test sets that are here: runs could leave nothing for them."""
    for task in tasks:
        for file in server_files(task):
            if not task.missing_split(file.split):
                yield from task.unfit_split(file.split)


def _is_at_hand(task: Task) -> bool:
    files = server_files(task)
    return bool(files) and not any(task.missing_split(file.split) for file in files)
