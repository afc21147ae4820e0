"""Sending memory as it is, without a copy.

ZeroMQ can, but pyzmq would start a thread for it, which hears when memory is not needed any more,
and which user code and checkpoints would meet. So this calls ZeroMQ itself, which pyzmq has loaded:
https://libzmq.readthedocs.io/en/latest/zmq_msg_init_data.html. Whoever sends has to keep the memory
until it knows by other means that the message has arrived.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

# zmq.h: 64 bytes, aligned as a pointer; "Py_buffer" of Python.h begins with the address.
_Message = ctypes.c_uint64 * 8
_Buffer = ctypes.c_void_p * 16
_AS_BYTES = 0  # PyBUF_SIMPLE


class Uncopied:
    """ZeroMQ's own functions."""

    def __init__(self) -> None:
        """Find the library that pyzmq has loaded; raises OSError where that is not to be seen."""
        library = ctypes.CDLL(_path_of_library())
        self._init: Any = library.zmq_msg_init_data
        self._init.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._send: Any = library.zmq_msg_send
        self._send.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        self._errno: Any = library.zmq_errno

    def send(self, socket: Any, data: memoryview, flags: int) -> None:
        """Send one frame of contiguous bytes on a socket of pyzmq's; raises OSError."""
        message = _Message()
        self._init(message, _address(data), data.nbytes, None, None)
        while self._send(message, socket.underlying, flags) < 0:
            code = self._errno()
            if code != errno.EINTR:
                raise OSError(code, os.strerror(code))


def _path_of_library() -> str:
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")[2]
            if os.path.basename(path).startswith("libzmq"):
                return f"/{path}"
    raise FileNotFoundError("there is no shared libzmq")


def _address(data: memoryview) -> int:
    """Answer where memory begins that may be read-only, which ctypes has no function for."""
    buffer = _Buffer()
    api = ctypes.pythonapi
    if api.PyObject_GetBuffer(ctypes.py_object(data), buffer, _AS_BYTES) < 0:
        raise BufferError("this is no contiguous memory")
    try:
        return buffer[0] or 0
    finally:
        api.PyBuffer_Release(buffer)
