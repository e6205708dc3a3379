"""What every test is given: the same examples in every run, and an environment of its own."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No deadline: the first example imports scipy.stats, which takes longer than any that follows.
settings.register_profile("same", deadline=None, derandomize=True)
# New examples in every run: `pytest tests/stats --hypothesis-profile search`.
settings.register_profile("search", deadline=None)
settings.load_profile("same")


def pytest_collection_finish() -> None:
    """Leave all that was imported to collect the tests out of every later look for garbage.

    Such a look takes a second in a process that holds every module and every test, and some
    functions of statsmodels ask for one at each call.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Undo what a command sets for its workers, or the next test would run with it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
