"""The template: a warm process that has imported the preloads, from which interpreters are forked.

It is started by the keeper, single-threaded, with no ZeroMQ context and no user code. It always
has one spare: a fork that has done what can be done before it is known for which session, and waits
for a request on the socket that all share with the keeper, one packet of JSON each. The spare that
sees one tells its pid and becomes that worker; the template takes the packet then, so that none is
lost with a spare, and forks the next. Spares are the keeper's children: their parent, a fork in
between, ends at once.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import traceback
import warnings
from typing import Any

# What a worker with checkpoints imports later is imported here for all.
from . import checkpoints, left_behind, limits  # noqa: F401
from .orphans import fork_orphan
from .prepared import Prepared
from .process_mark import mark_process
from .randomness import reseed
from .threads import Threads
from .walled import BuiltWalls
from .walls import unshare

CONTROL = 3  # the file descriptor that the keeper has put the socket on
MAX_PACKET = 1 << 16
_MOST_IN_VAIN = 10  # spares in a row that end before they are asked: more would, for ever

# CPython puts objects of up to 512 bytes into pools by size, in steps of 16 (Objects/obmalloc.c).
_LARGEST_SMALL = 512
_ALIGNMENT = 16
_BYTES_HEADER = 33
_FILLED_PER_SIZE = 400_000


def serve(config: dict[str, Any]) -> None:
    """Import `config["preload"]`, say how that went, then keep a spare ready."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keeper = os.getppid()
    with socket.socket(fileno=CONTROL) as control:
        control.set_inheritable(False)
        failed = _preload(config["preload"], config["pyzmq_path"])
        threads = _threads_left()
        gc.collect()
        filling = _fill_holes()
        gc.freeze()  # a later collection in a child would copy every page that it looks at
        walls = config["walls"]
        spare = _Spare(control, keeper, walls)
        _tell(control, {"event": "template", "threads": threads, "failed": failed})
        in_vain = 0
        while not _has_ended(control) and in_vain < _MOST_IN_VAIN:
            in_vain = 0 if spare.wait_until_gone(control) else in_vain + 1
            spare = _Spare(control, keeper, walls)
        del filling


def _preload(names: list[str], pyzmq_path: str | None) -> list[str]:
    """Import what is there; answer what failed for another reason than that it is not installed."""
    from .channel import import_zmq

    with contextlib.suppress(ImportError):  # a worker that needs it says so by its exit code
        import_zmq(pyzmq_path)
    failed = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name is None or not name.startswith(error.name):
                    failed.append(f"{name}: {error}")
            except BaseException as error:
                failed.append(f"{name}: {type(error).__name__}: {error}")
    return failed


def _fill_holes() -> list[list[bytes]]:
    """Fill the memory that imports have left free among what stays, and answer with what.

    A child then puts its objects side by side into pages of its own, rather than into these holes,
    each of which would cost it a copy of a page.
    """
    return [
        [bytes(size) for _ in range(_FILLED_PER_SIZE // (size + _BYTES_HEADER))]
        for size in range(0, _LARGEST_SMALL - _BYTES_HEADER, _ALIGNMENT)
    ]


def _threads_left() -> list[str]:
    """Answer the native threads that a fork leaves here; libraries such as OpenBLAS end theirs."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    threads = Threads()
    return [*threads.names, *threads.unknown().values()]


class _Spare:
    """A fork that waits for a request, as its template knows it."""

    def __init__(self, control: socket.socket, keeper: int, walls: dict[str, Any] | None) -> None:
        """Fork it; with `walls`, as the first process inside of them."""
        self._taken, taking = os.pipe()
        self._pid = fork_orphan(keeper, None if walls is None else unshare)
        if self._pid:
            os.close(taking)  # so that the pipe ends with the spare
            return
        os.close(self._taken)
        try:
            reseed()
            if walls is None:
                _be_spare(control, taking)
            else:
                _be_spare_walls(control, taking, walls)
        except BaseException:
            with contextlib.suppress(BaseException):  # nothing may keep this process alive
                traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def wait_until_gone(self, control: socket.socket) -> bool:
        """Answer whether it has become a worker, which is said to the keeper, or has ended."""
        worker_id = os.read(self._taken, MAX_PACKET).decode()
        os.close(self._taken)
        if worker_id:
            control.recv(MAX_PACKET)  # the request; a spare that is killed earlier leaves it there
            # Said by both: either may be killed before it can.
            _tell(control, {"event": "forked", "id": worker_id, "pid": self._pid})
        return bool(worker_id)


def _has_ended(control: socket.socket) -> bool:
    """Answer whether the keeper does not want this template any more."""
    return _next_packet(control) == b""


def _has_request(control: socket.socket) -> bool:
    return bool(_next_packet(control))


def _next_packet(control: socket.socket) -> bytes | None:
    """Answer the beginning of the packet that is there, and leave it; None where none is."""
    with contextlib.suppress(BlockingIOError):
        return control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return None


def _be_spare(control: socket.socket, taking: int) -> None:
    # Where somebody waits already, the template can make the next one meanwhile.
    prepared = None if _has_request(control) else Prepared(is_walled=False, is_late=False)
    request = _await_request(control, taking)
    if request is None:
        return
    _tell(control, {"event": "forked", "id": request["id"], "pid": os.getpid()})
    control.close()
    prepared = prepared or Prepared(is_walled=False, is_late=True)
    prepared.become(request["folder"], request["cwd"])


def _be_spare_walls(control: socket.socket, taking: int, walls: dict[str, Any]) -> None:
    def let_go() -> None:
        control.close()
        os.close(taking)

    try:
        built = BuiltWalls(walls, lambda: _has_request(control), let_go)
    except OSError:
        # For who asks for them: without, there would be a next spare at once.
        _await_request(control, taking)
        raise
    request = _await_request(control, taking)
    if request is None:
        return
    control.close()  # who is outside knows this process by another pid
    built.keep(request)


def _await_request(control: socket.socket, taking: int) -> dict[str, Any] | None:
    """Answer what is asked for; None where the keeper does not want this template any more."""
    packet = control.recv(MAX_PACKET, socket.MSG_PEEK)
    if not packet:
        return None
    request: dict[str, Any] = json.loads(packet)
    os.write(taking, request["id"].encode())
    os.close(taking)
    mark_process(request["id"])
    return request


def _tell(control: socket.socket, event: dict[str, Any]) -> None:
    control.send(json.dumps(event).encode())
