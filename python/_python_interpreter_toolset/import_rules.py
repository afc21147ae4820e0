"""Which modules the code of runs may import: a guide for models, around which code can get."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, Sequence
from typing import Any


class ImportRules:
    """Refuses `import` statements of user code; what it may import may import what it needs.

    A finder would not do: it is not asked for what has been imported already, as the modules of a
    template are, and is not told who imports.
    """

    def __init__(self, namespace: dict[str, Any], rules: dict[str, Any]) -> None:
        """Rule over code whose globals are `namespace`.

        `rules` has the top-level modules to `deny`, those that it does `allow` beside the standard
        library (None: all), and a `hint`: a sentence that says so.
        """
        self._namespace = namespace
        self._deny = frozenset(rules["deny"])
        self._allow = None if rules["allow"] is None else frozenset([*rules["allow"], "__main__"])
        self._hint: str = rules["hint"]
        self._is_in_force = False
        self._own_import = builtins.__import__

    def install(self) -> None:
        """Have all imports asked for here; none is refused yet."""
        builtins.__import__ = self._import

    def put_in_force(self) -> None:
        """Refuse from now on."""
        self._is_in_force = True

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # as those of the builtin are called
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if globals is self._namespace and self._is_in_force and type(name) is str:
            self._require_allowed(name.partition(".")[0])
        return self._own_import(name, globals, locals, fromlist, level)

    def _require_allowed(self, module: str) -> None:
        if module in self._deny or not (
            self._allow is None or module in self._allow or is_standard(module)
        ):
            raise ImportError(f"The module {module} is not allowed here. {self._hint}", name=module)


def is_standard(module: str) -> bool:
    """Answer whether a top-level module is one of the standard library."""
    names = getattr(sys, "stdlib_module_names", None)
    return module in names if names is not None else _is_where_the_standard_library_is(module)


def _is_where_the_standard_library_is(module: str) -> bool:
    """Answer it for Python 3.9, which does not list its modules."""
    if module in sys.builtin_module_names:
        return True
    import os
    import sysconfig
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec(module)
    folders = {sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")}
    origin = (spec and spec.origin) or ""
    return origin.startswith(tuple(folders)) and "-packages" + os.sep not in origin
