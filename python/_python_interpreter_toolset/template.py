"""The template: a warm process that has imported the preloads, from which interpreters are forked.

It is started by the keeper, single-threaded, with no ZeroMQ context and no user code. Requests come
as JSON, one a line, over a socket from the keeper; each is answered with the pid of a new process,
which becomes the keeper's child because its parent, a fork in between, ends at once.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import signal
import socket
import sys
import warnings
from typing import Any

from . import worker

CONTROL = 3  # the file descriptor that the keeper has put the socket on


def serve(config: dict[str, Any]) -> None:
    """Import `config["preload"]`, say how that went, then fork whatever the keeper asks for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keeper = os.getppid()
    with socket.socket(fileno=CONTROL) as control:
        control.set_inheritable(False)
        failed = _preload(config["preload"], config["pyzmq_path"])
        _tell(control, {"event": "template", "threads": _threads_left(), "failed": failed})
        gc.collect()
        gc.freeze()  # a later collection in a child would copy every page that it looks at
        with control.makefile("r", encoding="utf-8") as requests:
            for line in requests:
                _fork(json.loads(line), control, keeper)


def _preload(names: list[str], pyzmq_path: str | None) -> list[str]:
    """Import what is there; answer what failed for another reason than that it is not installed."""
    from .channel import import_zmq

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


def _threads_left() -> int:
    """Answer how many threads a fork leaves here; libraries such as OpenBLAS end theirs for it."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return len(os.listdir("/proc/self/task"))


def _fork(request: dict[str, Any], control: socket.socket, keeper: int) -> None:
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    try:
        pid = os.fork()
        if pid:
            _tell(control, {"event": "forked", "id": request["id"], "pid": pid})
        else:
            _become_worker(request, control, keeper)
    finally:
        os._exit(1)


def _become_worker(request: dict[str, Any], control: socket.socket, keeper: int) -> None:
    os.setpgid(0, 0)
    control.close()
    while os.getppid() != keeper:  # the process in between is about to end
        os.sched_yield()
    config = request["config"]
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        pipe = os.open(os.path.join(config["folder"], name), os.O_WRONLY)
        os.dup2(pipe, descriptor)
        os.close(pipe)
    os.chdir(request["cwd"])
    os.environ.update(request["env"])
    _reseed()
    worker.start(config)


def _reseed() -> None:
    """Give the process random sequences of its own; uuid, secrets and tempfile have them."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _tell(control: socket.socket, event: dict[str, Any]) -> None:
    control.sendall(json.dumps(event).encode() + b"\n")
