"""What may be asked of a judging or a ranking by one of a few names."""

from __future__ import annotations

FAMILIES = ("model-init-task", "study")

EQUIVALENCES = ("t", "ranks")
SCALES = ("raw", "log_odds")
ZEROS = ("wilcox", "pratt", "zsplit")
TASKS = ("fixed", "sampled")
COMMON_SCALES = ("relative", "rank", "z")

#: Tests of a ranking that compare all arms of a block at once, beside those of pairs.
BY_MEAN_RANKS = ("nemenyi", "conover")
#: The correction that is one of all pairs alone.
BY_ALL_PAIRS = "shaffer"

#: What a printed ± may be: standard deviation, standard error, half of a 95 % interval.
SPREADS = ("sd", "se", "ci95")
