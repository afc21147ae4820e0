"""What `input()` and `getpass.getpass()` do here: ask whoever can be asked, through Node."""

from __future__ import annotations

import builtins
import os
import sys
import threading
from itertools import count
from types import ModuleType

from .channel import Channel
from .import_hooks import after_import
from .protocol import Message, decode_message

# A signal that comes just before the wait for a message does not end that; it is seen then.
_LOOK_MILLISECONDS = 200


class InputError(EOFError):
    """There is no answer: nobody can be asked, or whoever was asked refused."""

    __module__ = "builtins"  # a traceback shows the name only, not where the worker keeps it

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Be pickled as an EOFError: other processes do not have this class."""
        return EOFError, self.args


class Questions:
    """Asks in the middle of a run, and waits for the answer."""

    def __init__(self, channel: Channel) -> None:
        """Nobody can be asked until `begin`."""
        self._channel = channel
        self._run = 0
        self._asker: tuple[int, int] | None = None
        self._numbers = count(1)

    def install(self) -> None:
        """Put our functions in the places of those that read from a terminal."""
        builtins.input = self._input
        after_import("getpass", self._take_over_getpass)

    def begin(self, run: int, can_ask: bool) -> None:
        """Let the main thread ask while `run` runs, if there is somebody who `can_ask`."""
        self._run = run
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
        number = next(self._numbers)
        question = {"run": self._run, "number": number, "prompt": prompt, "password": password}
        self._channel.send({"type": "input", **question})
        try:
            answer = self._wait_for(number)
        except BaseException as error:
            raise error.with_traceback(None) from None  # where it was waited is of no use
        if answer["error"] is not None:
            raise InputError(answer["error"])
        return str(answer["text"])

    def _wait_for(self, number: int) -> Message:
        while True:
            frames = self._channel.receive(_LOOK_MILLISECONDS)
            if frames is None:
                continue
            answer = decode_message(frames)
            # That to a question whose wait was interrupted may come only now.
            if answer["type"] == "answer" and answer["number"] == number:
                return answer

    def _require_asker(self, function: str) -> None:
        if self._asker == (os.getpid(), threading.get_ident()):
            return
        why = "nobody can be asked while this code runs"
        if self._asker is not None:
            why = "only the main thread of the session's own process can ask"
        instead = "Put the value into the code" if function == "input" else _SECRET_INSTEAD
        raise InputError(f"{function}() is not available: {why}. {instead} instead.")


_SECRET_INSTEAD = "Pass the secret as an environment variable"
