"""A server at 127.0.0.1 that speaks as much of the hub's language as fetching takes."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_INFO = re.compile(r"/api/(models|datasets)/([\w.-]+/[\w.-]+)(/revision/([^?]+))?(\?.*)?")
_FILE = re.compile(r"/(datasets/)?([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)")


@dataclass
class Hub:
    """What a server holds, and what was asked of it.

    Attributes:
        repositories: by "models/owner/name" or "datasets/owner/name", then by branch: the files.
        breaks_in: files whose connection breaks off after half of what is left, once each.
        altered: files that are sent as zeros.
        asked: method, path and the first byte asked for.
    """

    repositories: dict[str, dict[str, dict[str, bytes]]]
    url: str = ""
    breaks_in: set[str] = field(default_factory=set)
    altered: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def sent(self) -> list[str]:
        """Names of files that were sent, in order."""
        found = (_FILE.fullmatch(path) for method, path, _ in self.asked if method == "GET")
        return [match[4] for match in found if match]

    def commit(self, repository: str, branch: str) -> str:
        """The revision of a branch as it is now."""
        files = self.repositories[repository][branch]
        digest = hashlib.sha1(branch.encode())
        for name in sorted(files):
            digest.update(name.encode() + files[name])
        return digest.hexdigest()

    def files(self, repository: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """A revision and its files."""
        for branch, files in self.repositories.get(repository, {}).items():
            commit = self.commit(repository, branch)
            if revision.replace("%2F", "/") in (branch, commit):
                return commit, files
        return None


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        first = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        self.hub.asked.append((self.command, self.path, first))
        if match := _INFO.fullmatch(self.path):
            self._info(f"{match[1]}/{match[2]}", match[4] or "main")
        elif match := _FILE.fullmatch(self.path):
            self._file(f"{match[1] or 'models/'}{match[2]}", match[3], match[4], first, body)
        else:
            self._send(404, b"{}", {})

    def _info(self, repository: str, revision: str) -> None:
        if repository not in self.hub.repositories:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        found = self.hub.files(repository, revision)
        if found is None:
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        commit, files = found
        siblings = [
            {"rfilename": name, "size": len(content), "blobId": _blob(content)}
            | {"lfs": _lfs(name, content)}
            for name, content in files.items()
        ]
        told = {"id": repository.split("/", 1)[1], "sha": commit, "siblings": siblings}
        return self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _file(self, repository: str, revision: str, name: str, first: int, body: bool) -> None:
        found = self.hub.files(repository, revision)
        if found is None or name not in found[1]:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        content = found[1][name]
        headers = {"X-Repo-Commit": found[0], "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if name in self.hub.altered:
            content = bytes(len(content))
        rest = content[first:]
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        if body and name in self.hub.breaks_in:
            self.hub.breaks_in.discard(name)
            self._send(206 if first else 200, rest[: len(rest) // 2], headers, len(rest))
            self.close_connection = True
            return None
        return self._send(206 if first else 200, rest, headers)

    def _send(
        self, status: int, content: bytes, headers: dict[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _lfs(name: str, content: bytes) -> dict[str, object] | None:
    if not name.endswith((".safetensors", ".bin", ".parquet")):
        return None
    digest = hashlib.sha256(content).hexdigest()
    return {"sha256": digest, "size": len(content), "pointerSize": 1}


@contextmanager
def serving(repositories: dict[str, dict[str, dict[str, bytes]]]) -> Iterator[Hub]:
    """Serve repositories for the length of a block."""
    hub = Hub(repositories)
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
