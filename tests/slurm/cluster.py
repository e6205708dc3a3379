"""A Slurm cluster of three nodes on this one machine: real daemons and jobs, nodes to be lost.

    python tests/slurm/cluster.py install | start | kill n2 | back n2 | stop

It takes Debian, root, and the packages slurm-wlm and munge, which `install` fetches. All that it
writes lies in one folder, to which SLURM_CONF points (`start` prints it), so that a cluster to
which the machine belongs is left alone. Nodes have two processors and two GPUs each; the GPUs are
files that are none, of which Slurm gives jobs the numbers. There is no accounting.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = Path("/var/tmp/armbench-slurm")
CONF = FOLDER / "slurm.conf"
NODES = ("n1", "n2", "n3")

_CONF = """
ClusterName=armbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmctldPidFile={folder}/controller.pid
SlurmctldLogFile={folder}/controller.log
StateSaveLocation={folder}/state
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
SlurmdSpoolDir={folder}/%n
SlurmdParameters=config_overrides
AuthType=auth/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout=10
KillWait=5
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
NodeName=DEFAULT CPUs=2 RealMemory=1000 Gres=gpu:2
NodeName=n[1-3] NodeHostname={host} NodeAddr=127.0.0.1 Port=[16001-16003]
PartitionName=debug Nodes=ALL Default=YES PriorityTier=1
PartitionName=urgent Nodes=ALL PriorityTier=2
"""
_GRES = "NodeName=n[1-3] Name=gpu File=/dev/tty[10-11]\n"


def lacking() -> str:
    """Why no cluster can be started here; empty where one can."""
    if os.geteuid() != 0:
        return "a cluster can only be started by root"
    for name in ("slurmctld", "slurmd", "sbatch", "munged"):
        if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin"):
            return f"{name} is not installed: python tests/slurm/cluster.py install"
    return ""


def install() -> None:
    """Fetch Debian's packages."""
    told = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=told, check=False)
    packages = ["slurm-wlm", "munge"]
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        env=told,
        check=True,
    )


@contextmanager
def alone() -> Iterator[None]:
    """Within this block there is a cluster, to which this process and what it starts submit jobs.

    There is one on a machine: another process that wants one waits until it is free.

    Raises:
        OSError, RuntimeError, subprocess.CalledProcessError: none starts here.
    """
    before = os.environ.get("SLURM_CONF")
    with (Path(tempfile.gettempdir()) / "armbench-slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.environ["SLURM_CONF"] = str(CONF)
        try:
            start()
            yield
        finally:
            stop()
            os.environ.pop("SLURM_CONF")
            os.environ.update({"SLURM_CONF": before} if before else {})


def start() -> None:
    """Start the controller and all nodes, and wait until they are up."""
    stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("state", *NODES):
        (FOLDER / name).mkdir(parents=True)
    CONF.write_text(_CONF.format(host=socket.gethostname().partition(".")[0], folder=FOLDER))
    (FOLDER / "gres.conf").write_text(_GRES)
    _start_munge()
    _call("slurmctld", "-f", str(CONF), "-c")
    for node in NODES:
        back(node)
    _wait_until("idle", NODES)


def back(node: str) -> None:
    """Start a node."""
    _call("slurmd", "-f", str(CONF), "-N", node)


def kill(node: str) -> None:
    """Lose a node with everything that runs on it; Slurm notices within half a minute."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if _is_on(process, node):
                os.kill(int(process.name), signal.SIGKILL)


def stop() -> None:
    """End all jobs, nodes and the controller."""
    if not CONF.exists():
        return
    with suppress(FileNotFoundError, subprocess.CalledProcessError):  # there may be no job
        _call("scancel", "--quiet", "--user=root")
    for node in NODES:
        kill(node)
    with suppress(OSError, ValueError):
        os.kill(int((FOLDER / "controller.pid").read_text()), signal.SIGKILL)
    time.sleep(1)


def wait_until_up(node: str) -> None:
    """Until a node takes jobs again."""
    _wait_until("idle", (node,))


def _is_on(process: Path, node: str) -> bool:
    """Whether a process is a node's daemon, the keeper of one of its jobs, or of such a job."""
    if f"SLURMD_NODENAME={node}".encode() in (process / "environ").read_bytes().split(b"\0"):
        return True
    log = str(FOLDER / f"{node}.log")
    return any(os.readlink(each) == log for each in (process / "fd").iterdir())


def _start_munge() -> None:
    """Start the daemon by which Slurm knows who asks, unless it answers."""
    if not subprocess.run("munge -n | unmunge", shell=True, capture_output=True).returncode:
        return
    folders = ("/etc/munge", "/run/munge", "/var/log/munge", "/var/lib/munge")
    for folder in folders:
        Path(folder).mkdir(exist_ok=True)
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    subprocess.run(["chown", "-R", "munge:", *folders], check=True)
    subprocess.run(["su", "-s", "/bin/sh", "munge", "-c", "/usr/sbin/munged"], check=True)


def _call(command: str, *arguments: str) -> None:
    told = {**os.environ, "SLURM_CONF": str(CONF), "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    subprocess.run([command, *arguments], env=told, check=True, capture_output=True)


def _wait_until(state: str, nodes: tuple[str, ...]) -> None:
    asked = ["sinfo", "--noheader", "--Node", "--partition=debug", "--format=%N %T"]
    told = {**os.environ, "SLURM_CONF": str(CONF)}
    found: dict[str, str] = {}
    for _ in range(120):
        said = subprocess.run(asked, env=told, capture_output=True, text=True).stdout
        found = dict(line.split() for line in said.splitlines())
        if all(found.get(node) == state for node in nodes):
            return
        time.sleep(0.5)
    raise RuntimeError(f"the nodes do not come up ({found}); see {FOLDER}/*.log")


if __name__ == "__main__":
    actions = {"install": install, "start": start, "stop": stop, "kill": kill, "back": back}
    name, *which = sys.argv[1:] or [""]
    if name not in actions or len(which) != (name in ("kill", "back")):
        sys.exit(__doc__)
    actions[name](*which)
    if name == "start":
        print(f"export SLURM_CONF={CONF}")
