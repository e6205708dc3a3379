"""Figures show what was computed, stay legible with any name, and repeat byte for byte."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import stats
from stats.changes.swept_arms import SweptArms
from stats.report import figures as draw
from stats.report.figures.drawing.placement import spread_out, swarm
from stats.report.figures.drawing.style import DARK, LIGHT
from stats.report.figures.of_arms.cost import pareto_front

HOSTILE = (
    "<script>alert(1)</script>",
    "../../x",
    "$x_1$",
    "$\\frac",
    "_hidden",
    "蒸馏-with-a-very-long-name-indeed-and-more",
    "W" * 60,
    "a\x00b\nc",
    "{% raw %}",
    "base",
    "kd + r3f + mixout",
    "tf_reg",
)
SEEDS = (42, 7, 1, 13, 21, 87, 100, 5)


def paired(
    effect: float = 0.6, n: int = 8, lost: bool = False, seed: int = 1
) -> tuple[dict[int, float], dict[int, float]]:
    random = np.random.default_rng(seed)
    base = 60 + random.normal(0, 1.5, n)
    other = base + effect + random.normal(0, 0.5, n)
    arms = dict(zip(SEEDS, base, strict=False)), dict(zip(SEEDS, other, strict=False))
    if lost:
        arms[1][SEEDS[2]] = math.nan
    return arms


def compared(candidate: str = "kd", task: str = "rte", **how: Any) -> stats.ComparisonResult:
    return replace(
        stats.compare(*paired(**how), margin=1.0), baseline="base", candidate=candidate, task=task
    )


@cache
def table(methods: tuple[str, ...], seeds: int = 6) -> pd.DataFrame:
    random = np.random.default_rng(3)
    rows = [
        {"method": m, "task": t, "seed": s, "score": 60 + 5 * k + 0.3 * i + random.normal(0, 0.4)}
        for k, t in enumerate(("rte", "sst2"))
        for s in range(seeds)
        for i, m in enumerate(methods)
    ]
    return pd.DataFrame(rows)


def epochs(methods: tuple[str, ...]) -> pd.DataFrame:
    random = np.random.default_rng(4)
    rows = [
        {"method": m, "seed": s, "epoch": e, "score": 50 + 3 * e + i + random.normal()}
        for i, m in enumerate(methods)
        for s in range(3)
        for e in range(1, 4 if (i, s) == (1, 2) else 7)
    ]
    return pd.DataFrame(rows)


def predictions(seed: int = 5, examples: int = 300) -> stats.items.calibration.Calibration:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, examples)
    logits = random.normal(0, 1, (examples, 4))
    logits[np.arange(examples), labels] += 1.5
    return stats.items.calibration.calibration(logits, labels)


def drawn_estimation(names: tuple[str, ...], look: draw.Look) -> Figure:
    both = paired(lost=True)
    result = stats.compare(*both, margin=1.0, names=(names[0], names[-1]))
    return draw.estimation(result, *both, margin=1.0, metric=names[1], look=look)


def drawn_interaction(names: tuple[str, ...], look: draw.Look) -> Figure:
    four = paired(), paired(0.1, seed=2)
    result = replace(stats.interaction(*four, inits=(names[0], names[-1])), candidate=names[1])
    return draw.interaction(result, *four, margin=1.0, look=look)


def drawn_forest(names: tuple[str, ...], look: draw.Look) -> Figure:
    rows = [compared(name, task=names[0], seed=i) for i, name in enumerate(names)]
    return draw.forest(rows, rows[:1], margin=1.0, metric=names[1], look=look)


def drawn_slopes(names: tuple[str, ...], look: draw.Look) -> Figure:
    arms = {name: paired(seed=1, effect=i / 5)[1] for i, name in enumerate(names)}
    return draw.slopes(arms, metric=names[0], look=look)


def drawn_ranking(names: tuple[str, ...], look: draw.Look) -> Figure:
    ranking = stats.rank(table(names), blocks="seed", post_hoc="nemenyi")
    return draw.critical_difference(ranking, look=look)


def drawn_profiles(names: tuple[str, ...], look: draw.Look) -> Figure:
    result = stats.performance_profiles(table(names), replicates=50)
    return draw.profiles(result, metric=names[0], look=look)


def drawn_cost(names: tuple[str, ...], look: draw.Look) -> Figure:
    rows = [compared(name, seed=i) for i, name in enumerate(names)]
    costs = {name: draw.Cost(90.0 + 9 * i, 100.0 * i, 500.0) for i, name in enumerate(names)}
    del costs[names[1]]
    return draw.cost(rows, {"base": draw.Cost(90, 0, 500)} | costs, margin=1.0, look=look)


def drawn_history(names: tuple[str, ...], look: draw.Look) -> Figure:
    ends = ["complete", "pruned", "failed", "complete"]
    scores = [60.0, 59.0, math.nan, 61.0]
    return draw.search_history(range(4), scores, ends, title=names[0], metric=names[1], look=look)


def drawn_coordinates(names: tuple[str, ...], look: draw.Look) -> Figure:
    axes = [draw.Coordinate(n, [0.0, 0.5, 1.0], [(0, n), (1, "64")]) for n in names[:4]]
    return draw.parallel_coordinates(
        axes, [60.0, 61.0, 59.0], [False, True, False], title=names[0], metric=names[1], look=look
    )


def drawn_doses(names: tuple[str, ...], look: draw.Look) -> Figure:
    parts = [table(names).assign(init=init) for init in ("a", "b", "c")]
    scores = pd.concat(parts).assign(model=names[0], metric=names[1], split="test")
    scores["score"] += np.random.default_rng(6).normal(0, 0.3, len(scores))
    found = stats.analyse_trends(scores, names[0], names[1:], {"a": 0, "b": 100, "c": 3000})
    return draw.dose_response(found, margin=1.0, look=look)


def drawn_sweeps(names: tuple[str, ...], look: draw.Look) -> Figure:
    values, random = (0.5, 0.8, 0.9, 0.95, 0.98), np.random.default_rng(8)
    arms = {name: [f"{name} {each}" for each in values] for name in names[1:]}
    rows = [
        (method, seed, 60 + seed + random.normal(0, 0.5))
        for method in (names[0], *itertools.chain.from_iterable(arms.values()))
        for seed in range(6)
    ]
    sweeps = [
        SweptArms(name=name, parameter=names[0], arms=tuple(each), values=values)
        for name, each in arms.items()
    ]
    scores = pd.DataFrame(rows, columns=["method", "seed", "score"])
    candidates = [*itertools.chain.from_iterable(arms.values())]
    judging = stats.Judging(margin=1.0)
    found = stats.analyse_sweeps(scores, names[0], candidates, sweeps, judging)
    return draw.sweep_curves(found.sweeps, metric=names[0], split=names[0], look=look)


FIGURES: dict[str, Callable[[tuple[str, ...], draw.Look], Figure]] = {
    "estimation": drawn_estimation,
    "interaction": drawn_interaction,
    "forest": drawn_forest,
    "slopes": drawn_slopes,
    "critical_difference": drawn_ranking,
    "profiles": drawn_profiles,
    "cost": drawn_cost,
    "learning_curves": lambda names, look: draw.learning_curves(
        epochs(names), metric=names[0], look=look
    ),
    "reliability": lambda names, look: draw.reliability(
        {name: predictions(i) for i, name in enumerate(names)}, look=look
    ),
    "expected_best": lambda names, look: draw.expected_best(
        {
            n: stats.many_tasks.expected_best.expected_best([60.0 + i, 61.0, 59.0])
            for i, n in enumerate(names)
        },
        metric=names[0],
        look=look,
    ),
    "search_history": drawn_history,
    "importances": lambda names, look: draw.importances(
        {n: 1 / (i + 1) for i, n in enumerate(names)}, title=names[0], look=look
    ),
    "parallel_coordinates": drawn_coordinates,
    "dose_response": drawn_doses,
    "sweep_curves": drawn_sweeps,
}


@cache
def hostile(kind: str, width: float = draw.COLUMN) -> Figure:
    return FIGURES[kind](HOSTILE, draw.Look(width))


@cache
def few(kind: str) -> tuple[Figure, str]:
    """A figure of three arms, and its SVG."""
    figure = FIGURES[kind](HOSTILE[:3], draw.Look())
    return figure, draw.to_svg(figure)


every_figure = pytest.mark.parametrize("kind", FIGURES)


def artists(figure: Figure, gid: str) -> list[Any]:
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure: Figure) -> list[Text]:
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [t for t in found if t.get_text().strip() and t.get_window_extent().width > 0]


def shown_texts(figure: Figure) -> list[Text]:
    """Texts that are drawn: ticks beyond the ends of an axis and hidden labels are not."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high or not axes.axison:
                    hidden |= {tick.label1, tick.label2}
    return [text for text in texts(figure) if text not in hidden]


