"""The worker's end of the ZeroMQ channel: the only code that touches the socket."""

from __future__ import annotations

import os
import socket
import stat
import sys
from typing import Any

from .output import is_open
from .protocol import Message, encode_json
from .threads import thread_ids


class Channel:
    """A DEALER socket that sends and receives whole messages, on the main thread only."""

    def __init__(self, endpoint: str, identity: str, pyzmq_path: str | None) -> None:
        """Connect to Node's ROUTER at `endpoint` under the secret `identity`.

        `threads` then are the ids of those that ZeroMQ has started for it.

        `pyzmq_path` is a folder with pyzmq in it, for an environment that has none of its own;
        raises ImportError where neither has one.
        """
        self._zmq = import_zmq(pyzmq_path)
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

    def receive(self, milliseconds: int | None) -> list[bytes] | None:
        """Wait for the next message, at most so long; answer its frames as they came, or None."""
        if milliseconds != self._timeout:
            self._timeout = milliseconds
            self._socket.rcvtimeo = -1 if milliseconds is None else milliseconds
        try:
            frames: list[bytes] = self._socket.recv_multipart()
        except self._zmq.Again:
            return None
        return frames

    def descriptors(self) -> set[int]:
        """Answer the file descriptors that ZeroMQ uses for this channel."""
        path = self._endpoint.partition("://")[2]
        connected = {fd for fd in _descriptors() if _peer_path(fd) == path}
        return self._internal | connected

    def send(self, message: Message) -> None:
        """Hand one message to ZeroMQ."""
        self._socket.send(encode_json(message))


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
