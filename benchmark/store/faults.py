"""What libraries say when a record cannot be reached or refuses something, as people say it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from benchmark.secrets import masked

_CREDENTIALS = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


@dataclass(frozen=True)
class Fault:
    """Why a record cannot be used.

    Attributes:
        cause: in words.
        remedy: what to do about it, as a command.
        refused: whether the record is there, and would give the same answer until somebody changes
            something.
        damaged: whether it will not be back unless it is mended.
    """

    cause: str
    remedy: str
    refused: bool = False
    damaged: bool = False

    @property
    def passing(self) -> bool:
        """Whether the record may be back without anything being changed in it."""
        return not (self.refused or self.damaged)


#: A database that is locked, which any command waits for.
LOCKED = Fault("another process has kept it locked", "End that process")


#: What is said of a fault, by what libraries say of it; the first that fits.
_FAULTS = (
    (
        ("error code 401", "401 Client Error", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"),
        Fault("its server does not know who asks", f"Set {_CREDENTIALS}", refused=True),
    ),
    (
        ("error code 403", "403 Client Error", "PERMISSION_DENIED"),
        Fault(
            "its server does not permit this",
            f"Ask whoever looks after it, or set {_CREDENTIALS} of somebody who may",
            refused=True,
        ),
    ),
    (
        ("error code 404", "not in a valid JSON format"),
        Fault(
            "what answers there is no MLflow server, or one that is too old",
            "Look at the address, and at the version of the server",
            refused=True,
        ),
    ),
    (
        ("out-of-date database schema",),
        Fault(
            "its database is of another version of MLflow",
            "Let `mlflow db upgrade` of this one bring it up to date, after a backup",
            refused=True,
        ),
    ),
    (
        ("password authentication failed", "no password supplied", "Access denied for user"),
        Fault(
            "its database does not take this name and password",
            "Look at those in its address",
            refused=True,
        ),
    ),
    (
        ("NoSuchBucket", "bucket does not exist"),
        Fault(
            "the bucket for its files does not exist",
            "Make it, or have the server name another one",
            refused=True,
        ),
    ),
    (
        (
            *("Unable to locate credentials", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
            *("AccessDenied", "ExpiredToken", "InvalidToken", "Partial credentials", "(403)"),
        ),
        Fault(
            "the storage of its files does not take these credentials",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
            refused=True,
        ),
    ),
    (
        ("Could not connect to the endpoint", "Connect timeout on endpoint"),
        Fault(
            "the storage of its files does not answer",
            "Start it, or look at MLFLOW_S3_ENDPOINT_URL",
        ),
    ),
    (("is locked",), LOCKED),
    (
        ("disk is full", "No space left", "quota"),
        Fault("the disk is full", "Free some space"),
    ),
    (
        ("readonly database", "Read-only file system", "Permission denied", "unable to open"),
        Fault("it can no longer be opened for writing", "Give back the permission to write there"),
    ),
    (
        ("disk I/O error", "File too large", "Input/output error", "Stale file handle"),
        Fault(
            "its disk refuses to read or to write it",
            "Look at the disk, and at limits on the size of files (ulimit -f)",
        ),
    ),
    (
        ("malformed", "not a database", "no such table"),
        Fault("its database is damaged", "Put back a copy of it", damaged=True),
    ),
    (
        ("NameResolutionError", "Name or service not known", "failed to resolve host"),
        Fault("no machine of that name is known here", "Look at the address, and at the network"),
    ),
    (
        ("too many 5", "error code 5", "Server Error"),
        Fault(
            "its server answers with errors",
            "Look whether its database and the storage of its files answer; its log says more",
        ),
    ),
    (
        (
            *("onnection", "timed out", "server closed", "terminat"),
            *("starting up", "shutting down"),
        ),
        Fault("its server does not answer", "Start the server, or look at the address"),
    ),
)
#: What brings a module that MLflow or SQLAlchemy asks for.
_EXTRAS = {
    "psycopg": "armbench[postgres]",
    "boto3": "armbench[s3]",
    "botocore": "armbench[s3]",
    "MySQLdb": "mysqlclient",
}
#: Libraries by which MLflow keeps files, each with errors of its own.
_STORAGE = ("boto3", "botocore", "s3transfer", "azure", "google", "requests", "urllib3")


def is_of_storage(error: BaseException) -> bool:
    """Whether a library said this that keeps the files of runs, or one for that is missing."""
    said_by = type(error).__module__.partition(".")[0]
    return isinstance(error, ModuleNotFoundError) or said_by in _STORAGE


def explained(error: BaseException) -> Fault | None:
    """What a library said, as people say it; None where that is not known."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = _EXTRAS.get(error.name.partition(".")[0], error.name)
        install = f"Install it (pip install '{package}')"
        return Fault(f"{error.name} is not installed", install, refused=True)
    if 'database "' in str(error) and '" does not exist' in str(error):
        return Fault("there is no such database", "Make it, or look at its name", refused=True)
    said = f"{error} {os.strerror(getattr(error, 'errno', 0) or 0)}"
    found = (fault for signs, fault in _FAULTS if any(sign in said for sign in signs))
    return next(found, None)


def line(error: BaseException) -> str:
    """The first line of what a library said, without passwords."""
    lines = str(error).strip().splitlines()
    return masked(lines[0]) if lines else type(error).__name__
