"""What notebook syntax is when it runs: `notebook_tree` puts calls of these methods into the code.

They do what IPython's do: https://ipython.readthedocs.io/en/stable/interactive/magics.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import FrameType
from typing import Any, TypeVar

from .cell_magics import AROUND_MAGICS, TEXT_MAGICS
from .expansion import expand
from .explanation import explain
from .line_magics import LINE_MAGICS
from .shell import Lines, Shell
from .timing import Clock, Timing, time_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..output import Output

_TIMING_MAGICS = {
    "%time": "%time CODE prints how long it takes, and has its value.",
    "%timeit": "%timeit CODE runs it again and again, and prints the mean time; options: -n, -r.",
    "%%timeit": "%%timeit SETUP times the lines below it as %timeit does.",
}

_Value = TypeVar("_Value")


class Magics:
    """The magics of one session."""

    def __init__(
        self,
        namespace: dict[str, Any],
        notices: list[str],
        output: Output,
        show_figures: Callable[[], None],
    ) -> None:
        """`namespace` is that of the code; `notices` is what the reader of its result is told."""
        self.namespace = namespace
        self.notices = notices
        self.output = output
        self.show_figures = show_figures
        self.commands = Shell(namespace, notices)
        self.directory_before = os.getcwd()

    def around(self, cells: list[tuple[str, str]]) -> AbstractContextManager[object]:
        """Answer the context for code that has these magics, with their arguments, around it."""
        with ExitStack() as stack:
            for mark, argument in cells:
                stack.enter_context(AROUND_MAGICS[mark](self, argument))
            return stack.pop_all()

    def line(self, mark: str, argument: str) -> object:
        """Do what a line magic does; answer its value."""
        return LINE_MAGICS[mark](self, expand(argument.replace("\\\n", " "), _caller()))

    def cell(self, mark: str, argument: str, text: str) -> None:
        """Do what a cell magic does with the text below it."""
        TEXT_MAGICS[mark](self, expand(argument, _caller()), text)

    def shell(self, command: str) -> None:
        """Run a command; its output is that of the run."""
        command = expand(command, _caller())
        self.commands.call(command, f"!{command}")

    def lines(self, command: str) -> Lines:
        """Run a command; answer the lines that it writes."""
        return self.commands.lines(expand(command, _caller()))

    def explain(self, name: str, with_source: bool) -> None:
        """Print what is known of a magic, or of what has this name where the code stands."""
        if name.startswith("%"):
            print(_description(name) or f"{name} is not known.")
            return
        frame = _caller()
        try:
            value = eval(name, frame.f_globals, frame.f_locals)
        except Exception:
            print(f"Object `{name}` not found.")
        else:
            print(explain(value, with_source))

    def clock(self) -> Clock:
        """Answer the present, for `timed`."""
        return Clock.now()

    def timed(self, start: Clock, value: _Value) -> _Value:
        """Print the times since `start`; answer `value`, which was evaluated meanwhile."""
        start.tell()
        return value

    def timing(self) -> Timing:
        """Answer a context that prints its times."""
        return Timing()

    def timeit(self, options: str) -> Callable[[Callable[..., float]], None]:
        """Answer a decorator that times a loop, rather than to keep it."""
        return lambda loop: time_loop(loop, options)


def known_magics() -> list[str]:
    """Answer the names of all magics, those of lines first."""
    names = [*LINE_MAGICS, *TEXT_MAGICS, *AROUND_MAGICS, *_TIMING_MAGICS]
    return sorted(names, key=lambda name: (name.startswith("%%"), name))


def _description(name: str) -> str | None:
    functions = {**LINE_MAGICS, **TEXT_MAGICS, **AROUND_MAGICS}
    return functions[name].__doc__ if name in functions else _TIMING_MAGICS.get(name)


def _caller() -> FrameType:
    """Answer the frame of the code that has called the method of `Magics` that asks."""
    return sys._getframe(2)
