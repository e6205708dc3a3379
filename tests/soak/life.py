"""One study from its first command to the one that ends well, disturbed in between."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmark.execute.broken_off import runs
from tests.soak.striking import Engine, Target, Way
from tests.soak.study import PATIENCE, begun, executing, flaws

#: Seconds that a command may take that nothing disturbs any more.
_LONG = 600.0
#: Share of the disturbances that wait until a run is executed; the others come at any moment.
_SHARE = 0.8
#: How often a run may be ended before it has failed for the command (`benchmark.execute.retries`).
_ATTEMPTS = 3


@dataclass(frozen=True)
class Kill:
    """One disturbance.

    Attributes:
        victim, how: of what, and by what.
        after: seconds since the command began.
        within: how many runs it was in the middle of.
    """

    victim: str
    how: str
    after: float
    within: int

    def __str__(self) -> str:
        where = f"in {self.within} run{'s' * (self.within != 1)}" if self.within else "between runs"
        return f"{self.victim:20} {self.how:12} after {self.after:5.1f} s  {where}"


@dataclass
class Life:
    """A study in a folder of its own.

    Attributes:
        folder: that is not there.
        engine: where its runs are executed.
        expected: what is recorded of an undisturbed one.
        seed: by which moments and victims are drawn.
    """

    folder: Path
    engine: Engine
    expected: Mapping[str, Any]
    seed: int
    kills: list[Kill] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self._rng = Random(self.seed)
        self._begin()

    def live(self, most: int) -> Iterator[Kill]:
        """Disturb it so often, if it goes on for so long, and then see whether all is well."""
        codes: list[int] = []
        while len(codes) <= most + 1:
            if len(self.kills) < most and self._comes_to_a_moment():
                yield from self._strike()
            try:
                patience = _LONG if len(self.kills) >= most else 0
                codes.append(self._command.wait(patience))
            except subprocess.TimeoutExpired:
                if patience:
                    self._give_up(f"the command goes on for more than {_LONG:.0f} s")
                continue
            if codes[-1] == 0:
                break
            if codes[-1] not in self._allowed:
                self.wrong.append(f"the command ended with exit code {codes[-1]}")
            self._begin()
        else:
            self._give_up("the command does not come to a good end")
        self.wrong += self.engine.left(self.folder)
        self.wrong += flaws(self.folder, self.expected)

    def report(self) -> dict[str, Any]:
        """What became of it, as plain values."""
        attempts = runs(self.folder / "mlruns")
        return {
            "seed": self.seed,
            "kills": [vars(kill) for kill in self.kills],
            "attempts": dict(Counter(run.status for run in attempts)),
            "gone_on": sum("resumes" in run.tags for run in attempts),
            "wrong": self.wrong,
        }

    def _begin(self) -> None:
        self._command = begun(self.folder, *self.engine.arguments)
        self._began = time.monotonic()
        self._allowed, self._survived = set[int](), 0

    def _comes_to_a_moment(self) -> bool:
        """Wait for one at random; whether the command is still there then."""
        if self._rng.random() < _SHARE:
            while self._command.poll() is None and not executing(self.folder):
                time.sleep(0.05)
        with suppress(subprocess.TimeoutExpired):
            self._command.wait(self._rng.uniform(0, self.engine.pause))
        return self._command.poll() is None

    def _strike(self) -> Iterator[Kill]:
        (way,) = self._rng.choices(self.engine.ways, [way.weight for way in self.engine.ways])
        after = time.monotonic() - self._began
        within = way.strike(Target(self.folder, self._command.pid, self._rng))
        if within is None:
            return
        self.kills.append(Kill(way.victim, way.how, after, within))
        self._expect(way)
        yield self.kills[-1]

    def _expect(self, way: Way) -> None:
        """Note what may become of the command; one that is to end does so soon."""
        self._allowed |= way.ends
        self._survived += not way.ends
        if self._survived >= _ATTEMPTS:
            self._allowed.add(1)
        if way.ends:
            try:
                self._command.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                told = f"{way.how} to the {way.victim}"
                self._give_up(f"the command is still there {PATIENCE:.0f} s after {told}")

    def _give_up(self, why: str) -> None:
        self.wrong.append(why)
        with suppress(ProcessLookupError):
            os.killpg(self._command.pid, signal.SIGKILL)
        self._command.wait()
