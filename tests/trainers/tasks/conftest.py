import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trainers.tasks import Docstrings

SMALL = Docstrings(
    packages=("alphapack", "betapack"),
    further=("gammapack",),
    train=40,
    dev=10,
    test=12,
    vocabulary=600,
)

Install = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty site-packages folder that Python looks into."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def install(site: Path) -> Install:
    """Writes a package of the given files, with the records that an installer leaves."""

    def install(name: str, files: dict[str, str], version: str = "1.0") -> Path:
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        rows = [f"../../bin/{name},sha256=x,1", f"{name}/__pycache__/a.pyc,,"]
        for path, source in files.items():
            (site / name / path).parent.mkdir(parents=True, exist_ok=True)
            (site / name / path).write_text(source)
            rows.append(f"{name}/{path},sha256={zlib.crc32(source.encode())},{len(source)}")
        (info / "RECORD").write_text("\n".join(rows) + "\n")
        return site / name

    return install


def invented(name: str, modules: int = 30) -> dict[str, str]:
    """Files of a package whose docstrings are random words; every third mentions its name."""
    rng = random.Random(name)
    words = ["".join(rng.choices("abcdefghilmnoprstuvz", k=rng.randint(3, 9))) for _ in range(300)]

    def docstring(i: int) -> str:
        summary, body = rng.choices(words, k=rng.randint(5, 12)), rng.choices(words, k=20)
        mention = f" by {name}.part.Thing" if i % 3 == 0 else ""
        return f'"""{" ".join(summary).capitalize()}{mention}.\n\n    {" ".join(body)}.\n    """'

    def module() -> str:
        functions = [f"def f{i}():\n    {docstring(i)}\n" for i in range(6)]
        methods = [f"    def m{i}(self):\n        {docstring(i)}\n" for i in range(3)]
        return "\n".join([docstring(1), *functions, f"class C:\n    {docstring(0)}\n", *methods])

    return {"__init__.py": ""} | {
        f"{'one' if i % 2 else 'two'}/m{i}.py": module() for i in range(modules)
    }


@pytest.fixture
def small(install: Install) -> Docstrings:
    """A task on invented packages; prepared in a tenth of a second."""
    for name in (*SMALL.packages, *SMALL.further):
        install(name, invented(name))
    return SMALL


@pytest.fixture
def folder(small: Docstrings, tmp_path: Path) -> Path:
    """The prepared folder of ``small``."""
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    small.prepare(prepared)
    return prepared


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Docstrings, Path]:
    """The default task, prepared once from the packages that are really installed."""
    task, prepared = Docstrings(), tmp_path_factory.mktemp("docstrings")
    task.prepare(prepared)
    return task, prepared


@pytest.fixture(params=["package", "kind", "submodule", "pair"])
def labelled(request: pytest.FixtureRequest) -> Docstrings:
    """The default task of every label."""
    return replace(Docstrings(), label=request.param, train=None, dev=None, test=None)
