"""The host's tools as Python functions, that call them through Node."""

from __future__ import annotations

import builtins
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from .asking import Answer, Asking, RunHasEnded
from .protocol import Message
from .values import to_json

_ANNOTATIONS = {name: getattr(typing, name) for name in ("Any", "Literal", "Optional", "Union")}


class HostToolError(RuntimeError):
    """A tool of the host did not answer a value; the message says which, and why."""

    __module__ = "builtins"  # a traceback shows the name only, not where the worker keeps it

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Be pickled as a RuntimeError: other processes do not have this class."""
        return RuntimeError, self.args


class HostTools:
    """Functions by the names of the tools, among the builtins."""

    def __init__(self, asking: Asking, tools: list[dict[str, Any]]) -> None:
        """Take what ``src/host-tools/python-function.ts`` says of each tool."""
        self._asking = asking
        self._tools = tools

    def install(self) -> None:
        """Let code call them."""
        vars(builtins)["HostToolError"] = HostToolError
        for tool in self._tools:
            vars(builtins)[tool["name"]] = _HostTool(self._asking, tool).function()


class _HostTool:
    def __init__(self, asking: Asking, tool: dict[str, Any]) -> None:
        self._asking = asking
        self._name: str = tool["name"]
        self._renamed: dict[str, str] = tool["renamed"]
        self._nullable: list[str] = tool["nullable"]
        names = dict(_ANNOTATIONS)
        # Not with this module's own annotations, which are texts.
        exec(compile(tool["source"], f"<{self._name}>", "exec", dont_inherit=True), names)
        self._declared: Callable[..., Any] = names[self._name]
        self._signature = inspect.signature(self._declared)

    def function(self) -> Callable[..., Any]:
        """Answer the function, whose attribute `aio` is the same as a coroutine function."""

        @functools.wraps(self._declared)
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._value(self._ask(self._message(args, kwargs)))

        @functools.wraps(self._declared)
        async def aio(*args: Any, **kwargs: Any) -> Any:
            return self._value(await self._ask_async(self._message(args, kwargs)))

        aio.__qualname__ = f"{self._name}.aio"
        call.aio = aio  # type: ignore[attr-defined]
        return call

    def _message(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Message:
        arguments = to_json(self._arguments(args, kwargs), f"{self._name}()")
        return {"type": "call", "tool": self._name, "arguments": arguments}

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Answer the arguments that were given by the names that the tool has for them.

        None for one that can be left out stands for leaving it out, unless the tool knows it.
        """
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            shape = f"{self._name}{self._signature}"
            raise TypeError(f"{self._name}() {error}; it is {shape}") from None
        arguments: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            parameter = self._signature.parameters[name]
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                arguments.update(value)
            elif (
                value is not None
                or name in self._nullable
                or parameter.default is inspect.Parameter.empty
            ):
                arguments[self._renamed.get(name, name)] = value
        return arguments

    def _ask(self, message: Message) -> Answer:
        try:
            return self._asking.ask(message, cancel="cancel")
        except RunHasEnded:
            raise self._no_answer() from None

    async def _ask_async(self, message: Message) -> Answer:
        try:
            return await self._asking.ask_async(message, cancel="cancel")
        except RunHasEnded:
            raise self._no_answer() from None

    def _no_answer(self) -> HostToolError:
        why = "only the session's own process can call it, and only while a run goes on"
        return HostToolError(f"{self._name}() was not answered: {why}")

    def _value(self, answer: Answer) -> Any:
        error = answer.message["error"]
        if error is not None:
            raise HostToolError(f"{self._name}(): {error}")
        from .values_from_js import decode_values

        json, *frames = answer.frames
        return decode_values(bytes(json), frames)["answer"]
