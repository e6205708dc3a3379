"""Real servers of this machine alone: PostgreSQL, MLflow, and a store of objects that speaks S3.

Each listens on 127.0.0.1 at a port that was free, and ends with the block that it was started in,
and with the process that started it. PostgreSQL refuses to be run by root, who gives it to the
user that Debian makes for it.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
#: In every password and key, and so to be found wherever one was written down.
CANARY = "canary7secret"
#: Ends a server with the process that started it, whatever becomes of that, where Linux can.
_BOUND = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()


def lacking() -> str:
    """Why no PostgreSQL can be started here; empty where one can."""
    if not _BOUND:
        return "setpriv (util-linux) is not installed"
    if _postgres_folder() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    return ""


def _postgres_folder() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


@dataclass
class Server:
    """A process that listens, with all that it started.

    Attributes:
        told: its command line.
        environment: of it alone, beside what this process has.
        ready: whether it answers.
        folder: in which it runs, and keeps what it prints.
    """

    told: list[str]
    environment: Mapping[str, str]
    ready: Callable[[], bool]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.told,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(600):
            if self.ready():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise AssertionError(f"{self.told[:4]}: {self.printed[-2000:]}")

    def stop(self) -> None:
        """End it, and what it started."""
        if self.process:
            for each in (signal.SIGINT, signal.SIGKILL):
                try:
                    os.killpg(self.process.pid, each)
                    self.process.wait(20)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """End it, and what it started, in the middle of whatever they do."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    @property
    def printed(self) -> str:
        """All that it has printed."""
        return (self.folder / "server.log").read_text(errors="replace")

    @contextmanager
    def running(self) -> Iterator["Server"]:
        """Running in this block."""
        try:
            self.start()
            yield self
        finally:
            self.stop()


def _answers(address: str) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    return asked


@dataclass(frozen=True)
class Postgres:
    """A cluster of databases of its own, with one user who gives a password.

    Attributes:
        server: the process.
        port: it listens at.
    """

    server: Server
    port: int

    @classmethod
    @contextmanager
    def started(cls) -> Iterator["Postgres"]:
        """A new one, gone with all its data when the block ends."""
        home = _postgres_folder()
        assert home is not None
        folder, port = Path(tempfile.mkdtemp(prefix="bench-postgres-", dir="/tmp")), free_port()
        try:
            (folder / "password").write_text(CANARY)
            as_user = list(_BOUND)
            if os.geteuid() == 0:
                as_user += ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
                for path in (folder, folder / "password"):
                    shutil.chown(path, "postgres", "postgres")
            made = [str(home / "initdb"), "--username=me", f"--pwfile={folder}/password"]
            made += ["--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"]
            subprocess.run([*as_user, *made, f"{folder}/data"], check=True, capture_output=True)
            told = [*as_user, str(home / "postgres"), "-D", f"{folder}/data", "-p", str(port)]
            for setting in ("fsync=off", f"listen_addresses={HOST}", "unix_socket_directories="):
                told += ["-c", setting]
            server = Server(told, {}, lambda: _listens(port), folder)
            with server.running():
                yield cls(server, port)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def address(self, database: str, password: str = CANARY) -> str:
        """Of a database, as SQLAlchemy takes it."""
        return f"postgresql://me:{password}@{HOST}:{self.port}/{database}"

    def make(self, database: str) -> str:
        """A new database; returns its address."""
        self._tool("createdb", database)
        return self.address(database)

    def dump(self, database: str) -> bytes:
        """All that is in a database, as text."""
        return self._tool("pg_dump", "--inserts", database)

    def _tool(self, name: str, *arguments: str) -> bytes:
        home = _postgres_folder()
        told = ["-h", HOST, "-p", str(self.port), "-U", "me", *arguments]
        environment = {**os.environ, "PGPASSWORD": CANARY}
        done = subprocess.run([f"{home}/{name}", *told], env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((HOST, port)) == 0


@dataclass(frozen=True)
class Objects:
    """A store of objects that speaks S3.

    Attributes:
        server: the process.
        address: of it.
        environment: by which a client finds it, and says who it is.
    """

    server: Server
    address: str
    environment: Mapping[str, str]

    @classmethod
    @contextmanager
    def started(cls, folder: Path, *buckets: str) -> Iterator["Objects"]:
        """One with some empty buckets, which it keeps in memory."""
        folder.mkdir()
        port = free_port()
        address = f"http://{HOST}:{port}"
        told = [*_BOUND, sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
        environment = {
            "MLFLOW_S3_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": f"id-{CANARY}",
            "AWS_SECRET_ACCESS_KEY": f"key-{CANARY}",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        server = Server(told, {}, _answers(f"{address}/moto-api/"), folder)
        with server.running():
            objects = cls(server, address, environment)
            for bucket in buckets:
                objects.client().create_bucket(Bucket=bucket)
            yield objects

    def client(self):
        """boto3's."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.address,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
        )

    def contents(self, bucket: str) -> dict[str, bytes]:
        """What lies in a bucket, by name."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        names = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {name: client.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}


@dataclass(frozen=True)
class Tracking:
    """A tracking server of MLflow.

    Attributes:
        server: the process.
        address: of it.
    """

    server: Server
    address: str

    @classmethod
    @contextmanager
    def started(
        cls, folder: Path, database: str = "", kept: str = "", **environment: str
    ) -> Iterator["Tracking"]:
        """One that keeps its runs in a database.

        Args:
            folder: for what it prints, made.
            database: its address; by default one in that folder.
            kept: where it keeps files; by default in that folder.
            environment: of the server alone.
        """
        folder.mkdir()
        port = free_port()
        address = f"http://{HOST}:{port}"
        told = [*_BOUND, sys.executable, "-m", "mlflow", "server", "--host", HOST]
        told += ["--port", str(port), "--workers", "1"]
        told += ["--artifacts-destination", kept or str(folder / "kept")]
        given = {
            "MLFLOW_BACKEND_STORE_URI": database or f"sqlite:///{folder}/server.db",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **environment,
        }
        with Server(told, given, _answers(f"{address}/health"), folder).running() as server:
            yield cls(server, address)


@contextmanager
def refusing(status: int) -> Iterator[str]:
    """The address of something that answers every question with this status, as a proxy does."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
