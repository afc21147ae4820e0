"""What `input()` and `getpass.getpass()` do here: ask whoever can be asked, through Node."""

from __future__ import annotations

import builtins
import os
import sys
import threading
from types import ModuleType

from .asking import Asking
from .import_hooks import after_import


class InputError(EOFError):
    """There is no answer: nobody can be asked, or whoever was asked refused."""

    __module__ = "builtins"  # a traceback shows the name only, not where the worker keeps it

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Be pickled as an EOFError: other processes do not have this class."""
        return EOFError, self.args


class Questions:
    """Asks in the middle of a run, and waits for the answer."""

    def __init__(self, asking: Asking) -> None:
        """Nobody can be asked until `begin`."""
        self._asking = asking
        self._asker: tuple[int, int] | None = None

    def install(self) -> None:
        """Put our functions in the places of those that read from a terminal."""
        builtins.input = self._input
        after_import("getpass", self._take_over_getpass)

    def begin(self, can_ask: bool) -> None:
        """Let the main thread ask while a run runs, if there is somebody who `can_ask`."""
        self._asker = (os.getpid(), threading.get_ident()) if can_ask else None

    def end(self) -> None:
        """Have nobody to ask between runs."""
        self._asker = None

    def _input(self, prompt: object = "", /) -> str:
        """Answer a line that was asked for with `prompt`."""
        answer = self._ask("input", str(prompt), False)
        sys.stdout.write(f"{answer}\n")
        return answer

    def _take_over_getpass(self, getpass: ModuleType) -> None:
        def ask(prompt: str = "Password: ", stream: object = None, **options: object) -> str:
            answer = self._ask("getpass", str(prompt), True)
            sys.stdout.write("\n")
            return answer

        ask.__doc__ = getpass.getpass.__doc__
        getpass.getpass = ask  # type: ignore[attr-defined]

    def _ask(self, function: str, prompt: str, password: bool) -> str:
        self._require_asker(function)
        sys.stdout.write(prompt)
        sys.stdout.flush()
        try:
            answer = self._asking.ask({"type": "input", "prompt": prompt, "password": password})
        except BaseException as error:
            raise error.with_traceback(None) from None  # where it was waited is of no use
        message = answer.message
        if message["error"] is not None:
            raise InputError(message["error"])
        return str(message["text"])

    def _require_asker(self, function: str) -> None:
        if self._asker == (os.getpid(), threading.get_ident()):
            return
        why = "nobody can be asked while this code runs"
        if self._asker is not None:
            why = "only the main thread of the session's own process can ask"
        instead = "Put the value into the code" if function == "input" else _SECRET_INSTEAD
        raise InputError(f"{function}() is not available: {why}. {instead} instead.")


_SECRET_INSTEAD = "Pass the secret as an environment variable"
