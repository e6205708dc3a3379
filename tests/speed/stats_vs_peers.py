"""Seconds that statistics take: armbench beside the packages that compute the same.

`make peers` makes an environment that holds them; there it is
`.venv-peers/bin/python tests/speed/stats_vs_peers.py`. A peer that is not installed is named as
not measured. All run in this process, one after the other, and the ratio is to armbench. Peers
that need minutes take a part of the workload, and their time is scaled up ("of 1/20"); `--full`
gives them all of it. At the end a million scores are analysed in a process of their own, whose
peak memory is told with the seconds.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

from stats import Judging

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

Work = Callable[[], object]
Measured = tuple[str, int, Callable[[int], Work]]
"""Name of a peer, the part of the workload that it takes, and what it does with that part."""


def all_pairs_tests() -> tuple[str, Work, list[Measured]]:
    from stats.multiplicity import all_pairs
    from stats.two_arms.bootstrap import bootstrap_rows
    from stats.two_arms.signed_rank import signed_rank_rows, two_sided

    scores = np.random.default_rng(0).normal(60, 1, (7, 10, 8))
    first, second = all_pairs(10).T
    rows = (scores[:, first] - scores[:, second]).reshape(-1, 8)

    def ours() -> object:
        _, greater, less = signed_rank_rows(rows)
        return two_sided(greater, less), bootstrap_rows(rows, "bca", 0.95)

    def scipy_axis(part: int) -> Work:
        from scipy import stats

        def run() -> object:
            test = stats.wilcoxon(rows[::part], axis=1, method="exact")
            mean = np.mean
            options = {"axis": 1, "n_resamples": 10_000, "method": "BCa"}
            return test, stats.bootstrap((rows[::part],), mean, **options)

        return run

    def arch(part: int) -> Work:
        from arch.bootstrap import IIDBootstrap
        from scipy import stats

        def run() -> object:
            return [
                (stats.wilcoxon(row), IIDBootstrap(row).conf_int(np.mean, 10_000, method="bca"))
                for row in rows[::part]
            ]

        return run

    def pingouin(part: int) -> Work:
        import pingouin

        def run() -> object:
            return [
                (
                    pingouin.wilcoxon(row),
                    pingouin.compute_bootci(row, func="mean", method="per", n_boot=10_000),
                )
                for row in rows[::part]
            ]

        return run

    def dabest(part: int) -> Work:
        import dabest
        import pandas as pd

        def run() -> object:
            results = []
            for row in rows[::part]:
                frame = pd.DataFrame({"a": np.zeros(8), "b": row, "seed": range(8)})
                loaded = dabest.load(
                    frame, idx=("a", "b"), paired="baseline", id_col="seed", resamples=10_000
                )
                results.append(loaded.mean_diff.results)
            return results

        return run

    title = "all 315 pairs of 10 arms, 7 tasks, 8 seeds: exact Wilcoxon and BCa"
    peers: list[Measured] = [
        ("scipy", 1, scipy_axis),
        ("pingouin", 5, pingouin),
        ("arch", 20, arch),
        ("dabest", 60, dabest),
    ]
    return title, ours, peers


def interquartile_means() -> tuple[str, Work, list[Measured]]:
    from stats.many_tasks.stratified_bootstrap import stratified_bootstrap

    scores = np.random.default_rng(0).normal(60, 1, (10, 26, 5))

    def ours() -> object:
        drawn = stratified_bootstrap(scores, "iqm", replicates=50_000)
        return np.quantile(drawn, [0.025, 0.975], axis=1)

    def rliable(part: int) -> Work:
        from rliable import library, metrics

        by_arm = {str(index): arm.T for index, arm in enumerate(scores)}

        def run() -> object:
            return library.get_interval_estimates(
                by_arm, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=50_000 // part
            )

        return run

    return (
        "IQM, 50,000 replicates, 10 arms, 26 tasks, 5 seeds",
        ours,
        [("rliable", 10, rliable)],
    )


def stochastic_orders() -> tuple[str, Work, list[Measured]]:
    from stats.two_arms.stochastic_order import almost_stochastic_order

    arms = list(np.random.default_rng(0).normal(60, 1, (10, 8)))

    def ours() -> object:
        return almost_stochastic_order(arms, paired=True)

    def deepsig(part: int) -> Work:
        import deepsig

        def run() -> object:
            pairs = list(combinations(arms, 2))[::part]
            return [deepsig.aso(a, b, show_progress=False) for a, b in pairs]

        return run

    return "almost stochastic order, 10 arms, all pairs, 8 seeds", ours, [("deepsig", 15, deepsig)]


def rankings(bayesian: bool) -> tuple[str, Work, list[Measured]]:
    import pandas as pd

    from stats.bayes.signed_rank import bayesian_signed_rank_pairs
    from stats.many_arms.rank import rank

    random = np.random.default_rng(0)
    scores = random.normal(60, 1, (100, 10)) + 0.3 * np.arange(10)
    task, method = (each.ravel() for each in np.indices(scores.shape))
    named = {"task": task.astype(str), "method": method.astype(str), "seed": 0}
    table = pd.DataFrame(named | {"score": scores.ravel()})

    def ours() -> object:
        return bayesian_signed_rank_pairs(scores, 0.1) if bayesian else rank(table)

    def autorank(part: int) -> Work:
        from autorank import autorank as run_autorank

        wide = pd.DataFrame(scores, columns=[f"m{i}" for i in range(10)])
        options = {"approach": "bayesian", "nsamples": 50_000 // part} if bayesian else {}
        return lambda: run_autorank(wide, force_mode="nonparametric", **options)

    def scikit_posthocs(part: int) -> Work:
        import scikit_posthocs
        from scipy import stats

        def run() -> object:
            friedman = stats.friedmanchisquare(*scores.T)
            return friedman, scikit_posthocs.posthoc_nemenyi_friedman(scores)

        return run

    def baycomp(part: int) -> Work:
        from baycomp import SignedRankTest

        def run() -> object:
            pairs = list(combinations(scores.T, 2))[::part]
            return [SignedRankTest.probs(a, b, rope=0.1) for a, b in pairs]

        return run

    title = "ranking of 10 arms on 100 blocks" + (", Bayesian" if bayesian else "")
    if bayesian:
        return title, ours, [("autorank", 1, autorank), ("baycomp", 15, baycomp)]
    return title, ours, [("autorank", 1, autorank), ("scikit-posthocs", 1, scikit_posthocs)]


def workloads() -> Iterator[tuple[str, Work, list[Measured]]]:
    yield all_pairs_tests()
    yield interquartile_means()
    yield stochastic_orders()
    yield rankings(bayesian=False)
    yield rankings(bayesian=True)


def million_scores() -> tuple[float, float]:
    """Seconds to compare 999 arms with one on 100 tasks and 10 seeds, and peak memory in GB."""
    import pandas as pd

    from stats import analyse

    random = np.random.default_rng(0)
    arm, task, seed = np.indices((1000, 100, 10)).reshape(3, -1)
    names = np.array([f"m{i}" for i in range(1000)])
    table = pd.DataFrame({"method": names[arm], "task": names[task], "seed": seed})
    table["score"] = random.normal(60, 1, len(table)).round(2)
    start = time.perf_counter()
    found = analyse(table, "m0", names[1:].tolist(), Judging(margin=0.5))
    taken = time.perf_counter() - start
    assert len(found.comparisons) == 99_900
    return taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def seconds(work: Work, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        with redirect_stdout(StringIO()):
            work()
        times.append(time.perf_counter() - start)
    return median(times)


def measure_peer(measured: Measured, own: float, full: bool) -> str:
    name, share, prepare = measured
    part = 1 if full else share
    try:
        version = importlib.metadata.version(name)
        taken = part * seconds(prepare(part), rounds=1)
    except ImportError as error:
        return f"  {name:<28} not measured: {error}"
    scaled = f"   of 1/{part}" if part > 1 else ""
    return f"  {f'{name} {version}':<28} {taken:9.3f} s   x {taken / own:,.0f}{scaled}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--full", action="store_true", help="give slow peers the whole workload")
    parser.add_argument("--without", nargs="*", default=[], help="peers to leave out")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    for title, ours, peers in workloads():
        print(f"\n{title}")
        ours()  # imports and caches
        own = seconds(ours, rounds=5)
        print(f"  {'armbench':<28} {own:9.3f} s   median of 5", flush=True)
        for peer in peers:
            if peer[0] not in chosen.without:
                print(measure_peer(peer, own, chosen.full), flush=True)
    print("\n1,000,000 scores: 999 arms against one, 100 tasks, 10 seeds")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        taken, peak = alone.submit(million_scores).result()
    print(f"  {'armbench':<28} {taken:9.3f} s   peak memory {peak:.2f} GB")


if __name__ == "__main__":
    main()
