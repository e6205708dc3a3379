"""What a reader must know beside the interactions."""

from __future__ import annotations

from collections.abc import Sequence

from stats.attainable import seeds_needed_for_alpha, smallest_attainable_p
from stats.changes.interaction import Interaction
from stats.judging import Judging
from stats.table.cube import Cube, which


def of_interactions(
    cube: Cube, places: Sequence[tuple[int, int, int]], least: Sequence[int], paired: bool = True
) -> list[str]:
    """Interactions that cannot be tested."""
    lacking = "whose arms share {} scored seeds" if paired else "of which an arm has {} scores"
    return [
        f"{which(cube.methods[0], cube.methods[method], first._replace(init=''))}: no interaction "
        f"test of {first.init} and {second.init}, {lacking.format(n)}"
        for (a, b, method), n in zip(places, least, strict=True)
        for first, second in [(cube.cells[a], cube.cells[b])]
        if n < 2
    ]


def of_interaction_families(found: Sequence[Interaction], judging: Judging) -> list[str]:
    """Families of interactions that are too large for their seeds."""
    lines = []
    for n, size in sorted({(each.n_pairs, each.family_size) for each in found}):
        smallest = smallest_attainable_p(n, size, judging.correction, judging.test)
        if judging.paired and smallest >= judging.alpha:
            needed = seeds_needed_for_alpha(judging.alpha, size, judging.correction, judging.test)
            lines.append(
                f"interactions: {n} pairs in a family of {size} can never reach "
                f"p < {judging.alpha:g}: the smallest corrected p is {smallest:.3g}; {needed} "
                "seeds are enough, or a family of fewer inits and candidates"
            )
    return lines
