"""Ends processes of small studies at random moments, and sees whether nothing is lost of any.

    python -m tests.soak local --kills 100
    sudo python -m tests.soak slurm --kills 30

A study is disturbed up to twenty times, begun again whenever its command has ended, and led to its
end. Its record must then be that of an undisturbed one to the last bit, with one finished run for
each key and none left open, and nothing may be left on disk or at work. Exit code 1 says that some
study was not so: its folder is kept, and `--seed` repeats it, as far as processes come to the same
places.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.soak import local, slurm
from tests.soak.life import Life
from tests.soak.study import undisturbed

_ENGINES = {"local": local.ENGINE, "slurm": slurm.ENGINE}
#: Disturbances of one study.
_A_LIFE = 20


def soak(engine: str, kills: int, seed: int, place: Path) -> list[dict[str, Any]]:
    """Studies until so many kills are done, and what became of each.

    Args:
        engine: its name.
        kills: how many in all.
        seed: of the first study; the next ones follow it.
        place: a folder for their folders.
    """
    expected, lives, done = undisturbed(place / "undisturbed"), list[dict[str, Any]](), 0
    while done < kills:
        life = Life(place / f"seed-{seed}", _ENGINES[engine], expected, seed)
        for kill in life.live(min(_A_LIFE, kills - done)):
            done += 1
            print(f"{done:4}  seed {seed:<4} {kill}", flush=True)
        lives.append(life.report())
        for flaw in life.wrong:
            print(f"      seed {seed}: {flaw}; see {life.folder}", flush=True)
        if not life.wrong:
            shutil.rmtree(life.folder)
        seed += 1
    return lives


def summary(lives: list[dict[str, Any]], seconds: float) -> str:
    """How many kills of what, and what came of them."""
    kills = [kill for life in lives for kill in life["kills"]]
    by_way = Counter((kill["victim"], kill["how"]) for kill in kills)
    within = Counter((kill["victim"], kill["how"]) for kill in kills if kill["within"])
    attempts = sum((Counter(life["attempts"]) for life in lives), Counter[str]())
    lines = [
        f"{victim:20} {how:12} {n:4}, {within[victim, how]:3} in the middle of a run"
        for (victim, how), n in sorted(by_way.items())
    ]
    bad = [str(life["seed"]) for life in lives if life["wrong"]]
    lines += [
        f"{len(kills)} kills of {len(lives)} studies in {seconds / 60:.0f} min, "
        f"{within.total()} in the middle of a run; attempts: "
        + ", ".join(f"{n} {status}" for status, n in sorted(attempts.items()))
        + f"; {sum(life['gone_on'] for life in lives)} went on from a checkpoint",
        f"not as undisturbed: --seed {', '.join(bad)}" if bad else "all as undisturbed",
    ]
    return "\n".join(lines)


def main() -> int:
    """Soak as the command line says."""
    command = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("engine", choices=_ENGINES)
    command.add_argument("--kills", type=int, default=100)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--json", type=Path, help="write what became of each study there")
    told = command.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has all ignore it
    place, began = Path(tempfile.mkdtemp(prefix="armbench-soak-")), time.monotonic()
    with _ENGINES[told.engine].running():
        lives = soak(told.engine, told.kills, told.seed, place)
    print(summary(lives, time.monotonic() - began))
    if told.json:
        told.json.write_text(json.dumps({"engine": told.engine, "studies": lives}, indent=1))
    failed = any(life["wrong"] for life in lives)
    if not failed:
        shutil.rmtree(place)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
