"""What arms wrote beside the references, and what the choice of the test set adds to chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.record.written import WrittenTexts
from benchmark.report.gather import Gathered
from benchmark.report.written import Where, by_example
from stats import StatsError
from stats.items.item_bootstrap import bootstrap_items
from stats.items.seeds_and_items import seeds_and_items
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import wording
from trainers import text_metrics

#: Examples from the beginning of the test set, and as many on which arms differ most.
SHOWN = 3
#: Resamples of the test set, for each seed.
_REPLICATES = 1000
#: Texts of one arm, by seed.
Seeds = Mapping[int, WrittenTexts]


def written_sheets(gathered: Gathered) -> Iterator[Sheet | None]:
    """What arms wrote, and how far other test sets would have moved the scores."""
    if gathered.written.arms:
        yield examples_sheet(gathered)
        yield test_set_sheet(gathered)


def examples_sheet(gathered: Gathered) -> Sheet:
    """The first examples of the test set, and those on which arms differ most."""
    metric, tables, rows = gathered.analysis.metric, [], []
    for where, arms in gathered.written.arms.items():
        chosen = _chosen(arms, metric)
        found = [_example(arms, place, why) for place, why in chosen]
        rows += [dict(zip(("model", "init", "task"), where, strict=True)) | row for row in found]
        heading = (Words("why"), Words("what is read"), Words("reference"), *map(Words, arms))
        cells = tuple(tuple(wording.printable(str(text)) for text in r.values()) for r in found)
        tables.append(TextTable(_title(where), heading, cells))
    header = (
        f"The first {SHOWN} examples of the test set, and the {SHOWN} others on which the mean "
        f"{_judged(metric)} over all seeds differs most between arms; each arm's text is that of "
        "its lowest seed, the first draw where several were drawn."
    )
    return Sheet(
        kind="examples",
        title="What the arms wrote",
        header=(header,),
        tables=tuple(tables),
        records=tuple(rows),
        whole={"examples": rows},
        warnings=tuple(f"a run is left out: {each}" for each in gathered.written.left_out),
    )


def _judged(metric: str) -> str:
    return metric if metric in text_metrics.ROUGE else "rougeL"


def _chosen(arms: Mapping[str, Seeds], metric: str) -> list[tuple[int, str]]:
    """Places of examples, with the reason."""
    judged = _judged(metric)
    means = np.array([_over_seeds(seeds, judged) for seeds in arms.values()])
    spread = means.max(0) - means.min(0)
    first = list(range(min(SHOWN, len(spread))))
    others = [int(i) for i in np.argsort(-spread, kind="stable") if i not in first][:SHOWN]
    return [(i, "first") for i in first] + [(i, f"differs by {spread[i]:.0f}") for i in others]


def _over_seeds(seeds: Seeds, metric: str) -> NDArray[np.float64]:
    found = [by_example(texts, metric) for texts in seeds.values()]
    mean: NDArray[np.float64] = np.mean([each for each in found if each is not None], axis=0)
    return mean


def _example(arms: Mapping[str, Seeds], place: int, why: str) -> dict[str, Any]:
    first = next(iter(arms.values()))
    one = first[min(first)]
    told = {"why": why, "source": one.sources[place], "reference": one.references[place]}
    return told | {arm: seeds[min(seeds)].texts[0][place] for arm, seeds in arms.items()}


def test_set_sheet(gathered: Gathered) -> Sheet:
    """Spread over seeds, draws and examples, of arms and of the differences between them."""
    metric = gathered.analysis.metric
    tables, arms_found, found = [], [], []
    for where, arms in gathered.written.arms.items():
        place = dict(zip(("model", "init", "task"), where, strict=True))
        levels = {arm: _levels(seeds, metric) for arm, seeds in arms.items()}
        arms_found += [place | {"method": arm} | vars(each) for arm, each in levels.items()]
        tables.append(_table_of_arms(where, levels))
        compared = [
            (each.candidate, _compared(arms[each.baseline], arms[each.candidate], metric))
            for each in gathered.analysis.comparisons
            if (each.model, each.init, each.task) == where
            and each.baseline in arms
            and each.candidate in arms
        ]
        known = {candidate: both for candidate, both in compared if both}
        found += [place | {"candidate": name} | vars(each) for name, each in known.items()]
        if known:
            tables.append(_table_of_comparisons(gathered.record.baseline, known))
    return Sheet(
        kind="test_set",
        title="Chance of the test set",
        header=(
            "The verdicts above speak of new seeds on this test set. Here is what other examples "
            f"would add, in units of {metric}: as a standard error over examples of one run, "
            + (
                "and of a difference over seeds and examples at once (crossed random effects)."
                if metric in text_metrics.ROUGE
                else "by a bootstrap over examples within each seed, since it is no mean over them."
            ),
        ),
        tables=tuple(tables),
        records=tuple(found),
        whole={"test_set": {"arms": arms_found, "comparisons": found}},
        warnings=(),
    )


@dataclass(frozen=True)
class _Levels:
    """Of one arm: its mean, and what it varies by at each level."""

    mean: float
    over_seeds: float
    over_draws: float
    over_examples: float


@dataclass(frozen=True)
class _Compared:
    """A difference, its standard errors, and its interval over seeds and examples."""

    difference: float
    seed_error: float
    example_error: float
    low: float
    high: float


def _levels(seeds: Seeds, metric: str) -> _Levels:
    scores = [_scores_of_draws(texts, metric) for texts in seeds.values()]
    runs = [float(np.mean(each)) for each in scores]
    draws = [float(np.var(each, ddof=1)) for each in scores if len(each) > 1]
    return _Levels(
        mean=float(np.mean(runs)),
        over_seeds=float(np.std(runs, ddof=1)) if len(runs) > 1 else float("nan"),
        over_draws=float(np.sqrt(np.mean(draws))) if draws else float("nan"),
        over_examples=float(np.mean([_example_error(t, metric) for t in seeds.values()])),
    )


def _scores_of_draws(texts: WrittenTexts, metric: str) -> list[float]:
    """The metric of each draw; of probabilities there is one."""
    if metric in texts.scores:
        return [float(draw.mean()) for draw in texts.scores[metric]]
    if metric in text_metrics.OF_TOKENS:
        return [_of_items(metric)(np.zeros(0), _items(texts, metric))]
    return [text_metrics.of_corpus(d, texts.references)[metric] for d in texts.texts]


def _example_error(texts: WrittenTexts, metric: str) -> float:
    """Standard error over examples of one run's score."""
    each = by_example(texts, metric)
    if each is not None:
        return float(each.std(ddof=1) / np.sqrt(len(each)))
    items = _items(texts, metric)
    if items is None or len(items) < 2:
        return float("nan")
    return float(_bootstrapped(items, items, metric).baseline_error)


