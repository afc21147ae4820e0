"""`%run`: a Python file as a program of its own, whose variables then are the session's."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any


def run_script(path: str, arguments: list[str], namespace: dict[str, Any], shared: bool) -> None:
    """Run the file `path` as `__main__`, then take its variables over into `namespace`.

    Where `shared`, it is run in `namespace` itself.
    """
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    main, argv, search_path = sys.modules["__main__"], sys.argv, sys.path[:]
    module = main if shared else ModuleType("__main__")
    variables = namespace if shared else vars(module)
    variables["__file__"] = path
    sys.modules["__main__"] = module
    sys.argv = [path, *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        exec(code, variables)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = main, argv, search_path
        if shared:
            del variables["__file__"]
        else:
            # Its functions go on to use the variables that they have.
            namespace.update({k: v for k, v in variables.items() if not k.startswith("__")})
