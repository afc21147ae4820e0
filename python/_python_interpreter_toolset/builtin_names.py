"""Keeping the worker's own code working whatever user code does to the module `builtins`."""

from __future__ import annotations

import builtins
from typing import Any

_MISSING = object()


class BuiltinNames:
    """Lends the builtins to user code with the changes it has made, and takes them back whole."""

    def __init__(self) -> None:
        """Remember the builtins as they are now."""
        self._own = dict(vars(builtins))
        self._changes: dict[str, Any] = {}

    def give(self) -> None:
        """Make the changes of earlier runs again."""
        for name, value in self._changes.items():
            if value is _MISSING:
                vars(builtins).pop(name, None)
            else:
                vars(builtins)[name] = value

    def take_back(self) -> None:
        """Put back what user code has replaced or deleted; what it has added stays."""
        now = vars(builtins)
        changes = {
            name: now.get(name, _MISSING)
            for name, value in self._own.items()
            if name != "_" and now.get(name, _MISSING) is not value
        }
        if changes or self._changes:
            self._changes = changes
            now.update({name: self._own[name] for name in changes})
