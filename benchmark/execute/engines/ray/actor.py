"""An actor of Ray: it holds what a run takes of its node, and executes one run after the other."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.execute.engines.local import LocalEngine
from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.job import Ended, Progress
from benchmark.store.scratch import keep_temporary_files_together
from benchmark.user_code.project import Sources, take_sources


class RayActor:
    """An engine for processes of its own node, each in the same way as by `--engine local`.

    Args:
        study_file: imported by the process of each run.
        read: sources that the command has read, in place of what the files hold by then.
        variables: of the command's environment, which runs need as well.
        log: a file for what runs print.
    """

    def __init__(
        self, study_file: Path, read: Sources, variables: Mapping[str, str], log: Path
    ) -> None:
        os.environ.update(variables)
        os.environ["PYTHONUNBUFFERED"] = "1"  # what a run printed before it died is kept, too
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
        # Processes would import Ray's own script, and Ray with it, for most of a second each.
        sys.modules["__main__"].__file__ = None
        take_sources(read)
        keep_temporary_files_together()  # Ray ends its processes before they could remove them
        self.engine = LocalEngine(1, study_file)

    def ready(self) -> Gpu | None:
        """Answer, once the actor has its place, with the GPU of which it has a part."""
        import ray

        here = ray.get_runtime_context()
        numbers = here.get_accelerator_ids().get("GPU", [])
        if not numbers:
            return None
        return Gpu(0, "", 0.0, f"{numbers[0]} of node {here.get_node_id()}")

    def start(self, key: str, pickled: bytes) -> None:
        """Begin to execute a job."""
        self.engine.begin((key,), pickled)

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What has happened since the last call; waits at most `timeout` seconds for it."""
        return self.engine.events(timeout)

    def cancel(self, key: str) -> None:
        """Have the job stopped that is no longer wanted."""
        self.engine.cancel(key)

    def stop(self) -> None:
        """Interrupt what is executing; returns when nothing is left."""
        self.engine.stop()
