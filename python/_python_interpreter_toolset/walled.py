"""The first process of a sandboxed session that was forked: its keeper, which runs no code.

It is like the engine's keeper, but has only one session, and Node speaks with it over a socket.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

from .keeper import Keeper, tell
from .process_mark import mark_process
from .walls import mount_own, start_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MAX_PACKET = 1 << 16
_NODE_SECONDS = 5.0


def keep(
    request: dict[str, Any], walls: dict[str, Any], become_worker: Callable[[str, str], None]
) -> None:
    """Build the walls, fork what is to become the worker, and keep it; never returns."""
    node = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    node.settimeout(_NODE_SECONDS)
    node.connect(walls["socket"])
    node.settimeout(None)
    mount_own(walls)
    start_loopback()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        ours.close()
        node.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with theirs:
            packet = theirs.recv(_MAX_PACKET)
        if packet:
            asked = json.loads(packet)
            mark_process(asked["id"])
            become_worker(asked["folder"], asked["cwd"])
        os._exit(0)
    theirs.close()
    for descriptor in (0, 1):
        os.dup2(node.fileno(), descriptor)
    node.close()
    tell({"event": "wall", "id": request["id"], "secret": request["secret"]})
    _WalledKeeper(walls["session"]["folder"], pid, ours).serve()
    os._exit(0)


class _WalledKeeper(Keeper):
    """Keeps one session, whose first worker waits already to be told what it is."""

    def __init__(self, folder: str, pid: int, waiting: socket.socket) -> None:
        super().__init__(folder, sys.executable)
        self._waiting_pid = pid
        self._waiting = waiting

    def do_adopt(self, command: dict[str, Any]) -> None:
        """Have the process that waits become a worker with its output on two named pipes."""
        worker_id: str = command["id"]
        os.waitid(os.P_PID, self._waiting_pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        folder = self.prepare(command)
        self.pids[worker_id] = self._waiting_pid
        asked = {"id": worker_id, "folder": folder, "cwd": command["cwd"]}
        self._waiting.send(json.dumps(asked).encode())
        self._waiting.close()
        tell({"event": "spawned", "id": worker_id, "pid": self._waiting_pid})
