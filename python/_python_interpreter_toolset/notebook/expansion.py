"""`{expression}` and `$name` in shell commands and arguments of magics, as in IPython.

Other than there, `{expression:format}` works, and `$name` stays where there is no such variable,
without keeping what stands beside it from being replaced.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from types import FrameType
from typing import Any

# Not inside of single quotes, where a shell leaves it alone too.
_DOLLAR = re.compile(r"\$(\$?)([^\W\d]\w*(?:\.[^\W\d]\w*)*)(?=(?:[^']*'[^']*')*[^']*\Z)")


def expand(text: str, frame: FrameType) -> str:
    """Answer `text` with the values that its expressions have in `frame`.

    `$$name` is `$name`. Where an expression fails, all of the text stays as it is: its braces and
    dollars are the shell's.
    """
    if "{" not in text and "$" not in text:
        return text
    try:
        return _Formatter(frame).vformat(text, (), {})
    except Exception:
        return text


class _Formatter(string.Formatter):
    def __init__(self, frame: FrameType) -> None:
        self._frame = frame

    def parse(self, format_string: Any) -> Any:
        for literal, field, spec, conversion in super().parse(format_string):
            yield _DOLLAR.sub(self._dollar, literal), field, spec, conversion

    def get_field(self, field_name: str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        return self._value(field_name), None

    def _value(self, expression: str) -> Any:
        return eval(expression, self._frame.f_globals, self._frame.f_locals)

    def _dollar(self, match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return f"${name}"
        try:
            return str(self._value(name))
        except (NameError, AttributeError):
            return match[0]
