"""How examples are generated: the same ones in every run, so that a failure can be told again."""

from hypothesis import settings

# No deadline: the first example imports scipy.stats, which takes longer than any that follows.
settings.register_profile("same", deadline=None, derandomize=True)
# New examples in every run: `pytest tests/stats --hypothesis-profile search`.
settings.register_profile("search", deadline=None)
settings.load_profile("same")
