"""How the scores of a study are to be analysed, declared before there are any."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from benchmark.errors import StudyError


@dataclass(frozen=True)
class Analysis:
    """By which statistics a study is judged; the level of its tests stands in the study itself.

    The runs of a study are paired by seed, so that its tests and effect sizes are those of pairs.

    Attributes:
        test: "wilcoxon", "permutation" (of the mean), "t" or "sign".
        effect: the effect size that tables show: "hedges_g", "d_z", "d_av", "rank_biserial" or
            "superiority".
        tasks: None judges each task alone. "fixed" adds a verdict over the tasks of the study,
            tested over seeds; "sampled" adds one over tasks like these, tested over tasks.
        scale: of the verdict over tasks, where these are on unlike scales: "relative", "rank" or
            "z", as for `stats.pooled`; None averages the scores as they are.
        common_margin: the smallest difference that matters on that scale; the margin of the study
            is in points of the metric, and is that of each task alone.
        equivalence: of means, by "t", or of pseudo-medians, by "ranks".
        zeros: what the signed-rank test does with zero differences: "wilcox" (drop them),
            "pratt" or "zsplit".
        interaction_scale: "raw", in points, or "log_odds" of percentages, which have no ceiling.
    """

    test: str = "wilcoxon"
    effect: str = "hedges_g"
    tasks: Literal["fixed", "sampled"] | None = None
    scale: Literal["relative", "rank", "z"] | None = None
    common_margin: float | None = None
    equivalence: str = "t"
    zeros: str = "wilcox"
    interaction_scale: str = "raw"

    @property
    def unit(self) -> str:
        """What a pair of the verdict is: a seed, or a sampled task."""
        return "task" if self.tasks == "sampled" else "seed"

    def check(self, n_tasks: int, **level: Any) -> None:
        """Refuse what cannot be done with so many tasks, or at all.

        Args:
            n_tasks: tasks of the study.
            level: the study's alpha, margin, correction and family.

        Raises:
            StudyError: a setting outside what it can be.
        """
        from stats import Settings, StatsError  # slow to import, and declaring a study is not

        self._check_pooling(n_tasks)
        declared = asdict(self)
        for name in ("tasks", "scale", "common_margin"):
            del declared[name]
        try:
            Settings(**declared, **level)
            Settings(margin=self.common_margin)
        except StatsError as error:
            raise StudyError(f"study: {error}.") from error

    def _check_pooling(self, n_tasks: int) -> None:
        from stats.table.common_scale import COMMON_SCALES

        tasks, scale = self.tasks, self.scale
        if tasks not in (None, "fixed", "sampled"):
            raise StudyError(
                f'study: tasks of the analysis must be "fixed", "sampled" or None, not {tasks!r}.'
            )
        if tasks and n_tasks < 2:
            raise StudyError(
                f'study: tasks="{tasks}" asks for a verdict over several tasks, and there is one.'
            )
        if scale not in (None, *COMMON_SCALES):
            named = ", ".join(f'"{each}"' for each in COMMON_SCALES)
            raise StudyError(
                f"study: scale of the analysis must be {named} or None, not {scale!r}."
            )
        if scale and not tasks:
            raise StudyError(
                f'study: scale="{scale}" is a common scale of several tasks: it goes with '
                'tasks="fixed" or "sampled".'
            )
        if self.common_margin is not None and not scale:
            raise StudyError(
                "study: common_margin is one of a common scale: it goes with scale=...; in points "
                "of the metric it is the margin of the study."
            )