@pytest.mark.sampled(test=3)
@every_figure
@pytest.mark.parametrize("width", [draw.COLUMN, draw.PAGE], ids=["column", "page"])
def test_no_text_covers_another_or_leaves_the_figure(kind: str, width: float) -> None:
    figure = hostile(kind, width)
    paper = figure.bbox
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in shown_texts(figure)]
    assert len(boxes) > 3
    for name, box in boxes:
        assert box.x0 >= -1, name
        assert box.y0 >= -1, name
        assert box.x1 <= paper.width + 1, name
        assert box.y1 <= paper.height + 1, name
    for (first, one), (second, other) in itertools.combinations(boxes, 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        along = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert across < 1 or along < 2, (first, second)


@pytest.mark.sampled(test=3)
@every_figure
def test_the_same_input_gives_the_same_bytes_under_any_user_settings(kind: str) -> None:
    _, first = few(kind)
    with mpl.rc_context({"font.size": 20, "text.parse_math": True, "svg.fonttype": "none"}):
        second = draw.to_svg(FIGURES[kind](HOSTILE[:3], draw.Look()))
    assert first == second
    assert "<dc:date>" not in first


@pytest.mark.sampled(test=3)
@every_figure
def test_hostile_names_do_nothing(kind: str) -> None:
    figure, svg = few(kind)
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert not tags & {"script", "foreignObject", "a", "text"}
    assert "<script" not in svg
    assert not any(text.get_parse_math() for text in texts(figure))
    assert not any("\x00" in text.get_text() for text in texts(hostile(kind)))
    assert figure.get_figwidth() == draw.COLUMN


def test_files_stay_in_their_folder_whatever_they_are_called(tmp_path: Path) -> None:
    folder, figure = tmp_path / "figures", hostile("importances")
    for name in HOSTILE[:4]:
        for path in draw.save(figure, folder, name):
            assert path.parent == folder
            assert re.fullmatch(r"[A-Za-z0-9_.-]+\.(svg|pdf|png)", path.name)
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]
    assert len(list(folder.iterdir())) == 12


