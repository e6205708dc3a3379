"""Which GPUs a command takes: those asked for, as far as there are such and the study uses any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from benchmark.declare.study import Study
from benchmark.errors import BenchmarkError, StudyError
from benchmark.execute.gpus.gpu import Gpu, GpuBox

#: Of `--gpus`: all, so many, or those of these numbers.
Asked = Literal["all"] | int | tuple[int, ...]


def chosen(asked: Asked, box: GpuBox) -> tuple[Gpu, ...]:
    """The GPUs that are asked for.

    Args:
        asked: all, how many, or which numbers, none of them twice.
        box: what is there.

    Raises:
        BenchmarkError: some of them are not there, or they are of several kinds.
    """
    there, said = box.gpus, f"--gpus {in_text(asked)}"
    if not there:
        raise BenchmarkError(
            f"{said}: torch {box.torch} sees no GPU here; leave out --gpus, and runs are trained "
            "without, or install a torch that is built for the GPU."
        )
    numbers = [each.number for each in there]
    if isinstance(asked, int) and asked > len(there):
        raise BenchmarkError(
            f"{said}: there {_are(len(there))} here, {_listed(numbers)}; ask for --gpus "
            f"{len(there)} or --gpus all."
        )
    if isinstance(asked, tuple):
        if absent := [number for number in asked if number not in numbers]:
            raise BenchmarkError(
                f"{said}: there is no GPU {_listed(absent, 'or')} here, only {_listed(numbers)}; "
                "name some of these."
            )
        found = tuple(there[numbers.index(number)] for number in asked)
    else:
        found = there if asked == "all" else there[:asked]
    _refuse_several_kinds(said, found)
    return found


def require_gpu_study(study: Study, study_file: Path) -> None:
    """Refuse a study none of whose arms is to be trained on a GPU.

    Raises:
        StudyError: with what it declares.
    """
    said = {study.training_of(arm, task).device for arm in study.arms for task in study.tasks}
    if said.isdisjoint(("auto", "cuda")):
        raise StudyError(
            f'{study_file}: its arms are trained with device="{min(said)}", which takes none of '
            '--gpus: leave that out, or declare device="auto".'
        )


def in_text(asked: Asked) -> str:
    """As it is written on the command line.

    >>> in_text("all"), in_text(2), in_text((0, 2)), in_text((3,))
    ('all', '2', '0,2', '3,')
    """
    if not isinstance(asked, tuple):
        return str(asked)
    return ",".join(map(str, asked)) + ("," if len(asked) == 1 else "")


def _refuse_several_kinds(said: str, found: Sequence[Gpu]) -> None:
    by_kind: dict[str, list[int]] = {}
    for gpu in found:
        by_kind.setdefault(gpu.kind, []).append(gpu.number)
    if len(by_kind) > 1:
        told = "; ".join(f"{kind}: {_listed(numbers)}" for kind, numbers in by_kind.items())
        most = max(by_kind.values(), key=len)
        raise BenchmarkError(
            f"{said}: they are of {len(by_kind)} kinds ({told}), and runs that are trained on "
            f"several are no pairs; name those of one kind, as --gpus {in_text(tuple(most))}."
        )


def _listed(numbers: Sequence[int], word: str = "and") -> str:
    """Numbers as people say them.

    >>> _listed([0]), _listed([0, 1]), _listed([0, 1, 5], "or")
    ('0', '0 and 1', '0, 1 or 5')
    """
    *first, last = map(str, numbers)
    return f"{', '.join(first)} {word} {last}" if first else last


def _are(count: int) -> str:
    return "is one GPU" if count == 1 else f"are {count} GPUs"
