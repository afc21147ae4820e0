"""What a message exchanges beside code: values that go in before it, and others that come out."""

from __future__ import annotations

from keyword import iskeyword
from typing import Any

from .protocol import MalformedMessage, Message, field
from .values import to_json, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .values_to_js import Frames

_FORMS = ("json", "columns", "arrow")


class Exchange:
    """The values of one message, and of the reply to it."""

    def __init__(self, message: Message, frames: list[Any]) -> None:
        """Take a `run` or a `variables`, and the frames behind it; raises MalformedMessage."""
        self._inputs = frames
        self._result: str | None = None
        self._names: list[str] | None = None
        self._is_asked = message["type"] == "variables"
        if self._is_asked:
            self._names = field(message, "names", list, type(None))
        else:
            self._result = field(message, "result_var_name", str, type(None))
        self._form = message.get("value_form", "json")
        if self._form not in _FORMS:
            raise MalformedMessage(f"value_form must be one of {', '.join(_FORMS)}")
        self._frames: Frames | None = None

    @property
    def frames(self) -> list[bytes | memoryview]:
        """The binary frames of the reply."""
        return self._frames.all() if self._frames else []

    def set_inputs(self, namespace: dict[str, Any]) -> None:
        """Set all variables that the message brings values for, or none.

        Raises NameError for a name that code cannot use, and ValueNotExpressible.
        """
        if not self._inputs:
            return
        from .values_from_js import decode_values

        json, *frames = self._inputs
        values = decode_values(bytes(json), frames)
        for name in values:
            if not name.isidentifier() or iskeyword(name):
                raise NameError(f"{name!r} cannot be the name of a variable")
        namespace.update(values)
        self._inputs = []

    def answer(self, namespace: dict[str, Any]) -> Message:
        """Answer what the reply says of the values asked for; raises NameError and what they do."""
        if self._is_asked and self._names is None:
            from .variables import describe_variables

            return {"value": describe_variables(namespace)}
        if self._is_asked:
            names = self._names or []
            _require(names, namespace)
            return {"value": [self._convert(name, namespace[name]) for name in names]}
        if self._result is None:
            return {}
        _require([self._result], namespace)
        value = namespace[self._result]
        return {"value": self._convert(self._result, value), "value_type": type_name(value)}

    def _convert(self, name: str, value: object) -> object:
        if self._form == "json":
            return to_json(value, name)
        from .values_to_js import Frames, ToJs

        self._frames = self._frames or Frames()
        return ToJs(name, self._frames, self._form == "arrow").convert(value)


def _require(names: list[str], namespace: dict[str, Any]) -> None:
    missing = [repr(name) for name in names if name not in namespace]
    if len(missing) == 1:
        raise NameError(f"name {missing[0]} is not defined")
    if missing:
        raise NameError(f"names {', '.join(missing)} are not defined")
