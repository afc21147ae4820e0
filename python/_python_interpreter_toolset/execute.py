"""Executing one run: its code, the value asked for, its figures, and what came of it."""

from __future__ import annotations

import builtins
import sys
from contextvars import Context, copy_context
from itertools import groupby
from os import _exit
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from . import interrupts, main_module
from .builtin_names import BuiltinNames
from .cell import Compiler, is_coroutine, starts_a_loop
from .event_loop import EventLoop
from .figures.figures import Figures

# Not when it is needed: then files of the workdir could be in the way, or too many be open.
from .hints.hint import hint_for
from .output import Output
from .processes import descendants, survivors
from .protocol import Message
from .rich import display
from .sources import Sources
from .tracebacks import describe
from .usage import Meter

if TYPE_CHECKING:
    from .exchange import Exchange
    from .limits import Limits
    from .notebook.magics import Magics

_SURVIVOR_SECONDS = 0.1  # what an interrupted child process gets to end by itself
_FORKED_CHILD_FAILED = 1


class Executor:
    """Runs code in one namespace, one run at a time, on the main thread."""

    def __init__(
        self,
        main: ModuleType,
        output: Output,
    ) -> None:
        """Run in the namespace of `main`."""
        self._limits: Limits | None = None
        self._main = main
        self._namespace = vars(main)
        self._output = output
        self._figures: Figures | None = None
        self._compiler = Compiler()
        self._loop = EventLoop()
        self._loop.install()
        self._sources = Sources()
        self._sources.install()
        self._last_value: object = None
        self._magics: Magics | None = None
        self._notices: list[str] = []
        self._processes_before: set[int] = set()
        self.meter = Meter()
        display.install(output)
        self._builtins = BuiltinNames()
        sys.displayhook = self._displayhook
        interrupts.disarm()

    def start(self, figures: Figures | None, limits: Limits | None) -> None:
        """Hold all that follows to `limits`, and capture figures by `figures`, if there are any.

        To be called when the builtins are as user code is to find them.
        """
        self._figures = figures
        self._limits = limits
        display.show_figures(figures)
        self._builtins = BuiltinNames()

    def renew(self) -> Message:
        """Get ready in a forked copy that goes on by itself; answer the reply to an empty run."""
        self._loop.renew()
        return self.run(0, "", "none", None)

    def variables(self) -> list[str]:
        """Answer the names that user code has given to things other than modules."""
        return list(main_module.user_variables(self._namespace))

    def run(self, run: int, code: str, echo: str, exchange: Exchange | None) -> Message:
        """Run `code` as run number `run`; answer the reply, whatever the code did.

        `exchange` sets variables before the code, and answers values after it. The reply has
        `completed` (the code ran to its end), `error` (or null), `hint` (what would mend it, if
        that is known), `notices`, `interrupted`,
        `survivors` (processes that an interrupt did not end), `limit` (one that it has gone over,
        if any is known), `usage` (as Meter.stop answers it), `pipes` (the number of the new output
        pipes, or null), and what `exchange` answers.
        """
        reply: Message = {"type": "reply", "run": run, "completed": False, "error": None}
        self._output.begin(run)
        self._notices.clear()
        self._processes_before = descendants()
        self.meter.start()
        try:
            try:
                self._builtins.give()
                interrupts.arm()
                if self._limits:
                    self._limits.begin()
                self._output.mark_start()  # from now on an interrupt is not lost
                self._run_armed(run, code, echo, exchange, reply)
            finally:
                self._builtins.take_back()
                self._disarm()
        except BaseException as error:
            # Again, for an interrupt may have come just when that was being done.
            self._builtins.take_back()
            self._disarm()
            self._leave_if_forked(error)
            self._conclude(error, reply)
        self._leave_if_forked(None)
        reply["usage"] = self.meter.stop()
        if self._limits and "limit" not in reply:
            self._tell_limit(None, reply)
        self._last_value = None
        reply["interrupted"] = interrupts.happened()
        if reply["interrupted"]:
            reply["survivors"] = survivors(_SURVIVOR_SECONDS, self._processes_before)
        troubles = self._figures.troubles if self._figures else ()
        reply["notices"] = [*troubles, *display.take_troubles(), *self._notices]
        reply["pipes"] = self._output.end()
        return reply

    def _disarm(self) -> None:
        interrupts.disarm()
        if self._limits:
            self._limits.end()

    def _tell_limit(self, error: BaseException | None, reply: Message) -> None:
        limit = self._limits.exceeded(error) if self._limits else None
        if limit is not None:
            reply["limit"] = limit

    def _run_armed(
        self, run: int, code: str, echo: str, exchange: Exchange | None, reply: Message
    ) -> None:
        main_module.refresh(self._main)
        self._loop.begin()
        if self._figures:
            self._figures.begin()
        try:
            if exchange:
                exchange.set_inputs(self._namespace)
            self._execute(code, f"<run {run}>" if run else "<init_code>", echo)
            self._leave_if_forked(None)
            reply["completed"] = True
            if exchange:
                reply.update(exchange.answer(self._namespace))
        except BaseException as error:
            self._leave_if_forked(error)
            self._capture_figures()
            raise
        self._capture_figures()

    def _execute(self, code: str, filename: str, echo: str) -> None:
        if code:
            self._sources.add(filename, code)
        pieces, around = self._compiler.compile(code, filename, echo)
        if around is None:
            self._run_pieces(pieces)
            return
        with self._give_magics().around(around):
            self._run_pieces(pieces)

    def _give_magics(self) -> Magics:
        """Put the magics where code with notebook syntax finds them."""
        from .notebook.magics import Magics
        from .notebook.tree import MAGICS

        if self._magics is None:
            figures = self._capture_figures
            self._magics = Magics(self._namespace, self._notices, self._output, figures)
        vars(builtins)[MAGICS] = self._magics
        return self._magics

    def _run_pieces(self, pieces: list[CodeType]) -> None:
        awaits = any(map(is_coroutine, pieces))

        def inside_loop(piece: CodeType) -> bool:
            return is_coroutine(piece) or (awaits and not starts_a_loop(piece))

        for inside, some in groupby(pieces, inside_loop):
            if inside:
                context: list[Context] = []
                try:
                    self._loop.run(self._run_inside(list(some), context))
                finally:
                    for changed in context:
                        self._output.keep_context(changed)
            else:
                for piece in some:
                    self._evaluate(piece)

    async def _run_inside(self, pieces: list[CodeType], context: list[Context]) -> None:
        """Run pieces as one task, as notebooks do: tasks that they start go on at their awaits.

        A task has a copy of the context variables; what they are in the end goes to `context`.
        """
        try:
            for piece in pieces:
                value = self._evaluate(piece)
                if is_coroutine(piece):
                    await value
        finally:
            context.append(copy_context())

    def _evaluate(self, piece: CodeType) -> Any:
        self._last_value = None
        return eval(piece, self._namespace)

    def _displayhook(self, value: object) -> None:
        """Show a value, and keep it in `_`, as the Python prompt does."""
        if value is None:
            return
        builtins._ = None  # type: ignore[attr-defined]  # as sys.displayhook: not during repr
        display.echo(value)
        builtins._ = self._last_value = value  # type: ignore[attr-defined]

    def _capture_figures(self) -> None:
        if self._figures:
            self._figures.capture_open(self._last_value)

    def _conclude(self, error: BaseException, reply: Message) -> None:
        """Put into the reply what `error` means for the run."""
        if not reply["completed"] and _exit_status(error) == 0:
            reply["completed"] = True
            return
        reply["error"] = describe(error)
        if self._limits:
            self._tell_limit(error, reply)
        self._hint(error, reply)
        if issubclass(type(error), KeyboardInterrupt):
            interrupts.note()  # asyncio.run() handles the signal itself
        sys.last_type, sys.last_value = type(error), error
        sys.last_traceback = error.__traceback__

    def _hint(self, error: BaseException, reply: Message) -> None:
        """Put into the reply what would mend `error`, where that is known."""
        hint = hint_for(error)
        if hint is not None:
            reply["hint"] = hint

    def _leave_if_forked(self, error: BaseException | None) -> None:
        """End a process that user code made with os.fork() where its code ends."""
        if not self._output.in_forked_child():
            return
        if error is None:
            _exit(0)
        status = _exit_status(error)
        if status is None:
            sys.stderr.write(describe(error)["traceback"] + "\n")
            status = _FORKED_CHILD_FAILED
        _exit(status)


def _exit_status(error: BaseException) -> int | None:
    """Answer the status that `error` would end a program with; None if it is no SystemExit."""
    # By the type: an instance can pretend to be of another class.
    if not issubclass(type(error), SystemExit):
        return None
    try:
        code = error.code  # type: ignore[attr-defined]
    except BaseException:  # as CPython's own handling of SystemExit takes it
        return 1
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1
