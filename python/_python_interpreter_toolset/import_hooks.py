"""Running a function once a certain module has been imported, without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Hook = Callable[[ModuleType], None]


class _Finder(MetaPathFinder):
    """Finds what the other finders find, and has the hook run after the module's own code."""

    def __init__(self) -> None:
        self.hooks: dict[str, Hook] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        hook = self.hooks.get(fullname)
        if hook is None:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                _run_after(spec, hook)
                return spec
        return None


_finder = _Finder()


def after_import(name: str, hook: Hook) -> None:
    """Call `hook(module)` when module `name` is imported; at once if it has been."""
    module = sys.modules.get(name)
    if module is not None:
        hook(module)
        return
    _finder.hooks[name] = hook
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def _run_after(spec: ModuleSpec, hook: Hook) -> None:
    loader = spec.loader
    if loader is None or not hasattr(loader, "exec_module"):
        return
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        hook(module)

    # On the instance: the loader stays what it is for everybody who looks at it.
    loader.exec_module = exec_module  # type: ignore[method-assign]
