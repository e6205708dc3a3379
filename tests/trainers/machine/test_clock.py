"""What work takes: by all threads and children of a process, and by nobody else."""

import os
import subprocess
import sys
import threading
import time

import pytest
import torch

from trainers.machine.clock import Stopwatch, cpu_seconds

BUSY = "import time\nstart = time.process_time()\nwhile time.process_time() < start + 0.2: pass"


def test_waiting_costs_no_processor_time():
    watch = Stopwatch()
    time.sleep(0.3)
    spent = watch.stop()
    assert spent.seconds >= 0.3
    assert spent.cpu_seconds < spent.seconds / 2
    assert spent.gpu_seconds is None


def test_the_work_of_threads_and_of_children_is_counted():
    def work() -> None:
        begun = time.thread_time()
        while time.thread_time() < begun + 0.1:
            pass

    watch = Stopwatch()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert watch.stop().cpu_seconds >= 0.2
    before = cpu_seconds()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert cpu_seconds() >= before + 0.2


def test_the_work_of_other_processes_is_not_counted():
    watch = Stopwatch()
    other = subprocess.Popen([sys.executable, "-c", BUSY])
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is a child still
    spent, before = watch.stop(), cpu_seconds()
    other.wait()
    assert spent.cpu_seconds < (cpu_seconds() - before) / 2
    assert min(spent.load_start, spent.load_end) >= 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_an_accelerator_is_timed_by_its_own_clock():
    matrix = torch.randn(4096, 4096, device="cuda")
    matrix @ matrix
    watch = Stopwatch("cuda")
    for _ in range(50):
        matrix @ matrix
    spent = watch.stop()
    assert spent.gpu_seconds is not None
    assert 0 < spent.gpu_seconds <= spent.seconds + 0.01
