"""`%%capture`: what code prints, shows and displays goes into a variable."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from typing import IO, Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..output import Output

STDOUT, STDERR = 1, 2


class Captured:
    """What code has written, as `stdout` and `stderr`, and what it has shown, as `outputs`."""

    __module__ = "builtins"  # a result shows its name, not where the worker keeps it

    def __init__(self, output: Output) -> None:
        """Have nothing yet; `output` is where `show` shows it."""
        self.stdout = ""
        self.stderr = ""
        self.outputs: list[dict[str, Any]] = []
        self._output = output

    def show(self) -> None:
        """Write and show it all."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        for output in self.outputs:
            self._output.publish(output)

    __call__ = show

    def __str__(self) -> str:
        """Answer what was written to the standard output."""
        return self.stdout


class Capture:
    """Captures what is written in its context, by Python, by C code or by commands, and shown.

    What is written goes to files meanwhile, which take the place of the file descriptors.
    """

    def __init__(self, output: Output, descriptors: list[int], show_figures: Callable[[], None]):
        """Capture these of the descriptors 1 and 2; `show_figures` shows what is still open."""
        self.captured = Captured(output)
        self._output = output
        self._descriptors = descriptors
        self._show_figures = show_figures
        self._taken: list[tuple[int, int, IO[bytes]]] = []

    def __enter__(self) -> None:
        """Start."""
        _flush()
        for descriptor in self._descriptors:
            file = tempfile.TemporaryFile()
            self._taken.append((descriptor, os.dup(descriptor), file))
            os.dup2(file.fileno(), descriptor)
        self._output.diverted = self.captured.outputs

    def __exit__(self, *error: object) -> None:
        """Put the descriptors back, and keep what was written."""
        self._show_figures()
        self._output.diverted = None
        _flush()
        for descriptor, before, file in self._taken:
            os.dup2(before, descriptor)
            os.close(before)
            file.seek(0)
            text = file.read().decode(errors="backslashreplace")
            file.close()
            if descriptor == STDOUT:
                self.captured.stdout = text
            else:
                self.captured.stderr = text


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
