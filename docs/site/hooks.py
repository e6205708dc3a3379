"""What the site has beside the pages: a reference of every front door, and links out of docs."""

import re
from pathlib import Path
from posixpath import normpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "https://github.com/armbench/armbench/blob/main"
LINK = re.compile(r"\]\(([\w./-]+)(#[\w-]+)?\)")

#: What a user imports from, and then all rooms of `stats`.
DOORS = ("benchmark", "stats")
DOORS += tuple(f"trainers.{each}" for each in ("methods", "models", "tasks", "settings"))
DOORS += ("trainers.pretraining",)
ROOMS = tuple(
    f"stats.{room.stem}"
    for room in sorted((ROOT / "stats").iterdir())
    if (room / "__init__.py").is_file() or (room.suffix == ".py" and room.stem != "__init__")
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the pages of the reference in the navigation."""
    pages = {"Reference": [f"reference/{module}.md" for module in (*DOORS, *ROOMS)]}
    config.nav = [*(config.nav or ()), pages]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each module of the reference."""
    for module in (*DOORS, *ROOMS):
        submodules = "\n    options:\n      show_submodules: true" if module in ROOMS else ""
        text = f"# {module}\n\n::: {module}{submodules}\n"
        files.append(File.generated(config, f"reference/{module}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have links to what is no part of the site lead to the repository."""
    folder = Path("docs", page.file.src_uri).parent

    def elsewhere(found: re.Match[str]) -> str:
        path = normpath(folder / found[1])
        if path.startswith("docs/") and path.endswith((".md", ".csv", ".svg")):
            return found[0]
        return f"]({SOURCE}/{path}{found[2] or ''})"

    # GitHub reads Markdown inside of these, and Python's Markdown where it is told to.
    return LINK.sub(elsewhere, markdown.replace("<details>", '<details markdown="1">'))
