"""SIGINT: raises KeyboardInterrupt in a run, and does nothing between runs."""

from __future__ import annotations

import signal
from types import FrameType


def arm() -> None:
    """Make SIGINT raise KeyboardInterrupt, whatever earlier user code made of it."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Python's own handler: asyncio.run() recognises it and cancels its task.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def disarm() -> None:
    """Make SIGINT do nothing; one that is still on its way when this returns does nothing."""
    # A function, for SIG_IGN would be handed on to child processes.
    signal.signal(signal.SIGINT, _do_nothing)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Ignore a late interrupt: the run that it was for has ended."""
