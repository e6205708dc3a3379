"""What a model is: a declaration that builds a module when a run needs one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded
from trainers.models.codec import TextCodec
from trainers.models.layers import EverySecondLayer
from trainers.models.stored.body import Checkpoint, in_pooler, load_body, mark_drawn_anew
from trainers.models.stored.repository import Repository, renaming
from trainers.models.stored.weight_files import common_prefix, unsound
from trainers.pretraining import Denoising, MaskedLanguageModelling, Supervised
from trainers.resolve.needs import Needed
from trainers.seeding import initialising
from trainers.tasks import Examples, Task

_FITTING = "give the model weights of its own architecture and size, or another init"


@dataclass(frozen=True)
class Model:
    """An architecture, and what its `pretrained` weights come from.

    Attributes:
        pretraining: the run that `init="pretrained"` starts from.
    """

    #: Raised when the same fields would build another module or encode otherwise.
    revision: ClassVar[int] = 1
    #: What it can be asked for: one of some classes, or a text.
    writes: ClassVar[tuple[str, ...]] = ("classes",)

    pretraining: MaskedLanguageModelling | Denoising | Supervised | None = field(
        default=None, kw_only=True
    )

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        raise NotImplementedError

    @property
    def is_pretrained(self) -> bool:
        """Whether `init="pretrained"` means anything."""
        return self.pretraining is not None

    def module(self, task: Task, folder: Path) -> nn.Module:
        """A classifier for the task with weights drawn from torch's global generator."""
        raise NotImplementedError

    def encode(self, examples: Examples, folder: Path, max_length: int) -> Encoded:
        """Turn examples into what the module reads."""
        raise NotImplementedError

    def save_reader(self, folder: Path, max_length: int, target: Path) -> bool:
        """Write what turns text or images into the module's inputs, as transformers reads it.

        Args:
            folder: where the task was prepared.
            max_length: tokens after which a text is cut.
            target: the folder to write into.

        Returns:
            Whether there is such a thing; here there is none.
        """
        return False

    def lengths(self, texts: Mapping[str, Sequence[str]]) -> tuple[list[int], bool]:
        """Tokens of each text before any is cut, and whether these are exact.

        Here they are the words, of which each is a token or more.

        Args:
            texts: by column, as in :class:`~trainers.tasks.Examples`.
        """
        rows = zip(*texts.values(), strict=True)
        return [sum(len(text.split()) for text in row) for row in rows], False

    def vocabulary_of(self, task: Task) -> str:
        """What tells the numbers of words in a task's texts from those in another's.

        Empty where the model has a vocabulary of its own, or reads no words.
        """
        return ""

    def codec(self, folder: Path) -> TextCodec:
        """How it reads and writes texts, where it writes some.

        Args:
            folder: where the task was prepared.
        """
        raise NotImplementedError

    def tokens(self) -> str:
        """What tells its vocabulary and the way it reads targets from those of other models.

        Empty where it is that of the task, or not known here.
        """
        return ""

    def longest_target(self, max_length: int) -> int | None:
        """Most tokens that a text to be written may have; None where there is no limit.

        Args:
            max_length: tokens after which a source is cut.
        """
        return None

    def target_lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of texts that are to be written, their end among them, or at least so many.

        Here they are the words, of which each is a token or more.
        """
        return [len(text.split()) + 1 for text in texts]

    def check(self, task: Task, max_length: int) -> None:
        """Called when a study is loaded: raise ModelError for a task that it cannot read."""

    def rehearsal(self, task: Task, rows: int, tokens: int) -> tuple[nn.Module, Encoded]:
        """A module of the right size and made-up examples, for timing before data are there."""
        raise NotImplementedError

    def requirements(self, init: object) -> tuple[Needed, ...]:
        """What stands in the way of training it from this init on this machine."""
        if not isinstance(init, Path):
            return ()
        wrong = Repository(init).missing_weights()
        return (wrong,) if wrong else ()

    def misfit(self, task: Task, folder: Path, init: object) -> Needed | None:
        """Why the weights that an init names cannot be loaded or trained.

        Whether they fit is told from the headers of their files; then every number is looked at.

        Args:
            task: whose data are here.
            folder: where the task is prepared, or will be.
            init: for which nothing is missing.
        """
        try:
            start = self.start(init)
        except ModelError as error:
            return Needed("model", self.name, str(error).rstrip("."), _FITTING)
        return self._unfit(task, folder, start) if start else None

    def _unfit(self, task: Task, folder: Path, start: Checkpoint) -> Needed | None:
        """Why the weights in a folder cannot be loaded or trained."""
        names: Iterable[str] = ()
        try:
            with torch.device("meta"):
                module = self.module(task, folder)
            names = module.state_dict()
            # Some modules make a few of their weights on the CPU all the same.
            self.load(module.to("meta"), start)
        except ModelError as error:
            prefix = common_prefix(start.folder, names)
            if not prefix:
                return Needed("model", self.name, str(error).rstrip("."), _FITTING)
            where = f'the names of all weights in {start.folder} begin with "{prefix}"'
            return Needed("model", self.name, where, renaming(start.folder, prefix))
        if found := unsound(start.folder):
            where = f"{found} in {start.folder} are infinite or not a number"
            return Needed("model", self.name, where, "take a checkpoint of before it diverged")
        return None

    def start(self, init: object) -> Checkpoint | None:
        """The weights on disk that an init stands for; None where a run or a seed makes them.

        Raises:
            ModelError: they are missing, or the model cannot start from that.
        """
        if isinstance(init, EverySecondLayer):
            raise ModelError(f"{self.name} cannot start from {init.name}; a HubModel can.")
        return Repository(init).checkpoint() if isinstance(init, Path) else None

    def build(
        self, task: Task, folder: Path, seed: int, start: Checkpoint | None = None
    ) -> nn.Module:
        """A classifier at the start of its run.

        The whole module is drawn from the seed's initialisation stream before a body is loaded, so
        that the head of a pre-trained and of a scratch student of one seed are the same.

        Args:
            task: gives the number of classes.
            folder: where the task was prepared.
            seed: the replicate's seed.
            start: weights that replace all but the head.
        """
        with initialising(seed):
            module = self.module(task, folder)
        # From scratch the head is what it is behind a body that was pre-trained by masked words.
        body = getattr(module, "base_model", nn.Identity())
        mark_drawn_anew(body, filter(in_pooler, dict(body.named_parameters())))
        if start is not None:
            self.load(module, start)
        return self.finish(module)

    def load(self, module: nn.Module, start: Checkpoint) -> None:
        """Replace all but the head of a module by a checkpoint's weights, in place."""
        load_body(module, start.folder)

    def finish(self, module: nn.Module) -> nn.Module:
        """What is done to a module once its weights are there."""
        return module

    def specification(self) -> dict[str, Any]:
        """Class, revision and architecture, for the key of a run; not the pre-training."""
        return {
            "model": type(self).__name__,
            "revision": self.revision,
            **{f.name: getattr(self, f.name) for f in fields(self) if f.name != "pretraining"},
        }
