"""Test sets whose labels only a server has: runs leave predictions for them where they are."""

from benchmark.execution import Todo
from benchmark.plan import Plan
from benchmark.runs import Output
from trainers.errors import TaskError
from trainers.tasks import Task
from trainers.tasks.glue_server import server_files


def with_hidden(plan: Plan, needed: Todo) -> Todo:
    """The same, with predictions for hidden test sets from the cells where these are at hand."""
    ready = {task: _is_at_hand(task) for task in plan.study.tasks}
    cells = zip(plan.study.cells(), plan.cells, strict=True)
    judged = {key for (_, task, _), key in cells if ready[task]}
    more = frozenset[Output](("hidden",))
    jobs = {k: out | more if k in judged else out for k, out in needed.jobs.items()}
    return Todo(needed.cached, jobs)


def _is_at_hand(task: Task) -> bool:
    try:
        return bool([task.unlabelled(file.split) for file in server_files(task)])
    except TaskError:
        return False
