"""`bench ui`: the MLflow UI on a record, bound to this machine."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from typing import NoReturn

from benchmark.commands.options import add_store, port
from benchmark.errors import BenchmarkError, StoreError

HOST = "127.0.0.1"


EXAMPLES = (
    "bench ui",
    "bench ui --port 5001",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("--port", type=port, default=5000)
    add_store(command)


def ui(options: argparse.Namespace) -> NoReturn:
    """Open the MLflow UI on the store, bound to this machine alone.

    Raises:
        StoreError: there is no record, or none that the UI can open.
        BenchmarkError: the port cannot be had.
    """
    from benchmark.store.connection import connect
    from benchmark.store.store import Store

    chosen = Store.choose(options.store)
    chosen.require()
    if chosen.location.startswith(("http://", "https://")):
        raise StoreError(
            f"the record is kept by a server, which has a UI of its own: open {chosen.shown}"
        )
    check_port(options.port)
    if chosen.is_local and not chosen.is_writable:
        raise StoreError(
            f"the record {chosen.shown} can only be read here, and the MLflow UI writes: copy it "
            "to a folder that can be written, and name that with --store."
        )
    connect(chosen, make=True)  # which takes a record that was moved for where it is
    command = [sys.executable, "-m", "mlflow", "ui"]
    command += ["--host", HOST, "--port", str(options.port), "--workers", "1"]
    print(
        f"MLflow UI of {chosen.shown} at http://{HOST}:{options.port} (Ctrl-C ends it)", flush=True
    )
    # Other users of the machine see what is in a command line, and not its environment.
    environment = os.environ | {"MLFLOW_BACKEND_STORE_URI": chosen.uri}
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    environment["PYTHONSAFEPATH"] = "1"  # no module of the current folder stands in for another
    if chosen.artifacts:
        environment["MLFLOW_DEFAULT_ARTIFACT_ROOT"] = chosen.artifacts.as_uri()
    # Taking this process's place, the server gets its signals and leaves nothing behind.
    os.execve(sys.executable, command, environment)


def check_port(wanted: int) -> None:
    """Refuse a port that cannot be had, which the server would say in a traceback.

    Raises:
        BenchmarkError: with the reason.
    """
    another = "Give --port another number, for instance 5001."
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, wanted))
        except PermissionError as error:
            raise BenchmarkError(
                f"--port {wanted}: this user may not open it; ports below 1024 are the system's. "
                f"{another}"
            ) from error
        except OSError as error:
            raise BenchmarkError(
                f"--port {wanted}: another program has it already, perhaps another bench ui. "
                f"{another}"
            ) from error
