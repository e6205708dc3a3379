"""Whether the weights of a study's models fit into the memory of this machine."""

import os

import torch

from benchmark.checks.preflight import size, starts
from benchmark.declare.study import Study
from benchmark.errors import NotReady
from benchmark.execute.engines.asking import is_foreign
from trainers.models import HubModel
from trainers.models.anatomy import skeleton

#: Numbers of four bytes for each weight that is trained: itself, its gradient, and two moments.
_FOR_EACH = 4 * 4


def require_memory(study: Study) -> None:
    """Refuse a study one of whose models can be trained nowhere on this machine.

    Raises:
        NotReady: with what it takes and what is there.
    """
    there = _total()
    seen = set()
    for task, model, _ in starts(study):
        place = (model, None if isinstance(model, HubModel) else task)
        if place in seen or is_foreign(model, task):  # what others wrote is tried in a process
            continue
        seen.add(place)
        module = skeleton(model, task)
        weights = sum(p.numel() for p in module.parameters()) if module else 0
        if weights * _FOR_EACH > there:
            raise NotReady(
                f"{model.name} has {weights:,} weights, which take {size(weights * _FOR_EACH)} in "
                f"training, and this machine has {size(there)} of memory: take a smaller model."
            )


def _total() -> int:
    """Bytes of memory, of the machine or of its accelerator, whichever has more."""
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if not torch.cuda.is_available():
        return own
    return max(own, torch.cuda.get_device_properties(0).total_memory)
