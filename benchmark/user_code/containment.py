"""What code of a study may change in the process that reads it, and does not.

A study file and the classes in it are the user's: they may print, leave, change the folder, the
signals or torch's settings. What they leave changed would reach the runs of all arms.
"""

from __future__ import annotations

import io
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NoReturn


class Left(SystemExit):
    """Code of a study asked for the end of the process, by `os._exit`."""


@contextmanager
def leaving_raises() -> Iterator[None]:
    """Within this block `os._exit` raises :class:`Left` in this process, which names the line.

    Without it a process would end as if all were well. A forked child leaves as it always did.
    """
    really, owner = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != owner:
            really(status)
        raise Left(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = really


@contextmanager
def undisturbed() -> Iterator[None]:
    """After this block the process is what it was before it, whatever a study file did.

    The working directory, the standard streams, the handlers of signals, torch's threads, default
    type, default device and gradients, and the states of random numbers. What the file draws
    without a seed of its own is the same in every process, and so in every run.
    """
    with ExitStack() as after:
        for restore in (_folder(), _streams(), _signals(), _torch(), _random()):
            after.callback(restore)
        yield


def _folder() -> Callable[[], None]:
    before = os.getcwd()
    return lambda: os.chdir(before)


def _streams() -> Callable[[], None]:
    before = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    kept: dict[int, int] = {}
    for number in (1, 2):
        with suppress(OSError):  # closed already
            kept[number] = os.dup(number)

    def restore() -> None:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        for number, (name, stream) in enumerate(before.items(), 1):
            if getattr(stream, "closed", False):
                stream = io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8")
                stream.reconfigure(errors="backslashreplace", line_buffering=True)
            setattr(sys, name, stream)

    return restore


def _signals() -> Callable[[], None]:
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    fixed = {signal.SIGKILL, signal.SIGSTOP}
    before: dict[Any, Any] = {s: signal.getsignal(s) for s in signal.valid_signals() - fixed}
    timer = signal.getitimer(signal.ITIMER_REAL)

    def restore() -> None:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)

    return restore


def _torch() -> Callable[[], None]:
    import torch  # a command that reads no study file does without

    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    device, learns = torch.get_default_device(), torch.is_grad_enabled()

    def restore() -> None:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_grad_enabled(learns)

    return restore


def _random() -> Callable[[], None]:
    import numpy as np
    import torch

    of_python, of_numpy, of_torch = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)

    def restore() -> None:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)

    return restore
