"""How long a run may take, and how often one is tried that did not end by its own doing."""

import signal
import time
from dataclasses import replace
from math import inf

import pytest

from benchmark.commands.options import seconds
from benchmark.errors import RecordLost
from benchmark.execute import retries
from benchmark.execute.attempt.deadline import limited
from benchmark.execute.attempt.interruption import (
    Interrupted,
    interruptible,
    shielded,
    told_to_stop,
)
from benchmark.execute.engines.deaths import death
from benchmark.execute.job import DIED, DISK_FULL, INTERRUPTED, KILLED, TIMED_OUT, Ended
from benchmark.execute.retries import ATTEMPTS, Retries
from benchmark.store.outages import patiently, persevering, waited


def spin(seconds: float = inf) -> None:
    """Compute for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_what_a_run_waits_for_its_record_does_not_count_and_what_it_computes_does():
    away, before = iter(range(3)), waited()

    def asked() -> None:
        if next(away, None) is not None:
            raise RecordLost("away", "its server does not answer", passing=True)

    with persevering(lambda _: None), interruptible():
        with limited(1.5):
            patiently(asked, "record")
            assert waited() - before > 1.5
            with pytest.raises(Interrupted, match=TIMED_OUT):
                spin()
        assert not told_to_stop()  # the next run of this process has its own time


def test_a_run_is_not_ended_in_the_middle_of_what_it_tells_its_record():
    written = []

    def write() -> None:
        with shielded():
            spin(0.6)
            written.append("whole")
        written.append("no more")

    with interruptible(), pytest.raises(Interrupted, match=TIMED_OUT), limited(0.2):
        write()
    assert written == ["whole"]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_each_fault_is_tried_so_often_and_waits_twice_as_long_every_time(monkeypatch):
    monkeypatch.setattr(retries, "FIRST", 8.0)
    waiting, said = Retries(), []
    ended = Ended("k", DISK_FULL, "no room")
    while waiting.count(ended):
        said.append(waiting.rest(ended, None))
        assert "k" in waiting
        waiting.clear()
    assert said == [
        "tried again in 8 s (2 of 5)",
        "tried again in 16 s (3 of 5)",
        "tried again in 32 s (4 of 5)",
        "tried again in 60 s (5 of 5)",
    ]
    assert waiting.in_vain(ended).message == "no room; tried 5 times"
    assert waiting.count(replace(ended, status=KILLED))  # another fault has attempts of its own


@pytest.mark.parametrize("status", ["failed", "diverged", "out of memory", TIMED_OUT, "unreadable"])
def test_what_a_method_does_is_a_result(status):
    waiting, ended = Retries(), Ended("k", status, "as it is")
    assert not waiting.count(ended)
    assert waiting.in_vain(ended) == ended


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[(-number, KILLED) for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGBUS)],
        *[(-number, DIED) for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE)],
        *[(3, DIED), (0, DIED), (255, KILLED)],
    ],
)
def test_a_process_is_ended_from_outside_or_by_what_it_does(code, status):
    assert death(code, "").status == status
    assert status in ATTEMPTS
    assert INTERRUPTED in ATTEMPTS


def test_durations_have_units():
    assert [seconds(text) for text in ("90s", "1.5m", "6h", "2d")] == [90, 90, 21600, 172800]
    for wrong in ("90", "", "s", "-1s", "1e3s", "nan s", "0s", "0.5s", "1w", "1:00:00", "٣s"):
        with pytest.raises(Exception, match=r"is no duration with its unit|less than a second"):
            seconds(wrong)
