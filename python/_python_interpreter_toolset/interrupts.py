"""SIGINT: raises KeyboardInterrupt in a run, and does nothing between runs.

SIGXCPU is for whoever limits CPU time.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

# The C functions themselves: what the module signal puts around them, to make enums of numbers,
# takes a tenth of the time of a trivial run.
_signal: Any = sys.modules["_signal"]
_SIGINT = int(signal.SIGINT)
_ONLY_SIGINT = frozenset([_SIGINT])
_SIGXCPU = int(getattr(signal, "SIGXCPU", 0))  # Windows has none


_happened = False


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, and remember it: user code may catch that."""
    global _happened
    _happened = True
    raise KeyboardInterrupt


# By this name asyncio.run() recognises the handler, and cancels its task instead.
signal.default_int_handler = _interrupt  # type: ignore[assignment]


def happened() -> bool:
    """Answer whether an interrupt has come since `arm`."""
    return _happened


def note() -> None:
    """Remember an interrupt that another handler has taken."""
    global _happened
    _happened = True


def arm() -> None:
    """Make SIGINT raise KeyboardInterrupt, whatever earlier user code made of it."""
    global _happened
    _happened = False
    if _has_masks:
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, _ONLY_SIGINT)
    rearm()


def rearm() -> None:
    """Put the handler back where other code has set its own."""
    _signal.signal(_SIGINT, _interrupt)


def disarm() -> None:
    """Make SIGINT do nothing; one that is still on its way when this returns does nothing."""
    # A function, for SIG_IGN would be handed on to child processes.
    _signal.signal(_SIGINT, _do_nothing)


def on_cpu_limit(handler: Callable[[int, FrameType | None], None]) -> None:
    """Have SIGXCPU call `handler`, whatever earlier user code made of it."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_SIGXCPU,))
    _signal.signal(_SIGXCPU, handler)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Ignore a late interrupt: the run that it was for has ended."""


_has_masks = hasattr(_signal, "pthread_sigmask")  # Windows has none
