"""A clock that is set back, and runs that take longer than they may."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.conftest import linux
from tests.benchmark.execute.faults.study import (
    STUDY,
    Disturbed,
    check,
    left_behind,
    processes_in,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.long, linux]
#: Takes libc's place: as long as there is a file, the time of day is a day ago. (Under libfaketime
#: sleeping fails where monotonic clocks are left as they are.)
CLOCK = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && id == CLOCK_REALTIME && !access(getenv("SET_BACK"), F_OK))
        now->tv_sec -= 86400;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found;
    int failed = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now)
        *now = found.tv_sec;
    return found.tv_sec;
}
"""
COMPILER = shutil.which("cc")


@pytest.mark.skipif(COMPILER is None, reason="the clock is set back by a library of C; no compiler")
def test_a_clock_that_is_set_back_by_a_day_changes_nothing(folder, expected):
    assert COMPILER is not None
    (folder / "clock.c").write_text(CLOCK)
    library, back = folder / "clock.so", folder / "set_back"
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-o", str(library), str(folder / "clock.c")], check=True
    )
    faked = {"LD_PRELOAD": str(library), "SET_BACK": str(back)}
    told = [sys.executable, "-c", "import time; print(time.time())"]
    back.touch()
    done = subprocess.run(told, env=os.environ | faked, capture_output=True, text=True, check=True)
    assert time.time() - float(done.stdout) > 86000
    back.unlink()
    running = Disturbed(folder, environment=faked)
    running.arrived(2)
    back.touch()
    running.end()
    assert check(folder, expected) == []
    runs = Query(Connection(Store(str(folder / "mlruns")))).runs("tags.key != ''")
    assert all(0 < run.seconds < 3600 for run in runs)
    assert "4 cached" in running.again().end()  # by the real clock


HANGING = """
import threading
from itertools import repeat

LOCK = threading.Lock()
LOCK.acquire()


def hang(how):
    if how == "spins":
        while True:
            pass
    if how == "sleeps":
        time.sleep(1e6)
    if how == "waits":
        LOCK.acquire()
    if how == "swallows":
        while True:
            try:
                time.sleep(1e6)
            except BaseException:
                continue
    if how == "counts":  # holds the interpreter: no Python code of the process hears of anything
        all(repeat(True))


@dataclass(frozen=True)
class Hangs(Base):
    how: str = ""

    @property
    def name(self):
        return self.how

    def loss(self, step):
        if step.epoch == 2:
            hang(self.how)
        return super().loss(step)


"""
WAYS = ("spins", "sleeps", "waits", "swallows", "counts")


def test_methods_that_hang_are_ended_after_the_time_of_a_run_and_their_lines_named(folder):
    text = STUDY.replace("study = Study(", HANGING.lstrip() + "study = Study(")
    text = text.replace("Still()]", f"*(Hangs(how) for how in {WAYS})]")
    text = text.replace('Comparison("base", "still")', f'Comparison("base", {[*WAYS]})')
    (folder / "faults.py").write_text(text.replace("seeds=(1, 2)", "seeds=(1,)"))
    said = Disturbed(folder, "--run-timeout", "4s").end(code=1)
    lines = text.splitlines()
    for way in WAYS:
        (told,) = [line for line in said.splitlines() if line.startswith(f"  {way} · scratch · 1")]
        assert "timed out: it " in told
        at = told.rpartition("(faults.py:")[2].removesuffix(")")
        assert lines[int(at) - 1].strip() in HANGING
        assert "hang(self.how)" not in lines[int(at) - 1]  # but the innermost line
    runs = Query(Connection(Store(str(folder / "mlruns")))).runs("tags.key != ''")
    assert sorted(run.status for run in runs) == ["FAILED"] * len(WAYS) + ["FINISHED"]
    assert all("timed out" in r.tags["status_reason"] for r in runs if r.status == "FAILED")
    wait_until(lambda: not processes_in(folder), "no process is left")
    assert left_behind(folder) == []
