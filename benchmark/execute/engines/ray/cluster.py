"""The Ray cluster that runs are executed on: which one, what a run takes of it, what it has."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmark.errors import BenchmarkError
from benchmark.execute.engines.ray.node import Sight, look
from benchmark.store.store import Store

#: Seconds that the head of a cluster has to answer, and its nodes to look around.
_MOMENT, _PATIENCE = 5.0, 90.0
#: A frame of HTTP/2 that sets nothing, with its kind in the fourth byte; each side begins with one.
_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Resources:
    """What a run takes of a node.

    Attributes:
        cpus: as many as it has threads.
        gpus: a part of one where several runs share it; 0 on a CPU.
    """

    cpus: int = 1
    gpus: float = 0.0

    def room(self, node: Mapping[str, float]) -> int:
        """How many runs a node has resources for.

        >>> Resources(2).room({"CPU": 5.0}), Resources(1, 0.5).room({"CPU": 8.0, "GPU": 2.0})
        (2, 4)
        """
        by_cpus = int(node.get("CPU", 0.0) // self.cpus)
        if not self.gpus:
            return by_cpus
        # Ray cuts no run over two GPUs.
        return min(by_cpus, int(node.get("GPU", 0.0)) * round(1 / self.gpus))

    def __str__(self) -> str:
        """As people say it."""
        cpus = f"{self.cpus} CPU" + ("s" if self.cpus > 1 else "")
        return cpus + (f" and {self.gpus:.3g} of a GPU" if self.gpus else "")


@dataclass(frozen=True)
class RayCluster:
    """A cluster of Ray, as a study uses it.

    Attributes:
        address: host and port of its head; None for one on this machine alone, which is started
            and ends with the command.
        needs: what a run takes.
    """

    address: str | None
    needs: Resources = Resources()

    def check(self, workers: int | None, study_file: Path, store: Store) -> None:
        """Connect to it, and refuse what cannot be executed there, before anything is trained.

        Args:
            workers: runs side by side, if the user said how many.
            study_file: to be read by every node.
            store: its folder must be one for all nodes, and its server be reached from them.

        Raises:
            BenchmarkError: with what is missing.
        """
        self.connect()
        room = self.room()
        if not room:
            raise BenchmarkError(self._too_small())
        if workers and workers > room:
            raise BenchmarkError(
                f"--workers {workers} runs that take {self.needs} each find no room on {self}, "
                f"which has some for {room}: leave out --workers, or {self._more()}."
            )
        with _marked(store.folder) as mark:
            sight = Sight.of(study_file, mark, store)
            for node, wrong in self._asked_of_nodes(sight):
                raise BenchmarkError(f"on node {node} of {self} {wrong}")

    def connect(self) -> None:
        """Have this process speak to the cluster, if it does not.

        Raises:
            BenchmarkError: it is not installed, or does not answer.
        """
        if find_spec("ray") is None:
            raise BenchmarkError(
                "--engine ray executes runs through Ray, which is not installed: "
                "pip install 'armbench[ray]'."
            )
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_worker_niceness", "0")  # of a cluster that is started here
        if self.address is None or self._require_answer():
            # Ray's word, on every system, for a cluster whose servers are bound to the loopback.
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        import ray

        if ray.is_initialized():
            return
        own: dict[str, Any] = {"include_dashboard": False, "object_store_memory": 80 * 2**20}
        # Ray tells of lost nodes in fifty lines each, which paint over ours; there is no option.
        ray._private.worker._worker_logs_enabled = False
        handler = signal.getsignal(signal.SIGTERM)
        try:
            # Actors import from the folder first in which this is called, and a study's may hold
            # modules that are called like what they need.
            with chdir("/"):
                ray.init(
                    address=self.address or "local",
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **({} if self.address else own),
                )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise BenchmarkError(
                f"{self} takes no command from here: {_line(error)}. Run this on one of its "
                "machines, with the same versions of Ray and Python as there."
            ) from error
        finally:
            signal.signal(signal.SIGTERM, handler)  # how a command ends is its own matter

    def room(self) -> int:
        """How many runs go side by side on the nodes that are there now."""
        return sum(self.needs.room(node["Resources"]) for node in _nodes())

    def pilot(self) -> Callable[..., Any]:
        """What makes an actor that executes runs on a node with room for one."""
        import ray

        from benchmark.execute.engines.ray.actor import RayActor

        made = ray.remote(RayActor).options(
            num_cpus=self.needs.cpus, num_gpus=self.needs.gpus, max_restarts=0, max_task_retries=0
        )
        start: Callable[..., Any] = made.remote
        return start

    def __str__(self) -> str:
        """As people say it."""
        return f"the Ray cluster at {self.address}" if self.address else "Ray on this machine"

    def _require_answer(self) -> bool:
        """Whether the head answers on the loopback; Ray itself would wait for minutes, then exit.

        Raises:
            BenchmarkError: it does not answer.
        """
        host, _, port = (self.address or "").rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 1 << 16 or "/" in host:
            raise BenchmarkError(
                f"{self.address!r} is no address of a Ray cluster: give --address its head's host "
                "and port, as 10.0.0.1:6379, on one of its machines; or leave it out, and one is "
                "started here."
            )
        if host in _LOOPBACK and _answers("127.0.0.1", int(port)):
            return True
        if host in _LOOPBACK:
            from ray import util

            host = util.get_node_ip_address()  # what Ray takes it for
        if not _answers(host, int(port)):
            raise BenchmarkError(
                f"{self} does not answer: look with ray status whether it is up, and at which port "
                "of its head; correct --address or RAY_ADDRESS, or leave both out, and one is "
                "started here."
            )
        return False

    def _too_small(self) -> str:
        nodes = [node["Resources"] for node in _nodes()]
        gpus = sum(node.get("GPU", 0.0) for node in nodes)
        if self.needs.gpus and not gpus:
            return (
                f'a run takes a GPU, and {self} has none: declare device="cpu", or {self._more()}.'
            )
        most = max((node.get("CPU", 0.0) for node in nodes), default=0.0)
        return (
            f"a run takes {self.needs}, and no node of {self} has that: the largest has {most:.0f} "
            f"CPUs, and all together {gpus:.0f} GPUs; declare fewer threads, or {self._more()}."
        )

    def _more(self) -> str:
        return "add nodes to it" if self.address else "give --address that of a larger cluster"

    def _asked_of_nodes(self, sight: Sight) -> Iterator[tuple[str, str]]:
        """By node on which runs may be executed, what is missing there."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = {}
        for node in _nodes():
            if self.needs.room(node["Resources"]):
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                looks = ray.remote(look).options(
                    num_cpus=0, max_retries=0, scheduling_strategy=there
                )
                asked[looks.remote(sight)] = node["NodeManagerAddress"]
        done, silent = ray.wait(list(asked), num_returns=len(asked), timeout=_PATIENCE)
        for each in silent:
            yield asked[each], f"nothing is executed within {_PATIENCE:.0f} s: look at ray status."
        for each in done:
            try:
                wrong = ray.get(each)
            except ray.exceptions.RayError as error:
                wrong = f"armbench does not start: {_line(error)}. Install the same there as here."
            if wrong:
                yield asked[each], wrong


