"""What a model is: a declaration that builds a module when a run needs one."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from trainers.batches import Encoded
from trainers.models.body import load_body
from trainers.seeding import initialising
from trainers.tasks import Examples, Task

if TYPE_CHECKING:
    from trainers.pretraining import MaskedLanguageModelling, Supervised


@dataclass(frozen=True)
class Model:
    """An architecture, and what its ``pretrained`` weights come from.

    Attributes:
        pretraining: the run that ``init="pretrained"`` starts from.
    """

    #: Raised when the same fields would build another module or encode otherwise.
    revision: ClassVar[int] = 1

    pretraining: "MaskedLanguageModelling | Supervised | None" = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        raise NotImplementedError

    def module(self, task: Task, folder: Path) -> nn.Module:
        """A classifier for the task with weights drawn from torch's global generator."""
        raise NotImplementedError

    def encode(self, examples: Examples, folder: Path, max_length: int) -> Encoded:
        """Turn examples into what the module reads."""
        raise NotImplementedError

    def check(self, task: Task, max_length: int) -> None:
        """Called when a study is loaded: raise ModelError for a task that it cannot read."""

    def rehearsal(self, task: Task, rows: int, tokens: int) -> tuple[nn.Module, Encoded]:
        """A module of the right size and made-up examples, for timing before data are there."""
        raise NotImplementedError

    def build(self, task: Task, folder: Path, seed: int, body: Path | None = None) -> nn.Module:
        """A classifier at the start of its run.

        The whole module is drawn from the seed's initialisation stream before a body is loaded, so
        that the head of a pre-trained and of a scratch student of one seed are the same.

        Args:
            task: gives the number of classes.
            folder: where the task was prepared.
            seed: the replicate's seed.
            body: checkpoint folder whose weights replace all but the head.
        """
        with initialising(seed):
            module = self.module(task, folder)
        if body is not None:
            load_body(module, body)
        return module

    def specification(self) -> dict[str, Any]:
        """Class, revision and architecture, for the key of a run; not the pre-training."""
        return {
            "model": type(self).__name__,
            "revision": self.revision,
            **{f.name: getattr(self, f.name) for f in fields(self) if f.name != "pretraining"},
        }
