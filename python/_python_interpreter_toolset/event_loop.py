"""The asyncio loop on which code that awaits at its top level runs."""

from __future__ import annotations

import signal
from collections.abc import Coroutine
from types import FrameType
from typing import TYPE_CHECKING, Any

from . import interrupts

if TYPE_CHECKING:
    import asyncio


class EventLoop:
    """One loop per interpreter, made on the first `await` and kept; idle between runs."""

    def __init__(self) -> None:
        """Cost nothing until a run awaits."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run `coroutine` to its end; an interrupt raises KeyboardInterrupt, wherever it waits."""
        import asyncio

        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        loop = self._loop
        asyncio.set_event_loop(loop)
        task = loop.create_task(coroutine)
        cancelled_by_interrupt = False

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            nonlocal cancelled_by_interrupt
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
            interrupts.arm()
            if not task.done():
                task.cancel()
                loop.run_until_complete(asyncio.wait([task]))


def _wake_up() -> None:
    """End the loop's waiting; the cancelled task does the rest."""
