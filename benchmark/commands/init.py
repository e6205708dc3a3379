"""`bench init`: the templates and studies that come with armbench, to copy and change."""

from __future__ import annotations

import argparse
import ast
import os
import sys
from difflib import get_close_matches
from pathlib import Path

from benchmark.errors import BenchmarkError
from benchmark.own_packages import FOLDER

EXAMPLES = (
    "bench init",
    "bench init templates/own_data",
    "bench init pretrained_vs_scratch",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument(
        "name", nargs="?", metavar="NAME", help="the study to copy (default: list them)"
    )


def init(options: argparse.Namespace) -> int:
    """List the studies that come along, or copy one into the current folder."""
    if options.name is None:
        sys.stdout.write(_listed(examples()))
    else:
        made, *beside = copy_example(options.name, Path())
        more = f" (with {', '.join(map(str, beside))})" if beside else ""
        sys.stdout.write(f"{made}{more}: change it, then: bench plan {made}\n")
    return 0


def examples() -> dict[str, Path]:
    """The studies by name: beside the package where it is installed, else those of the checkout.

    Templates come first.

    Raises:
        BenchmarkError: they are neither here nor there.
    """
    package = Path(FOLDER).resolve() / "benchmark"
    for folder in (package / "examples", package.parent / "studies"):
        files = sorted(
            folder.rglob("*.py"),
            key=lambda file: (file.parent.name != "templates", len(file.parts), file),
        )
        if files:
            return {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}
    raise BenchmarkError(
        "the studies that come with armbench are not installed; pip install --force-reinstall "
        "--no-deps armbench brings them back."
    )


def copy_example(name: str, folder: Path) -> list[Path]:
    """Copy a study into a folder, and data of its name, never over anything that is there.

    Returns:
        What was made, the study first.

    Raises:
        BenchmarkError: there is no such study, or a file of its name.
    """
    known = examples()
    if name not in known:
        near = get_close_matches(name, known, 1) or [n for n in known if n.endswith(f"/{name}")]
        meant = f"; did you mean {near[0]}?" if near else "."
        raise BenchmarkError(f'no study "{name}" comes along{meant} bench init lists them.')
    study = known[name]
    copied = [study, *sorted(study.parent.glob(f"{study.stem}.[!p]*"))]
    for each in copied:
        made = folder / each.name
        if os.path.lexists(made):
            raise BenchmarkError(
                f"{made} is there already, and stays as it is: rename it, or call bench init in "
                "another folder."
            )
    for each in copied:
        with (folder / each.name).open("xb") as copy:
            copy.write(each.read_bytes())
    return [folder / each.name for each in copied]


def _listed(known: dict[str, Path]) -> str:
    width = max(map(len, known))
    lines = (f"  {name:{width}}  {_first_line(file)}" for name, file in known.items())
    return "\n".join(["bench init NAME copies one of these studies:", "", *lines, ""])


def _first_line(file: Path) -> str:
    """Of the docstring, without executing the study."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0]
