"""What every test is given: the same examples in every run, and an environment of its own."""

import gc
import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No deadline: the first example imports scipy.stats, which takes longer than any that follows.
settings.register_profile("same", deadline=None, derandomize=True)
# New examples in every run: `pytest tests/stats --hypothesis-profile search`.
settings.register_profile("search", deadline=None)
settings.load_profile("same")


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all but some cases of a test that is marked `sampled` to a larger command."""
    number: Counter[str] = Counter()
    for item in items:
        for mark in item.iter_markers("sampled"):
            test = item.nodeid.partition("[")[0]
            place = number[test]
            number[test] += 1
            if "test" in mark.kwargs:
                if place % mark.kwargs["test"] == 0:
                    continue
                item.add_marker("slow")
            if place % mark.kwargs.get("test_all", 1):
                item.add_marker("long")


def pytest_collection_finish() -> None:
    """Leave all that was imported to collect the tests out of every later look for garbage.

    Such a look takes a second in a process that holds every module and every test, and some
    functions of statsmodels ask for one at each call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # as the command itself


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Undo what a command sets for its workers, or the next test would run with it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
