"""What a reader must know beside the numbers; each function returns lines for the warnings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from stats.attainable import seeds_needed_for_alpha
from stats.inputs import FloatArray, IntArray
from stats.judging import Judging
from stats.table.cube import Cell, Cube, which
from stats.table.pairing import Seed
from stats.table.suspicious_scores import remarks_on_seeds
from stats.two_arms.primary_tests import smallest_p
from stats.verdicts.compare import ComparisonResult


def of_analysis(
    comparisons: Sequence[ComparisonResult], families: Sequence[Hashable], judging: Judging
) -> list[str]:
    """What the judging and the number of scores rule out from the start."""
    lines = []
    if judging.margin is None:
        lines.append("no margin is declared, so no verdict can be negligible or equivalent")
    return [*lines, *_out_of_reach(comparisons, families, judging)]


def _out_of_reach(
    comparisons: Sequence[ComparisonResult], families: Sequence[Hashable], judging: Judging
) -> list[str]:
    """Tests that could not reject whatever the scores."""
    sizes = Counter(families)
    hopeless: dict[tuple[int, int, str, int], list[float]] = {}
    for each, family in zip(comparisons, families, strict=True):
        if least(each) >= 2 and each.smallest_attainable_p_adjusted >= judging.alpha:
            key = (*_reach(each, judging), sizes[family])
            if key[2] and each.verdict == "equivalent":
                continue  # differences of zero are then no lack of seeds
            hopeless.setdefault(key, []).append(each.smallest_attainable_p_adjusted)
    lines = []
    for (n, k, equal, size), smallest in sorted(hopeless.items()):
        needed = seeds_needed_for_alpha(judging.alpha, size, judging.correction, judging.test)
        least_p, most_p = f"{min(smallest):.3g}", f"{max(smallest):.3g}"
        lines.append(
            f"{f'{n} pairs' if judging.paired else f'{n} and {k} scores'}{equal} in a family of "
            f"{size} can never reach p < {judging.alpha:g}: the smallest corrected p is {least_p}"
            f"{f' to {most_p}' * (least_p != most_p)}; {needed} {judging.unit}s are enough"
            f"{' without these' * bool(equal)}"
        )
    return lines


def _reach(each: ComparisonResult, judging: Judging) -> tuple[int, int, str]:
    """Numbers of scores, and what keeps the test from the p that these could give."""
    n, k = each.n_baseline, each.n_candidate
    if each.smallest_attainable_p <= 1.001 * smallest_p(judging.test, n, k):
        return n, k, ""
    return n, k, " with differences of zero" if judging.paired else " with ties"


def of_pairing(comparisons: Sequence[ComparisonResult], judging: Judging) -> list[str]:
    """Pairing that is thrown away."""
    shared = [each for each in comparisons if each.n_pairs >= 2]
    if judging.paired or not shared:
        return []
    known = [each.pair_correlation for each in shared if np.isfinite(each.pair_correlation)]
    bought = f" (their correlation there is {np.median(known):.2f} in the median)" if known else ""
    return [
        f"the arms share seeds in {len(shared)} of {len(comparisons)} comparisons{bought}; "
        "analysed as unpaired, that pairing is thrown away"
    ]


def least(each: ComparisonResult) -> int:
    """Pairs of a comparison, or scores of its smaller arm where arms are unpaired."""
    return min(each.n_baseline, each.n_candidate)


def of_absence(cube: Cube) -> list[str]:
    """Comparisons that were asked for and not made, because one arm has no run at all."""
    lines = []
    for cell, method in np.argwhere(cube.has_runs[:, 1:] ^ cube.has_runs[:, :1]).tolist():
        absent = 0 if cube.has_runs[cell, method + 1] else method + 1
        where = _which(cube, cube.cells[cell], method + 1)
        lines.append(f"{where}: not compared, no run of {cube.methods[absent]}")
    return lines


def of_no_shared_seed(cube: Cube, places: Sequence[tuple[int, int]]) -> list[str]:
    """Comparisons that were asked for and not made, because the arms share no scored seed."""
    return [
        f"{_which(cube, cube.cells[cell], method)}: not compared, no scored seed is shared"
        for cell, method in places
    ]


def of_failures(
    cube: Cube, places: Sequence[tuple[int, int]], dropped: Sequence[IntArray], paired: bool = True
) -> list[str]:
    """Seeds that were dropped, each with its reason."""
    lines = []
    for (cell, method), seeds in zip(places, dropped, strict=True):
        if not len(seeds):
            continue
        reasons: dict[str, list[Seed]] = {}
        for seed in seeds:
            failures = [
                cube.failure(cell, arm, seed)
                for arm in (0, method)
                if paired or cube.present[cell, arm, seed]
            ]
            reasons.setdefault(" and ".join(filter(None, failures)), []).append(cube.seeds[seed])
        why = ", ".join(f"{_seeds(each)} ({reason})" for reason, each in reasons.items())
        lines.append(f"{_which(cube, cube.cells[cell], method)}: dropped {why}")
    return lines


def of_collapse(cube: Cube, lost: NDArray[np.bool_]) -> list[str]:
    """Runs that look collapsed, of each arm.

    Args:
        cube: the scores.
        lost: which of them do, in their shape.
    """
    lines = []
    for cell, arm in np.argwhere(lost.any(axis=2)).tolist():
        scores, which_seeds = cube.scores[cell, arm], lost[cell, arm]
        place = str(cube.cells[cell])
        told = ", ".join(f"{score:.6g}" for score in scores[which_seeds].tolist())
        several = which_seeds.sum() > 1
        lines.append(
            f"{cube.methods[arm]}{f' ({place})' if place else ''}: "
            f"{_seeds(cube.named_seeds(which_seeds))} {'look' if several else 'looks'} collapsed "
            f"({told}; median {np.nanmedian(scores):.6g}): the mean mixes how often an arm "
            "collapses with how the others differ (bench stats --collapse)"
        )
    return lines


def of_differences(
    comparisons: Sequence[ComparisonResult], sd: FloatArray, margin: float | None
) -> list[str]:
    """Differences whose shape a reader would otherwise not suspect."""
    lines = []
    for each, spread in zip(comparisons, sd.tolist(), strict=True):
        if remark := _suspicion(each, spread, margin):
            place = Cell(each.model, each.init, each.task)
            lines.append(f"{which(each.baseline, each.candidate, place)}: {remark}")
    return lines


def _suspicion(each: ComparisonResult, spread: float, margin: float | None) -> str:
    if each.n_baseline < 2 or each.n_candidate < 2:
        if not each.paired:
            return "an arm with fewer than two scores, nothing can be concluded"
        pairs = "one pair" if each.n_pairs else "no pair"
        return f"{pairs} of scored seeds, nothing can be concluded"
    if spread == 0:
        what = "score" if each.mean_difference == 0 else "difference"
        same = f"the same {what} on all {each.n_baseline} seeds; were they separate runs?"
        unknown = math.isnan(each.p_value) or (
            margin is not None and math.isnan(each.p_equivalence)
        )
        return same + " A spread seen as zero gives t no p." if unknown else same
    if each.mean_difference * each.hodges_lehmann < 0:
        return (
            "mean difference and Hodges–Lehmann estimate have opposite signs; "
            "look for an outlying seed"
        )
    return ""


def nothing_paired(
    cube: Cube, places: Sequence[tuple[int, int]], sizes: IntArray, judging: Judging
) -> str:
    """Why an analysis without a single usable comparison is refused."""
    cell, method = places[int(np.argmax(sizes))]
    which_arms = _which(cube, cube.cells[cell], method)
    if not judging.paired:
        return f"{which_arms}: an arm has {sizes.max()} scores; two of each arm are needed"
    if apart := remarks_on_seeds(cube):
        return f"{which_arms} share {sizes.max()} scored seeds; {'; '.join(apart)}"
    return (
        f"{which_arms} share {sizes.max()} scored seeds, and no comparison has more; two are "
        "needed, on seeds that both arms have, unless the scores are declared unpaired"
    )


def _which(cube: Cube, cell: Cell, method: int) -> str:
    return which(cube.methods[0], cube.methods[method], cell)


def _seeds(seeds: Iterable[Seed]) -> str:
    named = [str(seed) for seed in seeds]
    return f"seed{'s' * (len(named) > 1)} {', '.join(named)}"
