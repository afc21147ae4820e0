"""Who has raised an exception: code, by a statement, or what the code has used."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from types import FrameType

_RAISE = dis.opmap["RAISE_VARARGS"]
# Modules of these raise on behalf of what was asked of them.
_LIBRARIES = ("importlib", "pandas", "polars", "numpy", "_python_interpreter_toolset")


def frames_of(error: BaseException) -> Iterator[FrameType]:
    """Answer the frames that the exception has left, the outermost first."""
    entry = error.__traceback__
    while entry is not None:
        yield entry.tb_frame
        entry = entry.tb_next


def is_in(frame: FrameType, library: str) -> bool:
    """Answer whether the code of a frame is a library's own."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] == library


def is_raised_by_code(error: BaseException) -> bool:
    """Answer whether a `raise` has made the exception, other than in a library that is known."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    if entry is None:
        return True
    frame = entry.tb_frame
    if frame.f_code.co_code[entry.tb_lasti : entry.tb_lasti + 1] != bytes([_RAISE]):
        return False
    return not any(is_in(frame, library) for library in _LIBRARIES)


def loaded(module: str, name: str) -> type | None:
    """Answer a class of a library, if that has been imported."""
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None