def test_names_that_differ_have_files_that_differ() -> None:
    names = [*HOSTILE, "x", "../x", "..", "", "x ", "X" * 500]
    files = [draw.file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all(len(each) < 140 and not each.startswith((".", "-")) for each in files)


def test_no_name_is_left_out_of_a_legend() -> None:
    figure = hostile("learning_curves")
    names = [text.get_text().strip() for text in figure.legends[0].get_texts()]
    assert len(names) == len(HOSTILE)
    assert {"$x_1$", "$\\frac", "_hidden"} <= set(names)


def test_a_pdf_embeds_its_fonts_as_type_42(tmp_path: Path) -> None:
    paths = draw.save(FIGURES["forest"](HOSTILE[:2], draw.Look()), tmp_path, "forest")
    pdf = next(path for path in paths if path.suffix == ".pdf").read_bytes()
    assert b"/Type3" not in pdf
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    assert b"/FontFile2" in pdf
    assert b"/CreationDate" not in pdf
    assert [path.suffix for path in paths] == [".svg", ".pdf", ".png"]


def test_an_estimation_plot_shows_the_computed_interval_and_every_seed() -> None:
    both = paired(lost=True)
    result = stats.compare(*both, margin=1.0)
    figure = draw.estimation(result, *both, margin=1.0)
    (interval,), (mean,), (margin,) = (artists(figure, g) for g in ("interval", "mean", "margin"))
    assert list(interval.get_ydata()) == [result.ci_low, result.ci_high]
    assert list(mean.get_ydata()) == [result.mean_difference]
    assert (margin.get_y(), margin.get_y() + margin.get_height()) == (-1.0, 1.0)
    assert len(artists(figure, "pair")) == result.n_pairs == 7
    points = np.concatenate([line.get_ydata() for line in artists(figure, "scores")])
    scores = [v for arm in both for v in arm.values() if math.isfinite(v)]
    assert sorted(points) == sorted(scores)
    (differences,) = artists(figure, "differences")
    wanted = [both[1][s] - both[0][s] for s in SEEDS if math.isfinite(both[1][s])]
    np.testing.assert_allclose(sorted(differences.get_ydata()), sorted(wanted))
    assert any("no pair: seed 1 " in text.get_text() for text in texts(figure))


def test_scores_other_than_those_compared_are_refused() -> None:
    result = stats.compare(*paired(lost=True))
    with pytest.raises(stats.NotPaired, match="8 pairs here, but 7 in the comparison"):
        draw.estimation(result, *paired())
    four = paired(), paired()
    with pytest.raises(stats.NotPaired, match="share 7 seeds, but 8"):
        draw.interaction(stats.interaction(*four), paired(lost=True), paired())


def test_unpaired_arms_are_not_joined_by_lines() -> None:
    arms = [60.0, 61.0, 62.0], [61.0, 62.5, 60.5, 63.0]
    result = stats.compare(*arms, paired=False)
    figure = draw.estimation(result, *arms)
    assert not artists(figure, "pair")
    points = np.concatenate([line.get_ydata() for line in artists(figure, "scores")])
    assert sorted(points) == sorted([*arms[0], *arms[1]])
    assert any("not paired" in text.get_text() for text in texts(figure))


@pytest.mark.parametrize(
    "arms",
    [
        ({1: 60.0, 2: 60.0}, {1: 60.0, 2: 60.0}),
        ({1: 60.0, 2: 61.0}, {1: 61.0, 2: 62.0}),
        (dict.fromkeys(range(8), 60.0), {i: 60.0 + i % 2 for i in range(8)}),
    ],
    ids=["all equal", "two seeds, one difference", "ties"],
)
def test_degenerate_scores_are_drawn_all_the_same(
    arms: tuple[dict[int, float], dict[int, float]],
) -> None:
    result = stats.compare(*arms, margin=1.0)
    figure = draw.estimation(result, *arms, margin=1.0)
    (differences,) = artists(figure, "differences")
    places = set(zip(differences.get_xdata(), differences.get_ydata(), strict=True))
    assert len(places) == result.n_pairs  # none hides behind another
    draw.to_svg(draw.slopes({"base": arms[0], "kd": arms[1]}))
    draw.to_svg(draw.forest([result], margin=1.0))


def test_a_forest_shows_every_interval_and_the_word_of_every_verdict() -> None:
    rows = [compared(task=f"task {i}", effect=e, seed=i) for i, e in enumerate((0.0, 0.5, 3.0, -3))]
    rows.append(replace(rows[0], task="single", ci_low=math.nan, ci_high=math.nan))
    figure = draw.forest(rows, rows[:1], margin=1.0)
    drawn = [tuple(line.get_xdata()) for line in artists(figure, "interval")]
    assert drawn == [(r.ci_low, r.ci_high) for r in [*rows, rows[0]] if math.isfinite(r.ci_low)]
    means = [line.get_xdata()[0] for line in artists(figure, "mean")]
    assert means == [r.mean_difference for r in [*rows, rows[0]]]
    said = [t.get_text().split()[-1] for t in figure.axes[0].texts]
    assert said == [r.verdict for r in [*rows, rows[0]]]
    assert {"better", "worse"} < set(said)
    with pytest.raises(stats.InvalidSetting, match=f"takes {draw.MOST_ROWS} comparisons"):
        draw.forest([rows[0]] * (draw.MOST_ROWS + 1))


def test_no_figure_says_that_nothing_differs_or_that_something_is_significant() -> None:
    words = " ".join(text.get_text().lower() for kind in FIGURES for text in texts(few(kind)[0]))
    assert "no difference" not in words
    assert "significant" not in words


def test_an_interaction_shows_the_double_difference_and_one_line_a_seed() -> None:
    four = paired(2.0), paired(0.1, seed=2)
    result = stats.interaction(*four)
    figure = draw.interaction(result, *four)
    (interval,), (change,) = artists(figure, "change interval"), artists(figure, "change")
    assert list(interval.get_ydata()) == [result.ci_low, result.ci_high]
    assert list(change.get_ydata()) == [result.difference_of_differences]
    lines = [tuple(line.get_ydata()) for line in artists(figure, "seed")]
    wanted = [tuple(candidate[s] - base[s] for base, candidate in four) for s in SEEDS]
    np.testing.assert_allclose(sorted(lines), sorted(wanted))
    (dots,) = artists(figure, "changes")
    assert np.mean(dots.get_ydata()) == pytest.approx(result.difference_of_differences)


def test_slopes_draw_every_seed_and_break_at_a_failed_one() -> None:
    arms = {"base": paired()[0], "ls": paired(lost=True)[1], "kd": paired(seed=1)[1]}
    lines = artists(draw.slopes(arms), "seed")
    assert len(lines) == len(SEEDS)
    block = np.array([line.get_ydata() for line in lines])
    np.testing.assert_array_equal(
        np.sort(block[:, 0]), np.sort(np.array(list(arms["base"].values())))
    )
    assert np.isnan(block[:, 1]).sum() == 1


@pytest.mark.parametrize("post_hoc", ["wilcoxon", "nemenyi"])
def test_the_bars_join_exactly_the_arms_that_are_not_told_apart(post_hoc: str) -> None:
    ranking = stats.rank(table(HOSTILE[:7], 8), blocks="seed", post_hoc=post_hoc)
    figure = draw.critical_difference(ranking)
    arms = sorted(line.get_xdata()[0] for line in artists(figure, "arm"))
    joined = set()
    for bar in artists(figure, "group"):
        low, high = sorted(bar.get_xdata())
        under = [i for i, x in enumerate(arms) if low <= x <= high]
        joined |= set(itertools.combinations(under, 2))
    place = {name: i for i, name in enumerate(ranking.methods)}
    together = {(place[p.first], place[p.second]) for p in ranking.pairs if not p.separable}
    if post_hoc == "nemenyi":
        assert joined == together
        (length,) = artists(figure, "CD")
        scale = (arms[-1] - arms[0]) / (ranking.mean_ranks[-1] - ranking.mean_ranks[0])
        assert np.ptp(length.get_xdata()) == pytest.approx(ranking.critical_difference * scale)
    else:
        assert joined <= together
        assert not artists(figure, "CD")
    assert 0 < len(together) < 21


def test_learning_curves_are_dotted_where_seeds_have_stopped() -> None:
    curves = epochs(("base", "kd"))
    figure = draw.learning_curves(curves)
    base, kd = artists(figure, "curve")
    wanted = curves[curves["method"] == "base"].groupby("epoch")["score"].mean()
    np.testing.assert_allclose(base.get_ydata(), wanted)
    assert list(kd.get_xdata()) == [1, 2, 3]
    (dotted,) = artists(figure, "fewer seeds")
    assert list(dotted.get_xdata()) == [3, 4, 5, 6]
    assert len(artists(figure, "band")) == 2


def test_a_reliability_diagram_prints_the_error_that_the_table_has() -> None:
    arms = {"base": predictions(), "kd": predictions(6), "ls": predictions(7)}
    said = texts(draw.reliability(arms, errors={"base": "3.87 ± 0.41", "kd": "2.90"}))
    shown = [text.get_text() for text in said if "ECE" in text.get_text()]
    assert shown == ["base\nECE 3.87 ± 0.41", "kd\nECE 2.90"]


def test_costs_show_whose_seconds_they_are_and_their_spread() -> None:
    costs = {"base": draw.Cost(100, sd=4.0), "kd": draw.Cost(140, 210)}
    figure = draw.cost([compared("kd")], costs, unit="CPU s")
    assert any("training [CPU s] (± sd)" in text.get_text() for text in texts(figure))
    (bar,) = artists(figure, "spread")  # that of kd is not known
    assert list(bar.get_xdata()) == [96, 104]


def test_calibration_of_constructed_predictions_is_what_was_built_in() -> None:
    # 100 examples at 70 % sure with 60 right, 100 at 95 % with 95 right: (.1 + 0) / 2
    logits = np.log([[0.7, 0.3]] * 100 + [[0.95, 0.05]] * 100)
    labels = np.array([0] * 60 + [1] * 40 + [0] * 95 + [1] * 5)
    result = stats.items.calibration.calibration(logits, labels, bins=10)
    assert result.ece == pytest.approx(0.05)
    assert result.counts == (0, 0, 0, 0, 0, 0, 100, 0, 0, 100)
    shifted = stats.items.calibration.calibration(logits + 300, labels, bins=10)
    assert shifted.counts == result.counts
    figure = draw.reliability({"base": result})
    (points,) = artists(figure, "accuracy")
    np.testing.assert_allclose(points.get_xydata(), [[70, 60], [95, 95]])
    assert any("ECE 5.00" in text.get_text() for text in texts(figure))
    with pytest.raises(stats.StatsError, match="labels must be whole numbers from 0 to 1"):
        stats.items.calibration.calibration(logits, labels + 1)


def test_the_cost_of_an_arm_includes_its_teacher_and_the_front_is_undominated() -> None:
    rows = [compared("ls", effect=0.3, seed=1), compared("kd", effect=2.0, seed=2)]
    costs = {"base": draw.Cost(100), "ls": draw.Cost(102), "kd": draw.Cost(140, 210)}
    figure = draw.cost(rows, costs)
    drawn = {tuple(line.get_xydata()[0]) for line in artists(figure, "arm")}
    kd = rows[1].mean_difference
    assert drawn == {(100.0, 0.0), (102.0, rows[0].mean_difference), (350.0, kd)}
    (teacher,) = artists(figure, "teacher")
    assert list(teacher.get_xdata()) == [140, 350]
    random = np.random.default_rng(7)
    points = [tuple(p) for p in random.integers(0, 6, (40, 2)).tolist()]
    front = [points[i] for i in pareto_front(points)]
    for cost, gain in points:
        beaten = any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in front)
        assert beaten != ((cost, gain) in front)


