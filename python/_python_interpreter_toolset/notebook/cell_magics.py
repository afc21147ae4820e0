"""What each cell magic does, with the text of its cell or around the code of its cell."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager

from .capture import STDERR, STDOUT, Capture
from .timing import Timing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .magics import Magics


def _bash(magics: Magics, argument: str, text: str) -> None:
    """%%bash runs the lines below it as one bash script."""
    magics.commands.script("bash", argument, text)


def _sh(magics: Magics, argument: str, text: str) -> None:
    """%%sh runs the lines below it as one script of the shell sh."""
    magics.commands.script("sh", argument, text)


def _writefile(magics: Magics, argument: str, text: str) -> None:
    """%%writefile FILE writes the lines below it to a file; with -a, it appends them."""
    words = shlex.split(argument)
    append = words[:1] in (["-a"], ["--append"])
    if len(words) == append:
        raise ValueError("%%writefile needs the path of a file")
    path = os.path.expanduser(" ".join(words[append:]))
    done = "Appending to" if append else "Overwriting" if os.path.exists(path) else "Writing"
    with open(path, "a" if append else "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{done} {path}")


def _capture(magics: Magics, argument: str) -> Capture:
    """%%capture NAME keeps what the lines below it print, in NAME.stdout and NAME.stderr."""
    words = argument.split()
    options = {STDOUT: "--no-stdout", STDERR: "--no-stderr"}
    descriptors = [stream for stream, option in options.items() if option not in words]
    capture = Capture(magics.output, descriptors, magics.show_figures)
    for name in words:
        if not name.startswith("-"):
            magics.namespace[name] = capture.captured
    return capture


def _time(magics: Magics, argument: str) -> Timing:
    """%%time prints how long the lines below it take."""
    if argument:
        raise ValueError("%%time times the lines below it; %time times its own line")
    return Timing()


TEXT_MAGICS: dict[str, Callable[[Magics, str, str], None]] = {
    "%%bash": _bash,
    "%%sh": _sh,
    "%%writefile": _writefile,
}
AROUND_MAGICS: dict[str, Callable[[Magics, str], AbstractContextManager[object]]] = {
    "%%capture": _capture,
    "%%time": _time,
}
