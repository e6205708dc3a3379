"""What makes code reach things that its source does not name."""

#: Reads of a run's surroundings, and calls of code that is put together at run time.
_NAMES = {
    **dict.fromkeys(
        (
            *("builtins.exec", "builtins.eval", "builtins.compile", "builtins.__import__"),
            *("importlib.import_module", "importlib.reload", "importlib.__import__"),
            *("importlib.util.spec_from_file_location", "importlib.util.module_from_spec"),
            *("builtins.globals", "sys.modules", "runpy.run_path", "runpy.run_module"),
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
        ("socket", "urllib", "urllib3", "requests", "http", "httpx", "aiohttp", "ftplib"),
        "reads from the network",
    ),
}


def reason(module: str, name: str) -> str:
    """Why something of a module cannot be followed; empty where it can.

    >>> reason("os", "getenv"), reason("math", "sqrt")
    ('reads what is outside the study', '')
    """
    return _NAMES.get(f"{module}.{name}") or _MODULES.get(module.partition(".")[0], "")
