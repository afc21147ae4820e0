"""Asking Node in the middle of a run, from any thread or coroutine, and waiting for its answers.

A run's threads share the channel's one socket: whoever has the lock may use it, and hands on what
it receives. Of those that wait in threads, one at a time waits for the socket itself.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from .channel import Channel
from .protocol import Message, decode_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

# What another thread has received, or a signal that came just before, does not end a wait for the
# socket; it is seen then.
_LOOK_SECONDS = 0.02


class Answer:
    """What Node says to one question: a message and the frames of its values."""

    def __init__(self, message: Message, frames: list[Any]) -> None:
        """Take them as they have come."""
        self.message = message
        self.frames = frames


class RunHasEnded(Exception):
    """Nobody answers any more."""


class _Question:
    def __init__(self, number: int, tell: Callable[[], None]) -> None:
        self.number = number
        self.answer: Answer | None = None
        self.tell = tell


class Asking:
    """Numbered questions, each of which waits for the answer with its number."""

    def __init__(self, channel: Channel) -> None:
        """Ask through `channel`; nobody can be asked until `begin`."""
        self._channel = channel
        self._numbers = count(1)
        self.renew()

    def renew(self) -> None:
        """In a forked copy, where no other thread is left: have new locks."""
        # What `with` takes: an interrupt cannot leave it taken, as it can in the methods of a
        # Condition, which are Python code.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._asked: dict[int, _Question] = {}
        self._run: int | None = None
        self._pid = os.getpid()
        self._is_watched = False
        self._loops: dict[asyncio.AbstractEventLoop, int] = {}

    def begin(self, run: int) -> None:
        """Let `run` ask."""
        self._run = run

    def end(self) -> None:
        """Have nobody to ask between runs; who still waits is told so."""
        with self._lock:
            self._run = None
            self._is_watched = False
            self._give_up()

    @property
    def is_possible(self) -> bool:
        """Whether a run is going on, in this very process."""
        return self._run is not None and os.getpid() == self._pid

    def ask(self, message: Message, cancel: str | None = None) -> Answer:
        """Send `message` with a number, and wait for the answer; raises RunHasEnded.

        A message of the type `cancel` tells Node if the wait is given up.
        """
        question = self._put(message, self._changed.notify_all)
        try:
            self._wait_for(question)
        except BaseException:
            self._forget(question, cancel)
            raise
        return self._taken(question)

    async def ask_async(self, message: Message, cancel: str | None = None) -> Answer:
        """Do what `ask` does, while other coroutines of the running event loop go on."""
        import asyncio

        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not told.done():
                told.set_result(None)

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle)

        try:
            self._read_in(loop)
        except NotImplementedError:  # Windows, where loops cannot look at sockets
            return await loop.run_in_executor(None, self.ask, message, cancel)
        try:
            question = self._put(message, tell)
            try:
                await told
            except BaseException:
                self._forget(question, cancel)
                raise
        finally:
            self._read_no_more_in(loop)
        return self._taken(question)

    def _put(self, message: Message, tell: Callable[[], None]) -> _Question:
        if not self.is_possible:  # in a forked child, the lock may never be free
            raise RunHasEnded
        with self._lock:
            if self._run is None:
                raise RunHasEnded
            question = _Question(next(self._numbers), tell)
            self._asked[question.number] = question
            self._channel.send({**message, "run": self._run, "number": question.number})
            # Sending uses up the descriptor's word that something has come.
            self._receive()
        return question

    def _look(self) -> None:
        with self._lock:
            self._receive()

    def _receive(self) -> None:
        while self._run is not None:
            frames = self._channel.receive(0)
            if frames is None:
                return
            message = decode_message(frames)
            question = self._asked.pop(message["number"], None)
            # That to one that was given up may come only now.
            if question is not None:
                question.answer = Answer(message, frames[1:])
                question.tell()

    def _wait_for(self, question: _Question) -> None:
        with self._lock:
            while question.number in self._asked:
                if self._is_watched:
                    self._changed.wait(_LOOK_SECONDS)
                else:
                    self._watch()

    def _watch(self) -> None:
        """Wait for the socket, for all threads, without the lock that the caller has."""
        descriptor = self._channel.fileno()
        self._is_watched = True
        try:
            self._changed.release()
            try:
                _wait_to_read(descriptor)
            finally:
                self._changed.acquire()
            self._receive()
        finally:
            self._is_watched = False
            self._changed.notify_all()

    def _read_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have an event loop look at the socket as long as one of its coroutines waits."""
        if loop not in self._loops:
            loop.add_reader(self._channel.fileno(), self._look)
        self._loops[loop] = self._loops.get(loop, 0) + 1

    def _read_no_more_in(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting = self._loops.get(loop, 0) - 1
        if waiting > 0:
            self._loops[loop] = waiting
        elif self._loops.pop(loop, None) and not loop.is_closed():
            loop.remove_reader(self._channel.fileno())
        # Else the coroutine is from before a checkpoint, or its loop has been closed.

    def _taken(self, question: _Question) -> Answer:
        if question.answer is None:
            raise RunHasEnded
        return question.answer

    def _forget(self, question: _Question, cancel: str | None) -> None:
        with self._lock:
            was_open = self._asked.pop(question.number, None) is not None
            if was_open and cancel is not None and self.is_possible:
                number = question.number
                self._channel.send({"type": cancel, "run": self._run, "number": number})

    def _give_up(self) -> None:
        open_questions = list(self._asked.values())
        self._asked.clear()
        for question in open_questions:
            question.tell()


def _wait_to_read(descriptor: int) -> None:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(_LOOK_SECONDS * 1000)
    else:  # Windows, where descriptors of sockets may be any number
        select.select([descriptor], [], [], _LOOK_SECONDS)
