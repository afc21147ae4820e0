"""What `name?` and `name??` tell of an object."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

_MOST_CHARACTERS = 200  # of an object's text


def explain(value: object, with_source: bool) -> str:
    """Answer what is known of `value`; if asked, its source in place of its documentation."""
    parts: dict[str, str] = {}
    if callable(value):
        parts["Signature"] = getattr(value, "__name__", "") + _text(inspect.signature, value)
    else:
        parts["String form"] = _text(repr, value)[:_MOST_CHARACTERS]
        parts["Length"] = _text(len, value)
    parts["Source"] = _text(inspect.getsource, value) if with_source else ""
    if not parts["Source"]:
        parts["Docstring"] = _text(inspect.getdoc, value)
    parts["File"] = _text(inspect.getfile, value)
    parts["Type"] = type(value).__name__
    return "\n".join(
        f"{name}:{_NEW_LINE if _NEW_LINE in text else ' '}{text}"
        for name, text in parts.items()
        if text
    )


_NEW_LINE = "\n"


def _text(ask: Callable[[Any], object], value: object) -> str:
    """Answer what `ask` says of `value`; nothing where that is not known."""
    try:
        answer = ask(value)
    except Exception:
        return ""
    return "" if answer is None else str(answer).rstrip()
