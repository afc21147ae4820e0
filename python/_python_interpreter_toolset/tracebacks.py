"""Turning an exception of user code into what a result says about it."""

from __future__ import annotations

import os
import traceback

from .protocol import Message

# Within a path: `plot_data` has frames that are filed under matplotlib.
_OWN = f"{os.sep}_python_interpreter_toolset{os.sep}"
_USER_FILES = ("<run ", "<init_code>")
_MAX_LINES = 200
_MAX_LENGTH = 100_000


def describe(error: BaseException) -> Message:
    """Answer `{name, value, traceback}`; the traceback shows none of the worker's frames."""
    return {
        "name": _class_name(error),
        "value": _cut(_text_of(error)),
        "traceback": _cut("\n".join(_fewer_lines(_format(error).splitlines()))),
    }


def _format(error: BaseException) -> str:
    try:
        summary = traceback.TracebackException.from_exception(error)
        _drop_own_frames(summary, set())
        if summary.stack:
            return "".join(summary.format())
        return "".join(_without_empty_header(summary))
    except BaseException as trouble:  # an exception can be made so that showing it fails
        return f"{_class_name(error)} (it could not be shown: {_class_name(trouble)})"


def _without_empty_header(summary: traceback.TracebackException) -> list[str]:
    lines = list(summary.format())
    header = "Traceback (most recent call last):\n"
    # The last one is that of the error itself; those before belong to its causes.
    for index in range(len(lines) - 1, -1, -1):
        if lines[index] == header:
            return lines[:index] + lines[index + 1 :]
    return lines


def _drop_own_frames(summary: traceback.TracebackException, seen: set[int]) -> None:
    if id(summary) in seen:
        return
    seen.add(id(summary))
    frames = [frame for frame in summary.stack if _OWN not in frame.filename]
    # What stands before the first line of user code is how it was called: asyncio, for an await.
    users = (i for i, frame in enumerate(frames) if frame.filename.startswith(_USER_FILES))
    summary.stack[:] = frames[next(users, 0) :]
    related = [
        summary.__cause__,
        summary.__context__,
        *(getattr(summary, "exceptions", None) or ()),
    ]
    for other in related:
        if other is not None:
            _drop_own_frames(other, seen)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as trouble:
        return f"<its __str__ failed with {_class_name(trouble)}>"


def _class_name(error: BaseException) -> str:
    # By type's own descriptor, which a metaclass cannot replace.
    name: str = type.__dict__["__name__"].__get__(type(error))
    return name


def _fewer_lines(lines: list[str]) -> list[str]:
    half = _MAX_LINES // 2
    if len(lines) <= _MAX_LINES:
        return lines
    left_out = f"  [... {len(lines) - _MAX_LINES} lines left out ...]"
    return [*lines[:half], left_out, *lines[-half:]]


def _cut(text: str) -> str:
    half = _MAX_LENGTH // 2
    if len(text) <= _MAX_LENGTH:
        return text
    return f"{text[:half]}\n[... {len(text) - _MAX_LENGTH} characters left out ...]\n{text[-half:]}"
