"""The asyncio loop of an interpreter: code that awaits at its top level runs on it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Coroutine
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from . import interrupts
from .import_hooks import after_import

if TYPE_CHECKING:
    import asyncio


class EventLoop:
    """One loop per interpreter, made when asyncio is first imported; idle between runs."""

    def __init__(self) -> None:
        """Cost nothing until asyncio is imported."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def install(self) -> None:
        """Let statements that do not await start tasks on the loop, as in notebooks."""
        after_import("asyncio.tasks", self._teach_tasks)
        after_import("asyncio", lambda module: self.begin())

    def renew(self) -> None:
        """In a forked copy, where the loop's descriptors are dead: have a new loop made."""
        if self._loop is None or self._loop.is_closed():
            return
        for task in sys.modules["asyncio"].all_tasks(self._loop):
            task._log_destroy_pending = False
        self._loop.close()
        self.begin()

    def begin(self) -> None:
        """Make our loop the current one again: asyncio.run() leaves none."""
        if "asyncio" in sys.modules:
            sys.modules["asyncio"].set_event_loop(self._live_loop())

    def run(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run `coroutine` to its end; an interrupt raises KeyboardInterrupt, wherever it waits."""
        import asyncio

        loop = self._live_loop()
        asyncio.set_event_loop(loop)
        task = loop.create_task(coroutine)
        cancelled_by_interrupt = False

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            nonlocal cancelled_by_interrupt
            interrupts.note()
            if asyncio.current_task(loop) is not None or task.done() or cancelled_by_interrupt:
                raise KeyboardInterrupt
            # The loop is waiting: code would see the exception in the middle of asyncio.
            cancelled_by_interrupt = True
            task.cancel()
            loop.call_soon_threadsafe(_wake_up)

        signal.signal(signal.SIGINT, on_interrupt)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError as error:
            if not cancelled_by_interrupt:
                raise
            raise KeyboardInterrupt().with_traceback(error.__traceback__) from None
        finally:
            interrupts.rearm()
            if not task.done():
                task.cancel()
                loop.run_until_complete(asyncio.wait([task]))

    def _live_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._loop.is_closed():
            self._loop = sys.modules["asyncio"].new_event_loop()
        return self._loop

    def _teach_tasks(self, tasks: ModuleType) -> None:
        original = tasks.create_task

        def create_task(coro: Any, **options: Any) -> Any:
            try:
                tasks.events.get_running_loop()
            except RuntimeError:
                if threading.current_thread() is threading.main_thread():
                    return self._live_loop().create_task(coro, **options)
            return original(coro, **options)

        create_task.__doc__ = original.__doc__
        tasks.create_task = create_task  # type: ignore[attr-defined]


def _wake_up() -> None:
    """End the loop's waiting; the cancelled task does the rest."""
