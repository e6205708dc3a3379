"""The installed packages as files on disk: what there is to read, and a digest of it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from trainers.errors import TaskError

#: Where the name to install differs from the name to import.
DISTRIBUTIONS = {"sklearn": "scikit-learn"}

#: Folders that hold tests, what tests need, or copies of somebody else's code.
NOT_ITS_OWN = frozenset(
    (
        *("test", "tests", "testing", "_testing"),
        *("vendor", "_vendor", "extern", "externals", "_external", "third_party"),
        *("array_api_compat", "array_api_extra", "cobyqa", "pyprima"),
    )
)
#: Ends of the names of files that are not written to be read.
NOT_TO_BE_READ = ("conftest", "setup", "_pb2")


def digest(package: str) -> str:
    """Version of an installed package and a digest of its Python files, as one hex SHA-256.

    It is read from the RECORD that the installer wrote: no source file is opened, and neither
    install paths nor compiled files count.
    """
    distribution = _distribution(package)
    entries = [",".join(entry) for entry in _entries(distribution, package)]
    text = "\n".join([package, distribution.version, *entries])
    return hashlib.sha256(text.encode()).hexdigest()


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Dotted name and file of each module of a package, sorted; tests and vendored code left out.

    The names come from the RECORD, so that nothing is imported to find them.
    """
    distribution = _distribution(package)
    for path, *_ in _entries(distribution, package):
        parts = path.removesuffix(".py").split("/")
        if NOT_ITS_OWN.isdisjoint(parts) and not parts[-1].endswith(NOT_TO_BE_READ):
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield name, Path(str(distribution.locate_file(path)))


def require(packages: Sequence[str]) -> None:
    """Raise one TaskError that names every package that is not installed."""
    missing = []
    for package in packages:
        try:
            metadata.distribution(_name(package))
        except metadata.PackageNotFoundError:
            missing.append(_name(package))
    if missing:
        raise TaskError(
            "The docstrings of these packages are the data, but they are not installed: "
            f"{', '.join(missing)}. Install them with: pip install {' '.join(missing)}"
        )


def _name(package: str) -> str:
    return DISTRIBUTIONS.get(package, package)


def _distribution(package: str) -> metadata.Distribution:
    require([package])
    return metadata.distribution(_name(package))


def _entries(distribution: metadata.Distribution, package: str) -> list[list[str]]:
    """Sorted rows (path, hash, size) of the package's own `.py` files in the RECORD."""
    name = _name(package)
    record = distribution.read_text("RECORD")
    if record is None:
        raise TaskError(
            f"{name} is installed without a RECORD of its files. "
            f"Install it from a wheel: pip install --force-reinstall {name}"
        )
    rows = [
        row
        for row in csv.reader(record.splitlines())
        if row and row[0].endswith(".py") and row[0].split("/")[0] in (package, f"{package}.py")
    ]
    if not rows:
        raise TaskError(
            f"{name} is installed, but holds no Python files of a package {package}. "
            "Give the name to import, not the name to install."
        )
    return sorted(rows)
