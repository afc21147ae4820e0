"""The worker's end of the ZeroMQ channel: the only code that touches the socket."""

from __future__ import annotations

import sys
from typing import Any

from .protocol import Message, encode_json


class Channel:
    """A DEALER socket that sends and receives whole messages, on the main thread only."""

    def __init__(self, endpoint: str, identity: str, pyzmq_path: str | None) -> None:
        """Connect to Node's ROUTER at `endpoint` under the secret `identity`.

        `pyzmq_path` is a folder with pyzmq in it, for an environment that has none of its own;
        raises ImportError where neither has one.
        """
        zmq = import_zmq(pyzmq_path)
        self._socket: Any = zmq.Context().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, identity.encode())
        self._socket.setsockopt(zmq.LINGER, 1000)
        self._socket.connect(endpoint)

    def receive(self) -> list[bytes]:
        """Wait for the next message; answer its frames as they came."""
        frames: list[bytes] = self._socket.recv_multipart()
        return frames

    def send(self, message: Message) -> None:
        """Hand one message to ZeroMQ."""
        self._socket.send(encode_json(message))


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