def _compared(baseline: Seeds, candidate: Seeds, metric: str) -> _Compared | None:
    """None where too little is there to tell."""
    shared = sorted(baseline.keys() & candidate.keys())
    try:
        if metric in text_metrics.ROUGE:
            return _crossed([(baseline[s], candidate[s]) for s in shared], metric)
        return _within_seeds([(baseline[s], candidate[s]) for s in shared], metric)
    except StatsError:
        return None


def _crossed(pairs: Sequence[tuple[WrittenTexts, WrittenTexts]], metric: str) -> _Compared:
    rows = [by_example(b, metric) - by_example(a, metric) for a, b in pairs]  # type: ignore[operator]
    both = seeds_and_items(np.array(rows))
    return _Compared(both.difference, both.seed_error, both.item_error, both.low, both.high)


def _within_seeds(
    pairs: Sequence[tuple[WrittenTexts, WrittenTexts]], metric: str
) -> _Compared | None:
    """The mean over seeds of what a bootstrap over examples says of each."""
    items = [(_items(a, metric), _items(b, metric)) for a, b in pairs]
    if not items or any(a is None or b is None for a, b in items):
        return None
    each = [_bootstrapped(a, b, metric) for a, b in items]
    differences = [one.difference for one in each]
    n = len(each)
    over_seeds = float(np.std(differences, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return _Compared(
        difference=float(np.mean(differences)),
        seed_error=over_seeds,
        example_error=float(np.mean([one.error for one in each])),
        low=float("nan"),
        high=float("nan"),
    )


def _bootstrapped(baseline: Any, candidate: Any, metric: str) -> Any:
    labels = np.zeros(len(baseline))
    return bootstrap_items(
        _of_items(metric), labels, baseline, candidate, replicates=_REPLICATES, seed=0
    )


def _items(texts: WrittenTexts, metric: str) -> Any:
    """What of each example the metric of a set is computed from; None where that is not kept."""
    if metric in text_metrics.OF_TOKENS:
        return np.stack([texts.nll, texts.tokens], 1)
    if metric == "bleu":
        return text_metrics.bleu_of_each(texts.texts[0], texts.references)
    return None


def _of_items(metric: str) -> Callable[[Any, Any], float]:
    if metric == "bleu":
        return lambda _, items: text_metrics.bleu_of_counts(items)

    def of_tokens(_: Any, items: Any) -> float:
        nll = float(items[:, 0].sum() / items[:, 1].sum())
        return text_metrics.perplexity(nll) if metric == "perplexity" else nll

    return of_tokens


def _table_of_arms(where: Where, levels: Mapping[str, _Levels]) -> TextTable:
    drawn = any(np.isfinite(each.over_draws) for each in levels.values())
    heading = ["mean", "sd over seeds", "sd over draws of a run", "s.e. over examples of a run"]
    rows = []
    for arm, each in levels.items():
        cells = [each.mean, each.over_seeds, each.over_draws, each.over_examples]
        rows.append((arm, *(_shown(value) for i, value in enumerate(cells) if drawn or i != 2)))
    kept = [name for i, name in enumerate(heading) if drawn or i != 2]
    return TextTable(_title(where), (Words("method"), *kept), tuple(rows))


def _table_of_comparisons(baseline: str, found: Mapping[str, _Compared]) -> TextTable:
    heading = (
        Words("comparison"),
        "difference",
        "s.e. of seeds",
        "s.e. of examples",
        "95 % interval over both",
    )
    rows = tuple(
        (
            f"{baseline} vs {candidate}",
            _shown(each.difference, signed=True),
            _shown(each.seed_error),
            _shown(each.example_error),
            f"[{_shown(each.low, signed=True)}, {_shown(each.high, signed=True)}]"
            if np.isfinite(each.low)
            else "",
        )
        for candidate, each in found.items()
    )
    return TextTable("", heading, rows).without_empty("95 % interval over both")


def _shown(value: float, signed: bool = False) -> str:
    if not np.isfinite(value):
        return "n/a"
    return f"{value:+.2f}" if signed else f"{value:.2f}"


def _title(where: Where) -> str:
    model, init, task = where
    return wording.printable(f"{task} · {model} · {init}")
