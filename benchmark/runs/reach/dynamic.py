"""What makes code reach things that its source does not name."""

from __future__ import annotations

from collections.abc import Iterable

#: Reads of a run's surroundings, and calls of code that is put together at run time.
_NAMES = {
    **dict.fromkeys(
        (
            *("builtins.exec", "builtins.eval", "builtins.compile", "builtins.__import__"),
            *("importlib.import_module", "importlib.reload", "importlib.__import__"),
            *("importlib.util.spec_from_file_location", "importlib.util.module_from_spec"),
            *("builtins.globals", "sys.modules", "runpy.run_path", "runpy.run_module"),
            *("importlib.util", "importlib.machinery", "pkgutil.resolve_name", "pydoc.locate"),
            *("pkgutil.get_loader", "pkgutil.find_loader", "pydoc.importfile", "pydoc.resolve"),
            *("sys._getframe", "sys._current_frames", "inspect.currentframe", "inspect.stack"),
            *("inspect.trace", "inspect.getclosurevars", "gc.get_objects", "gc.get_referrers"),
        ),
        "reaches code that the source does not name",
    ),
    **dict.fromkeys(
        (
            *("os.environ", "os.getenv", "os.environb", "os._Environ", "sys.argv"),
            "builtins.input",
        ),
        "reads what is outside the study",
    ),
    "torch.hub": "reads from the network",
    **dict.fromkeys(("os.system", "os.popen", "posix.system"), "runs another program"),
}
_MODULES = {
    "subprocess": "runs another program",
    "ctypes": "runs code that has no source",
    **dict.fromkeys(
        ("_frozen_importlib", "_frozen_importlib_external", "zipimport", "imp"),
        "reaches code that the source does not name",
    ),
    **dict.fromkeys(
        ("socket", "urllib", "urllib3", "requests", "http", "httpx", "aiohttp", "ftplib"),
        "reads from the network",
    ),
}
#: Modules of Python that reach anything by a name that is put together at run time.
_WHOLE = frozenset(("builtins", "gc", "importlib", "inspect", "os", "pkgutil", "pydoc", "sys"))
#: Attributes that lead out of what a function computes: into the interpreter, into its texts.
_ATTRIBUTES = frozenset(
    (
        *("__globals__", "__builtins__", "__code__", "__closure__", "__subclasses__"),
        *("__loader__", "__spec__", "f_globals", "f_locals", "f_back", "gi_frame", "tb_frame"),
        *("__doc__", "__annotations__", "__annotate__"),
    )
)


def is_dynamic(module: str) -> bool:
    """Whether code that has a module as a whole may reach anything by it."""
    return module in _WHOLE


def attributes(names: Iterable[str]) -> list[str]:
    """Which of the names in some code lead to what is not followed.

    >>> attributes(["__globals__", "weight"])
    ['__globals__']
    """
    return sorted(_ATTRIBUTES.intersection(names))


def reason(module: str, name: str) -> str:
    """Why something of a module cannot be followed; empty where it can.

    >>> reason("os", "getenv"), reason("math", "sqrt")
    ('reads what is outside the study', '')
    """
    named = _NAMES.get(f"{module}.{name}") or _NAMES.get(module)
    return named or _MODULES.get(module.partition(".")[0], "")
