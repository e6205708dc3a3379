"""What a model or a task needs from elsewhere and has not got, for the check before training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

#: The command that gets what the hub has, of a study file and into a folder.
FETCH = "bench fetch {study} --data {data}"


@dataclass(frozen=True)
class Needed:
    """Something that is missing or unfit on this machine, and what to do about it.

    Models, tasks and inits answer `requirements()` with one of these for each thing that stands
    in the way of training, and with nothing where all is there. Asking reads no weights and
    decodes no images, and never reaches for the network.

    Attributes:
        kind: "model", "data" or "disk".
        name: as the study calls it: a hub name such as "SetFit/sst5", or a folder.
        where: where it was looked for and what is wrong there, as a clause without a full stop.
        get: the command that mends it; :data:`FETCH` where the hub has it.
        files: what to fetch of the hub's repository, as patterns; empty where nothing is fetched.
        config: the configuration of a data set that has several.
    """

    kind: Literal["model", "data", "disk"]
    name: str
    where: str
    get: str
    files: tuple[str, ...] = ()
    config: str = ""

    def fetching(self, files: tuple[str, ...]) -> Needed:
        """The same, with other files to fetch."""
        return replace(self, files=files)

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}": {self.where}. To mend it: {self.get}'
