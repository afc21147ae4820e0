"""The sources of past runs, so that tracebacks and `inspect` can show the lines of `<run N>`."""

from __future__ import annotations

import ast
import contextlib
import linecache
from collections import deque
from types import FunctionType, ModuleType
from typing import Any

from .import_hooks import after_import

_MAX_CHARACTERS = 32_000_000  # of all sources kept together; the oldest go first


class Sources:
    """Keeps the source of each run where Python looks for lines: in `linecache`."""

    def __init__(self) -> None:
        """Start with no source."""
        self._kept: deque[tuple[str, str]] = deque()
        self._characters = 0

    def install(self) -> None:
        """Let `inspect` find the source of classes too; Python finds only that of functions."""
        after_import("inspect", self._teach_inspect)

    def add(self, filename: str, source: str) -> None:
        """Remember `source` under `filename`."""
        lines = [line + "\n" for line in source.split("\n")]
        with contextlib.suppress(Exception):  # user code may have broken linecache
            # Without a modification time, it keeps the entry though there is no such file.
            linecache.cache[filename] = (len(source), None, lines, filename)
        self._kept.append((filename, source))
        self._characters += len(source)
        while self._characters > _MAX_CHARACTERS and len(self._kept) > 1:
            oldest, text = self._kept.popleft()
            self._characters -= len(text)
            with contextlib.suppress(Exception):
                linecache.cache.pop(oldest, None)

    def _teach_inspect(self, inspect: ModuleType) -> None:
        original = inspect.getfile

        def getfile(object: Any) -> str:
            if isinstance(object, type) and object.__module__ == "__main__":
                filename = self._file_of_class(object)
                if filename is not None:
                    return filename
            return str(original(object))

        getfile.__doc__ = original.__doc__
        inspect.getfile = getfile  # type: ignore[attr-defined]

    def _file_of_class(self, cls: type) -> str | None:
        for member in vars(cls).values():
            function = getattr(member, "__func__", getattr(member, "fget", member))
            if isinstance(function, FunctionType) and function.__module__ == "__main__":
                filename = function.__code__.co_filename
                if filename in linecache.cache and function.__qualname__.startswith(
                    cls.__qualname__ + "."
                ):
                    return filename
        for filename, source in reversed(self._kept):
            if f"class {cls.__name__}" in source and _defines_class(source, cls.__name__):
                return filename
        return None


def _defines_class(source: str, name: str) -> bool:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.ClassDef) and node.name == name for node in ast.walk(tree))
