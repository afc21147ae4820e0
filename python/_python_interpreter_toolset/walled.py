"""The first process of a sandboxed session that was forked: its keeper, which runs no code.

It is like the engine's keeper, but has only one session, and Node speaks with it over a socket.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback

from .keeper import Keeper, tell
from .prepared import Prepared
from .process_mark import mark_process
from .walls import mount_own, start_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MAX_PACKET = 1 << 16
_NODE_SECONDS = 5.0


class BuiltWalls:
    """Walls that wait for a session, with a process in them that is to become its first worker.

    Nothing here is known of the session yet, so that its start need not wait for it.
    """

    def __init__(
        self,
        walls: dict[str, Any],
        is_late: Callable[[], bool],
        let_go: Callable[[], None],
    ) -> None:
        """Build them around this process; raises OSError.

        In the process that waits, `is_late` answers whether somebody waits for it already, and
        `let_go` closes what only the one that calls is to have.
        """
        self._folder: str = walls["session"]["folder"]
        # Its path is hidden by the walls.
        self._node = os.open(walls["socket"], os.O_PATH)
        mount_own(walls)
        start_loopback()
        self._waiting, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._node)
                self._waiting.close()
                late = is_late()
                let_go()
                _wait_to_become_worker(theirs, late)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        theirs.close()

    def keep(self, request: dict[str, Any]) -> None:
        """Keep the session that is asked for; never returns."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as node:
            node.settimeout(_NODE_SECONDS)
            node.connect(f"/proc/self/fd/{self._node}")
            node.settimeout(None)
            for descriptor in (0, 1):
                os.dup2(node.fileno(), descriptor)
        os.close(self._node)
        tell({"event": "wall", "id": request["id"], "secret": request["secret"]})
        _WalledKeeper(self._folder, self._pid, self._waiting).serve()
        os._exit(0)


def _wait_to_become_worker(keeper: socket.socket, is_late: bool) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    prepared = Prepared(is_walled=True, is_late=is_late)
    with keeper:
        packet = keeper.recv(_MAX_PACKET)
    if packet:
        asked = json.loads(packet)
        mark_process(asked["id"])
        prepared.become(asked["folder"], asked["cwd"])
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