def end() -> None:
    """End what of Ray is this command's own; agents would look for their cluster for a minute."""
    if (ray := sys.modules.get("ray")) is None or not ray.is_initialized():
        return
    psutil: Any = import_module("psutil")  # which Ray brings along
    begun = psutil.Process().children(recursive=True)
    ray.shutdown()
    for process in begun:
        with suppress(psutil.Error):
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::"):
                process.kill()


def _nodes() -> Sequence[Mapping[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def _answers(host: str, port: int) -> bool:
    """Whether something listens there that greets as gRPC does, which heads of Ray speak.

    Ray itself would ask anything else for minutes.
    """
    try:
        with socket.create_connection((host, port), timeout=_MOMENT) as head:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return True  # it greets nobody without a certificate
            head.sendall(_GREETING)
            said = head.recv(len(_SETTINGS), socket.MSG_WAITALL)
            return said[3:4] == _SETTINGS[3:4]
    except OSError:
        return False


@contextmanager
def _marked(folder: Path) -> Iterator[Path]:
    """A file in a folder for a moment, by which another machine sees that it is the same one."""
    mark = folder / f".seen-{uuid4().hex[:8]}"
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        mark.touch()
        yield mark
    finally:
        mark.unlink(missing_ok=True)
        for each in made:
            if not any(each.iterdir()):
                each.rmdir()


def _line(error: BaseException) -> str:
    """The last line of an error, where Ray says what it was."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")
