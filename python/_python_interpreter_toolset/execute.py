"""Executing one run: its code, the value asked for, its figures, and what came of it."""

from __future__ import annotations

import builtins
import os
import sys
import time
from types import CodeType, ModuleType
from typing import Any

from . import interrupts, main_module
from .cell import Compiler, is_coroutine
from .event_loop import EventLoop
from .figures import Figures
from .output import Output
from .processes import survivors
from .protocol import Message
from .sources import Sources
from .tracebacks import describe
from .values import to_json, type_name

_SURVIVOR_SECONDS = 0.25  # what an interrupted child process gets to end by itself
_FORKED_CHILD_FAILED = 1


class Executor:
    """Runs code in one namespace, one run at a time, on the main thread."""

    def __init__(self, main: ModuleType, output: Output, figures: Figures | None) -> None:
        """Run in the namespace of `main`; without `figures`, none are captured."""
        self._main = main
        self._namespace = vars(main)
        self._output = output
        self._figures = figures
        self._compiler = Compiler()
        self._loop = EventLoop()
        self._loop.install()
        self._sources = Sources()
        self._sources.install()
        self._last_value: object = None
        sys.displayhook = self._displayhook
        interrupts.disarm()

    def run(self, run: int, code: str, echo: str, result_var_name: str | None) -> Message:
        """Run `code` as run number `run`; answer the reply, whatever the code did.

        The reply has `completed` (the code ran to its end), `error` (or null), `value` and
        `value_type` where `result_var_name` asked for one, `notices`, `survivors` (processes that
        an interrupt did not end) and `pipes` (new output pipes, or null).
        """
        reply: Message = {"type": "reply", "run": run, "completed": False, "error": None}
        started_at = time.perf_counter()
        self._output.begin(run)
        try:
            try:
                interrupts.arm()
                self._run_armed(run, code, echo, result_var_name, reply)
            finally:
                interrupts.disarm()
        except BaseException as error:
            interrupts.disarm()  # if the interrupt came just when that was being done
            self._leave_if_forked(error)
            self._conclude(error, reply)
        self._leave_if_forked(None)
        self._last_value = None
        reply["seconds"] = time.perf_counter() - started_at
        reply["notices"] = list(self._figures.troubles) if self._figures else []
        reply["pipes"] = self._output.end()
        return reply

    def _run_armed(
        self, run: int, code: str, echo: str, result_var_name: str | None, reply: Message
    ) -> None:
        main_module.refresh(self._main)
        self._loop.begin()
        if self._figures:
            self._figures.begin()
        try:
            self._execute(code, f"<run {run}>" if run else "<init_code>", echo)
            reply["completed"] = True
            if result_var_name is not None:
                reply["value"], reply["value_type"] = self._value_of(result_var_name)
        except KeyboardInterrupt:
            raise
        except BaseException:
            self._leave_if_forked(sys.exc_info()[1])
            self._capture_figures()
            raise
        self._leave_if_forked(None)
        self._capture_figures()

    def _execute(self, code: str, filename: str, echo: str) -> None:
        self._sources.add(filename, code)
        for piece in self._compiler.compile(code, filename, echo):
            self._last_value = None
            self._evaluate(piece)

    def _evaluate(self, piece: CodeType) -> None:
        if is_coroutine(piece):
            self._loop.run(eval(piece, self._namespace))
        else:
            exec(piece, self._namespace)

    def _displayhook(self, value: object) -> None:
        """Show a value as the Python prompt does, and keep it in `_`."""
        if value is None:
            return
        builtins._ = None  # type: ignore[attr-defined]  # as sys.displayhook: not during repr
        sys.stdout.write(repr(value) + "\n")
        builtins._ = self._last_value = value  # type: ignore[attr-defined]

    def _value_of(self, name: str) -> tuple[object, str]:
        if name not in self._namespace:
            raise NameError(f"name {name!r} is not defined")
        value = self._namespace[name]
        return to_json(value, name), type_name(value)

    def _capture_figures(self) -> None:
        if self._figures:
            self._figures.capture_open(self._last_value)

    def _conclude(self, error: BaseException, reply: Message) -> None:
        """Put into the reply what `error` means for the run."""
        if isinstance(error, SystemExit) and not reply["completed"] and _is_success(error):
            reply["completed"] = True
            return
        reply["error"] = describe(error)
        if isinstance(error, KeyboardInterrupt):
            reply["survivors"] = survivors(_SURVIVOR_SECONDS)
        sys.last_type, sys.last_value = type(error), error
        sys.last_traceback = error.__traceback__

    def _leave_if_forked(self, error: BaseException | None) -> None:
        """End a process that user code made with os.fork() where its code ends."""
        if not self._output.in_forked_child():
            return
        status = 0
        if isinstance(error, SystemExit):
            status = _exit_status(error)
        elif error is not None:
            sys.stderr.write(describe(error)["traceback"] + "\n")
            status = _FORKED_CHILD_FAILED
        sys.stdout.flush()
        os._exit(status)


def _is_success(error: SystemExit) -> bool:
    return error.code is None or (isinstance(error.code, int) and error.code == 0)


def _exit_status(error: SystemExit) -> Any:
    if _is_success(error):
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1
