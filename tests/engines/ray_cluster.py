"""A Ray cluster of several nodes on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

#: Everything on the loopback, no statistics for anybody, and as quick as other processes.
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}
_NODE: dict[str, Any] = {
    "object_store_memory": 80 * 2**20,
    "include_dashboard": False,
    "node_ip_address": "127.0.0.1",
}


def lacking() -> str:
    """Why no cluster can be had here."""
    return "" if find_spec("ray") else "Ray is not installed: pip install 'armbench[ray]'"


@contextmanager
def started(nodes: int = 2) -> Iterator[Any]:
    """A cluster whose head executes nothing; it ends with the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        import ray
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **_NODE})
        try:
            for _ in range(nodes):
                made.add_node(num_cpus=2, num_gpus=2, **_NODE)
            yield made
        finally:
            ray.shutdown()
            made.shutdown()


def add_node(cluster: Any) -> Any:
    """One more node, as the others."""
    return cluster.add_node(num_cpus=2, num_gpus=2, **_NODE)


def node_of(cluster: Any, process: int) -> Any:
    """The node below which a process is."""
    raylets = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
    return next(raylets[each] for each in ancestors(process) if each in raylets)


def parent(process: int) -> int:
    """The process that started another one."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def everything() -> list[int]:
    """All processes."""
    return [int(each) for each in os.listdir("/proc") if each.isdigit()]


def ancestors(process: int) -> list[int]:
    """Who started a process, and who these."""
    found = []
    while process > 1:
        try:
            process = parent(process)
        except OSError:
            break
        found.append(process)
    return found


def listening(of: list[int]) -> list[str]:
    """Addresses at which processes wait for others to connect."""
    sockets = set()
    for each in of:
        for link in Path(f"/proc/{each}/fd").glob("*"):
            with suppress(OSError):
                sockets.add(os.readlink(link))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and f"socket:[{parts[9]}]" in sockets:
                found.append(_host(parts[1].partition(":")[0]))
    return found


def _host(told: str) -> str:
    """From the kernel's words of four bytes, each the wrong way round."""
    words = [bytes.fromhex(told[i : i + 8])[::-1] for i in range(0, len(told), 8)]
    address = ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def processes(word: str) -> list[int]:
    """Those with a word on their command line."""
    found = []
    for each in everything():
        with suppress(OSError):
            if word in Path(f"/proc/{each}/cmdline").read_bytes().decode(errors="replace"):
                found.append(each)
    return found
