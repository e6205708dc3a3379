"""How a model writes a text: its most likely one, or one that is drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from trainers.errors import TaskError


@dataclass(frozen=True)
class Decoding:
    """How texts are written in order to be scored, by `generate` of transformers.

    Attributes:
        longest: tokens of a text, its end among them.
        beams: of the search; 1 takes the most likely token each time.
        length_penalty: exponent of the length by which the log-probability of a beam is divided.
        no_repeat: n-grams of so many tokens are written once at most; 0 leaves all.
        draws: texts that are drawn for each example in place of searching for the most likely
            one; a run's score is their mean. 0 draws none.
        temperature: of the distribution that they are drawn from.
        top_p: they are drawn from the smallest set of tokens that has this probability.

    Raises:
        TaskError: a value is out of range, or searching and drawing are both asked for.
    """

    longest: int = 64
    beams: int = 1
    length_penalty: float = 1.0
    no_repeat: int = 0
    draws: int = 0
    temperature: float = 1.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        for name, least in (("longest", 1), ("beams", 1), ("no_repeat", 0), ("draws", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise TaskError(
                    f"Decoding({name}={value!r}): it must be a whole number of at least {least}."
                )
        if not self.temperature > 0:
            raise TaskError(f"Decoding(temperature={self.temperature!r}): it must be above 0.")
        if not 0 < self.top_p <= 1:
            raise TaskError(f"Decoding(top_p={self.top_p!r}): it must lie in (0, 1].")
        if self.draws and self.beams > 1:
            raise TaskError(
                f"Decoding(beams={self.beams}, draws={self.draws}): texts are searched for or "
                "drawn; leave one of them out."
            )
        if not self.draws and (self.temperature, self.top_p) != (1.0, 1.0):
            raise TaskError(
                "Decoding: temperature and top_p are of texts that are drawn; give draws=5, say."
            )

    @property
    def texts(self) -> int:
        """How many texts are written for each example."""
        return self.draws or 1

    def specification(self) -> dict[str, Any]:
        """All fields, for the key of a run."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
