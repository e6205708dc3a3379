"""A method whose own code fails where a study is laid out: planned, named, and never trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainers.methods.method import Method


@dataclass(frozen=True)
class Unsound(Method):
    """Stands for a method that cannot be asked what its runs need.

    Attributes:
        name: of the method that it stands for.
        trouble: what its code did, with the line.
        given: names of its hyper-parameters, with what was declared.
    """

    name: str  # type: ignore[misc]
    trouble: str
    given: tuple[tuple[str, Any], ...] = ()

    def hyper_parameters(self) -> dict[str, Any]:
        """Those of the method, which a search names."""
        return dict(self.given)

    def with_hyper_parameters(self, values: Mapping[str, Any]) -> Method:
        """The same, whatever the setting."""
        return self

    def specification(self) -> dict[str, Any]:
        """What its code did; a run of this key is never trained."""
        return {"method": self.name, "revision": self.revision, "trouble": self.trouble}
