"""How examples are generated: the same ones in every run, so that a failure can be told again."""

import gc

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
