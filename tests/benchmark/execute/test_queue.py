"""What waits, as laws: nothing begins before what it needs, and the most urgent begins first."""

from dataclasses import dataclass, field
from types import MappingProxyType

import hypothesis.strategies as st
from hypothesis import given

from benchmark.execute.job import RETRY_OF, Job
from benchmark.execute.queue import Queue
from benchmark.runs.kinds import Need, Run


@dataclass(frozen=True)
class Numbered(Run):
    """A run whose key is its name."""

    needs: MappingProxyType = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key(self) -> str:
        return self.name


def job(name, urgency=0.0, needs=(), **fields) -> Job:
    of_runs = {need.run.name: need for need in needs}
    run = Numbered(name, "arm", of_runs)
    outputs = fields.pop("outputs", frozenset())
    return Job(run, outputs, None, "", fields.pop("tags", {}), urgency=urgency, **fields)


def need(of: Job) -> Need:
    return Need(of.run, "data")


@st.composite
def graphs(draw):
    """Jobs, each needing some of those before it."""
    jobs: list[Job] = []
    for i in range(draw(st.integers(1, 12))):
        before = draw(st.lists(st.sampled_from(jobs), max_size=3)) if jobs else []
        urgency = draw(st.integers(0, 3))
        jobs.append(job(str(i), float(urgency), [need(each) for each in before]))
    return jobs


def may_begin(queue: Queue) -> set[str]:
    """By looking at all of them."""
    found = set()
    for key, each in queue.waiting.items():
        before = {n.key for n in each.run.needs.values()}
        if not (before | {key}) & queue.running.keys() and not before & queue.waiting.keys():
            found.add(key)
    return found


@given(jobs=graphs(), data=st.data())
def test_what_is_ready_is_what_waits_for_nothing_whatever_happens(jobs, data):
    queue = Queue()
    for each in data.draw(st.permutations(jobs)):
        queue.add(each)
    for _ in range(40):
        ready = list(queue.ready())
        assert {each.run.key for each in ready} == may_begin(queue)
        assert [each.urgency for each in ready] == sorted((e.urgency for e in ready), reverse=True)
        actions = [("begin", each.run.key) for each in ready]
        actions += [("end", key) for key in queue.running]
        actions += [("remove", key) for key in queue.waiting]
        actions += [("add", each.run.key) for each in jobs]
        action, key = data.draw(st.sampled_from(actions))
        if action == "begin":
            assert queue.begin(key).run.key == key
        elif action == "end":
            assert queue.end(key).run.key == key
        elif action == "remove":
            queue.remove(key)
        else:
            queue.add(next(each for each in jobs if each.run.key == key))


@given(jobs=graphs())
def test_every_job_begins_once_and_after_what_it_needs(jobs):
    queue, begun = Queue(), []
    for each in jobs:
        queue.add(each)
    while queue.waiting:
        first = next(queue.ready())
        assert all(n.key in begun for n in first.run.needs.values())
        queue.begin(first.run.key)
        queue.end(first.run.key)
        begun.append(first.run.key)
    assert sorted(begun) == sorted(each.run.key for each in jobs)


def test_of_jobs_that_are_equally_urgent_the_first_begins_first():
    queue = Queue()
    for name in "bca":
        queue.add(job(name))
    assert [each.run.key for each in queue.ready()] == ["b", "c", "a"]


def test_two_jobs_of_one_run_become_one_that_leaves_what_either_must():
    queue = Queue()
    queue.add(job("a", 2.0, outputs=frozenset(("test",)), tags={RETRY_OF: "x", "arm": "old"}))
    queue.add(job("a", 1.0, outputs=frozenset(("logits",)), tags={"arm": "new"}, alone=True))
    (both,) = queue.ready()
    assert both.outputs == {"test", "logits"}
    assert (both.urgency, both.alone) == (2.0, True)
    assert both.tags == {RETRY_OF: "x", "arm": "new"}


def test_what_needs_a_run_waits_from_the_moment_that_it_is_added_again():
    queue, teacher = Queue(), job("teacher")
    queue.add(job("student", 9.0, [need(teacher)]))
    assert [each.run.key for each in queue.ready()] == ["student"]
    queue.add(teacher)
    assert [each.run.key for each in queue.ready()] == ["teacher"]
    queue.begin("teacher")
    assert list(queue.ready()) == []
    queue.end("teacher")
    assert [each.run.key for each in queue.ready()] == ["student"]