def test_one_epoch_or_one_setting_has_a_whole_number_below_it() -> None:
    one = draw.learning_curves(epochs(("base", "kd")).query("epoch == 1"))
    other = draw.expected_best({"base": stats.many_tasks.expected_best.expected_best([60.0])})
    for figure in (one, other):
        low, high = figure.axes[0].get_xlim()
        assert [x for x in figure.axes[0].get_xticks() if low <= x <= high] == [1]


def test_a_comparison_without_a_pair_is_drawn_as_not_known() -> None:
    gone = dict.fromkeys(("mean_difference", "ci_low", "ci_high"), math.nan)
    dead = replace(compared(), n_pairs=0, verdict="inconclusive", **gone)
    figure = draw.estimation(dead, {1: 60.0, 2: math.nan}, {1: math.nan, 2: 61.0}, margin=1.0)
    assert any(text.get_text() == "n/a · inconclusive" for text in texts(figure))
    assert not artists(figure, "interval") + artists(figure, "pair")
    rows = draw.forest([dead, compared(task="sst2")]).axes[0].texts
    assert rows[0].get_text().split()[0] == "n/a"


def test_history_keeps_the_best_so_far_in_the_direction_of_the_metric() -> None:
    scores = [3.0, 1.0, math.nan, 2.0, 0.5]
    ends = ["complete", "pruned", "failed", "complete", "complete"]
    figure = draw.search_history(range(5), scores, ends, lower_is_better=True)
    (best,) = artists(figure, "best")
    assert list(best.get_ydata()) == [3.0, 3.0, 3.0, 2.0, 0.5]


