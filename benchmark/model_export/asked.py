"""Which run of a study is meant: an arm, a seed, and a task where there are several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.declare.arm import Arm
from benchmark.declare.study import Study
from benchmark.errors import StudyError


@dataclass(frozen=True)
class AskedRun:
    """A run by the names that a command line gives.

    Attributes:
        arm: a method, or as in "kd · pretrained", or with its model behind that.
        seed: of the study.
        task: its name; None where there is one alone.
    """

    arm: str
    seed: int
    task: str | None = None

    def key(self, study: Study, keys: Sequence[str]) -> str:
        """The key of the run.

        Args:
            study: whose it is.
            keys: of its cells, in their order.

        Raises:
            StudyError: it has no such arm, task or seed, or several.
        """
        place, task = self._arm(study).place, self._task(study)
        if self.seed not in study.seeds:
            told = ", ".join(map(str, study.seeds))
            raise StudyError(f"{study.name} has no seed {self.seed}; its seeds are {told}.")
        cells = zip(study.cells(), keys, strict=True)
        (key,) = (
            key
            for (arm, on, seed), key in cells
            if (arm.place, on.name, seed) == (place, task, self.seed)
        )
        if not key:
            raise StudyError(
                f'{study.name}: no setting of its search for arm "{self.arm}" came to its end, so '
                "that there is no run of it."
            )
        return key

    def _arm(self, study: Study) -> Arm:
        found = [arm for arm in study.arms if self.arm in _names(arm)]
        if len(found) == 1:
            return found[0]
        told = ", ".join(f'"{each}"' for each in _told(found or study.arms))
        if found:
            raise StudyError(f'{study.name} has several arms "{self.arm}": name one of {told}.')
        raise StudyError(f'{study.name} has no arm "{self.arm}"; its arms are {told}.')

    def _task(self, study: Study) -> str:
        names = [task.name for task in study.tasks]
        if self.task in names:
            return self.task
        told = ", ".join(names)
        if self.task is not None:
            raise StudyError(f'{study.name} has no task "{self.task}"; its tasks are {told}.')
        if len(names) > 1:
            raise StudyError(f"{study.name} has several tasks: add --task with one of {told}.")
        return names[0]


def _names(arm: Arm) -> tuple[str, str, str]:
    """What an arm may be called, the shortest first."""
    return arm.name, arm.label, f"{arm.label} · {arm.model.name}"


def _told(arms: Sequence[Arm]) -> list[str]:
    """By what these arms can be told apart."""
    for called in ([_names(arm)[i] for arm in arms] for i in range(3)):
        if len(set(called)) == len(arms):
            return called
    return [_names(arm)[2] for arm in arms]
