"""The namespace of user code: a real `__main__`, as at the Python prompt."""

from __future__ import annotations

import builtins
import contextlib
import sys
import warnings
from types import ModuleType
from typing import Any, NoReturn

from .import_hooks import after_import

_builtin_names = vars(builtins)


def make_main_module() -> ModuleType:
    """Make an empty `__main__` and put it where pickle, multiprocessing and others look for it."""
    main = ModuleType("__main__")
    vars(main).update(__builtins__=builtins, __annotations__={}, __loader__=None, __spec__=None)
    sys.modules["__main__"] = main
    sys.argv = [""]
    if sys.version_info >= (3, 12):
        # os.fork() warns of threads there, which here are those of ZeroMQ.
        warnings.filterwarnings(
            "ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning
        )
    sys.breakpointhook = _breakpoint
    after_import("pandas", _show_columns)
    after_import("multiprocessing.context", _default_to_fork)
    after_import("multiprocessing.reduction", _explain_spawn)
    return main


def refresh(main: ModuleType) -> None:
    """Mend what a run must not take from the next: the builtins, and warnings shown once."""
    vars(main)["__builtins__"] = builtins
    vars(main).pop("__warningregistry__", None)
    # What other modules have warned of is forgotten by saying that the filters have changed.
    with contextlib.suppress(Exception):
        forget = getattr(warnings, "_filters_mutated", None) or warnings._filters_mutated_lock_held  # type: ignore[attr-defined]
        forget()


def user_variables(namespace: dict[str, Any]) -> dict[str, Any]:
    """Answer what user code has given names to, but for modules and names that begin with "_"."""
    return {
        name: value
        for name, value in list(namespace.items())
        # globals() takes anything as a key; and an instance can pretend to be of another class.
        if type(name) is str
        and name.isidentifier()
        and not name.startswith("_")
        and not issubclass(type(value), ModuleType)
    }


def _breakpoint(*args: object, **kwargs: object) -> NoReturn:
    """Say that nobody is there to debug."""
    raise RuntimeError(
        "breakpoint() is not available: nobody can debug while code runs here. "
        "Print what you want to know instead."
    )


def _show_columns(pandas: ModuleType) -> None:
    """Show wide frames whole, as pandas does in notebooks: it takes us for a narrow terminal."""
    pandas.set_option("display.max_columns", 20)


def _default_to_fork(context: ModuleType) -> None:
    """Make fork the default start method on Linux from Python 3.14 on, as it was before.

    Only a forked child has the functions and classes that runs have defined.
    """
    if sys.platform.startswith("linux") and sys.version_info >= (3, 14):
        default: Any = context._default_context
        default._default_context = context._concrete_contexts["fork"]


def _explain_spawn(reduction: ModuleType) -> None:
    """Refuse to send a spawned child what only this process has; it would die or hang over it."""

    def reducer_override(self: object, obj: Any) -> Any:
        if (
            isinstance(obj, _FUNCTION_OR_CLASS)
            and getattr(obj, "__module__", None) == "__main__"
            and _for_spawned_child()
        ):
            raise reduction.pickle.PicklingError(
                f"{obj.__qualname__} is defined in this session, and a process started with the "
                "'spawn' or 'forkserver' method cannot see it. Write it to a module (a .py file "
                "in the working directory) and import it, or use the 'fork' method."
            )
        return NotImplemented

    reduction.ForkingPickler.reducer_override = reducer_override


def _for_spawned_child() -> bool:
    from multiprocessing import process
    from multiprocessing.context import get_spawning_popen

    popen = get_spawning_popen()
    if popen is not None:
        return bool(popen.method != "fork")
    children: set[Any] = process._children  # type: ignore[attr-defined]
    methods = {getattr(child._popen, "method", "fork") for child in children}
    return bool(methods) and "fork" not in methods


def _function() -> None: ...


_FUNCTION_OR_CLASS = (type(_function), type)
