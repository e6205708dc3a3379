"""`bench run --smoke STUDY`: does everything fit together, before anything large is fetched?"""

from __future__ import annotations

import argparse

from benchmark.checks.stand_ins import rehearsal
from benchmark.declare.loading import load_study
from benchmark.errors import BenchmarkError, StudyError
from benchmark.session.session import Session
from benchmark.session.training import run_session
from benchmark.store.scratch import scratch
from benchmark.store.store import Store
from benchmark.terminal.page import page
from trainers.errors import TrainerError

LABEL = (
    "SMOKE RUN: two seeds, a moment of training, and made-up data and tiny random models in place "
    "of those from elsewhere. It shows that the study runs from end to end; its scores and "
    "verdicts mean nothing, and nothing of it is kept."
)

#: Options that say where runs are executed and kept.
_LEFT_OUT = (
    *("store", "optuna_storage", "workers", "gpus", "runs_per_gpu"),
    *("engine", "slurm", "address"),
)


def rehearse(options: argparse.Namespace) -> int:
    """Run a study in miniature, in a store that is thrown away."""
    for name in _LEFT_OUT:
        if getattr(options, name):
            raise BenchmarkError(
                "--smoke keeps nothing, so that it cannot mix with real runs, and takes one "
                f"process: leave out --{name.replace('_', '-')}."
            )
    declared, console = load_study(options.study), page()
    folder = scratch("bench-smoke-")
    try:
        study = rehearsal(declared, folder / "stand-ins")
    except TrainerError as error:
        raise StudyError(f"{options.study}: {error}") from error
    console.print(f"{LABEL}\n", markup=False, style="yellow")
    store = Store(str(folder / "mlruns"))
    code = run_session(Session.of(options, study, store, rehearses=True))
    console.print(f"\n{LABEL}", markup=False, style="yellow")
    return code
