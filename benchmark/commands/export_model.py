"""`bench export-model`: write the model of a run into a folder that transformers loads."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.options import (
    add_engine,
    add_environments,
    add_execution,
    add_run_timeout,
    add_study,
)

EXAMPLES = ("bench export-model study.py kd 42 kd-model",)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_study(command)
    command.add_argument("arm", metavar="ARM", help="a method, or as in 'kd · pretrained'")
    command.add_argument("seed", type=int, metavar="SEED", help="of a run that is recorded")
    command.add_argument("folder", type=Path, metavar="DIR", help="to be made, or empty")
    command.add_argument("--task", metavar="TASK", help="by name, where the study has several")
    add_environments(command)
    add_execution(command)
    add_engine(command)
    add_run_timeout(command)


def export_model(options: argparse.Namespace) -> int:
    """Write config, weights and tokenizer; a run that left no weights is trained again for them.

    Returns:
        0, or 1 where the model predicts another class than the record has, or could not be made.
    """
    from benchmark.model_export.asked import AskedRun
    from benchmark.model_export.exporting import export_model as export
    from benchmark.session.session import Session

    asked = AskedRun(options.arm, options.seed, options.task)
    return export(Session.of(options), asked, options.folder)
