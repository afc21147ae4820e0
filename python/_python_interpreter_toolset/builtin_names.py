"""Keeping the worker, and later runs, working whatever user code does to the module `builtins`."""

from __future__ import annotations

import builtins

_namespace = vars(builtins)
_is_callable = callable


class BuiltinNames:
    """Lends the builtins to user code with the changes it has made, and takes them back whole."""

    def __init__(self) -> None:
        """Remember the builtins as they are now."""
        self._own = {name: value for name, value in _namespace.items() if name != "_"}
        self._changes: dict[str, object] = {}

    def give(self) -> None:
        """Make the changes of earlier runs again."""
        _namespace.update(self._changes)

    def take_back(self) -> None:
        """Put back what user code has replaced or deleted; what it has added stays.

        One function for another is a change that later runs see. What cannot be called would break
        them all, and is mended for good.
        """
        changes = {
            name: _namespace.get(name)
            for name, value in self._own.items()
            if _namespace.get(name) is not value
        }
        if changes or self._changes:
            _namespace.update({name: self._own[name] for name in changes})
            self._changes = {n: value for n, value in changes.items() if _is_callable(value)}
