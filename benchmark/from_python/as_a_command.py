"""What holds within a command, for a block of a process that goes on afterwards."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.errors import BenchmarkError
from benchmark.terminal.transliteration import transliterate_output
from benchmark.user_code.containment import leaving_raises
from benchmark.user_code.waiting import asked_to_stop, stop

_OFFLINE = "HF_HUB_OFFLINE"


@contextmanager
def as_a_command() -> Iterator[None]:
    """Within this block nothing reaches for the hub, and Ctrl-C stops as it stops a command.

    Raises:
        BenchmarkError: signals do not reach this thread.
        KeyboardInterrupt: Ctrl-C, the interrupt of a kernel, or SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        raise BenchmarkError(
            "run(study) is stopped by signals, which reach the main thread of Python alone: call "
            "it there, or start bench run as a process."
        )
    transliterate_output()
    asked_to_stop.clear()
    try:
        with _offline(), leaving_raises(), _stoppable(), warnings.catch_warnings():
            # Of tqdm, which a library imports, in a notebook without widgets; nothing here has any.
            warnings.filterwarnings("ignore", message="IProgress not found")
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if asked_to_stop:  # a library in the middle of an import has made another error of it
            raise KeyboardInterrupt from error
        raise


@contextmanager
def _stoppable() -> Iterator[None]:
    """Within this block signals that end a job are Ctrl-C."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _offline() -> Iterator[None]:
    """Nothing in this block, nor a worker that it starts, reaches for the hub.

    Libraries read that from the environment when they are imported, and keep it.
    """
    from huggingface_hub import constants

    told, before = os.environ.get(_OFFLINE), constants.HF_HUB_OFFLINE
    os.environ[_OFFLINE], constants.HF_HUB_OFFLINE = "1", True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        if config := sys.modules.get("datasets.config"):
            config.__dict__[_OFFLINE] = before
        del os.environ[_OFFLINE]
        if told is not None:
            os.environ[_OFFLINE] = told
