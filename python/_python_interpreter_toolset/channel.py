"""The worker's end of the ZeroMQ channel: the only code that touches the socket."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Sequence
from typing import Any

from .output import is_open
from .protocol import Message, encode_json
from .threads import thread_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .uncopied import Uncopied

_LARGE = 1 << 20  # bytes; below, a copy takes no time to speak of


class Channel:
    """A DEALER socket that sends and receives whole messages, for one thread at a time."""

    def __init__(self, endpoint: str, identity: str, pyzmq_path: str | None) -> None:
        """Connect to Node's ROUTER at `endpoint` under the secret `identity`.

        `threads` then are the ids of those that ZeroMQ has started for it.

        `pyzmq_path` is a folder with pyzmq in it, for an environment that has none of its own;
        raises ImportError where neither has one.
        """
        self._zmq = import_zmq(pyzmq_path)
        self._sender: Uncopied | None = None
        self._sending: list[bytes | memoryview] = []
        self._endpoint = endpoint
        self._connect(identity)

    def connect_anew(self, identity: str) -> None:
        """In a forked copy, where a socket and its threads are dead: connect under `identity`."""
        _dead_sockets.append(self._socket)
        self._connect(identity)

    def _connect(self, identity: str) -> None:
        zmq = self._zmq
        before, threads_before = _descriptors(), thread_ids()
        self._socket: Any = zmq.Context().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, identity.encode())
        self._socket.setsockopt(zmq.LINGER, 1000)
        self._timeout: int | None = None
        self._internal = _descriptors() - before
        self.threads = thread_ids() - threads_before
        self._socket.connect(self._endpoint)

    def receive(self, milliseconds: int | None) -> list[Any] | None:
        """Wait for the next message, at most so long; answer its frames, or None.

        The first is bytes. Those of values are pyzmq's own, which are buffers that nobody else has.
        """
        while self._socket.getsockopt(self._zmq.RCVMORE):
            self._socket.recv()  # the rest of a message whose receiving was interrupted
        if milliseconds != self._timeout:
            self._timeout = milliseconds
            self._socket.rcvtimeo = -1 if milliseconds is None else milliseconds
        try:
            frames = [self._socket.recv()]
        except self._zmq.Again:
            return None
        while self._socket.getsockopt(self._zmq.RCVMORE):
            frames.append(self._socket.recv(copy=False))
        return frames

    def fileno(self) -> int:
        """Answer the descriptor that can be read when `receive` may find a message.

        It says so once: `receive` and `send` use that up, so look for messages after each of them.
        """
        return int(self._socket.getsockopt(self._zmq.FD))

    def forget_sent(self) -> None:
        """Let go of what was sent last, after a message that Node sends only when it has it."""
        self._sending = []

    def descriptors(self) -> set[int]:
        """Answer the file descriptors that ZeroMQ uses for this channel."""
        path = self._endpoint.partition("://")[2]
        connected = {fd for fd in _descriptors() if _peer_path(fd) == path}
        return self._internal | connected

    def send(self, message: Message, frames: Sequence[bytes | memoryview] = ()) -> None:
        """Hand one message to ZeroMQ, with the binary frames that follow it.

        Those are not copied if they are large: they must not change before `forget_sent`.
        """
        if not frames:
            self._socket.send(encode_json(message))
            return
        self._sending = [encode_json(message), *frames]
        more = [self._zmq.SNDMORE] * len(frames) + [0]
        for frame, flags in zip(self._sending, more):
            uncopied = self._uncopied if len(frame) >= _LARGE else None
            if uncopied is None:
                self._socket.send(frame, flags)
            else:
                uncopied.send(self._socket, memoryview(frame), flags)

    @property
    def _uncopied(self) -> Uncopied | None:
        """What sends without a copy; None where nothing does."""
        if self._sender is None:
            try:
                from .uncopied import Uncopied

                self._sender = Uncopied()
            except Exception:  # pyzmq has ZeroMQ in itself; user code has changed the modules
                return None
        return self._sender


# Never closed: that would wait for threads that are gone, or touch what is not theirs any more.
_dead_sockets: list[Any] = []


def _descriptors() -> set[int]:
    """Answer all descriptors of this process, where the system lists them."""
    try:
        listed = os.listdir("/proc/self/fd")
    except OSError:
        return set()
    # That with which the folder was read is among them, and closed again.
    return {descriptor for descriptor in map(int, listed) if is_open(descriptor)}


def _peer_path(descriptor: int) -> str | None:
    """Answer the path of the Unix socket that `descriptor` is connected to."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            name = connection.getpeername()
    except OSError:
        return None
    return name if isinstance(name, str) else None


def import_zmq(pyzmq_path: str | None) -> Any:
    """Answer the module zmq, from the environment or from `pyzmq_path`; raises ImportError."""
    try:
        import zmq
    except ImportError:
        if pyzmq_path is None:
            raise
        # Only for this import: what else is in that folder is not the user's environment.
        sys.path.append(pyzmq_path)
        try:
            import zmq
        finally:
            sys.path.remove(pyzmq_path)
    return zmq