def test_labels_move_apart_and_no_further_than_needed() -> None:
    random = np.random.default_rng(8)
    wanted = random.normal(0, 1, 12).tolist()
    places = spread_out(wanted, 0.3)
    assert np.argsort(places).tolist() == np.argsort(wanted).tolist()
    assert np.diff(sorted(places)).min() >= 0.3 - 1e-9
    far = [10.0 * value for value in range(5)]
    assert spread_out(far, 0.3) == far
    tied = swarm([1.0] * 9, 0.1)
    assert sorted(tied) == list(range(-4, 5))


# Machado, Oliveira and Fernandes (2009), severity 1, in linear RGB.
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def linear(colour: str) -> np.ndarray:
    c = np.array(mpl.colors.to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x = np.array(to_xyz) @ rgb / [0.9505, 1, 1.089]
    f = np.where(x > (6 / 29) ** 3, np.cbrt(x), x / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(first: str, second: str) -> float:
    light = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (first, second))
    return float((light[1] + 0.05) / (light[0] + 0.05))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eye", SEEN)
def test_arms_are_told_apart_by_colour_blind_readers(palette: Any, eye: str) -> None:
    seen = [cielab(np.clip(SEEN[eye] @ linear(c), 0, 1)) for c in (palette.ink, *palette.arms)]
    assert min(math.dist(a, b) for a, b in itertools.combinations(seen, 2)) > 15


def test_colours_stand_out_from_the_paper() -> None:
    for palette in (LIGHT, DARK):
        assert all(contrast(c, palette.paper) >= 3 for c in palette.arms)
        assert contrast(palette.ink, palette.paper) >= 7
        assert contrast(palette.soft, palette.paper) >= 4.5
    assert all(contrast(colour, "#141619") >= 3 for colour in LIGHT.arms)


def test_twelve_arms_differ_in_marker_and_in_colour_or_dashes() -> None:
    looks = [draw.Look().arm(i) for i in range(12)]
    assert len({look["marker"] for look in looks}) == 12
    assert len({(look["color"], str(look["linestyle"])) for look in looks}) == 12
