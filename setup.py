"""Builds the studies into the package, as the examples of `bench init`.

There is one copy of them in the repository; everything else of the build is in pyproject.toml.
"""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py


class WithStudies(build_py):
    """Copies the studies beside the modules; a checkout is read as it is."""

    def run(self) -> None:
        """Build the modules, then copy."""
        super().run()
        if not self.editable_mode:
            to = Path(self.build_lib) / "benchmark" / "examples"
            copytree("studies", to, dirs_exist_ok=True, ignore=ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": WithStudies})
