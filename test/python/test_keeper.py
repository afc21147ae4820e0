from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../python"))

from _python_interpreter_toolset import keeper

EXIT_1 = 1 << 8  # as waitpid() tells it


def told_by_keepers(test: unittest.TestCase) -> list[dict[str, object]]:
    """Answer a list that grows by what any keeper would tell Node during a test."""
    told: list[dict[str, object]] = []
    telling = mock.patch.object(keeper, "tell", told.append)
    telling.start()
    test.addCleanup(telling.stop)
    return told


class PidsThatAreGivenAnew(unittest.TestCase):
    """A child ended, unknown, while something was forked; then its pid came again."""

    def setUp(self):
        self.told = told_by_keepers(self)
        self.child = subprocess.Popen(["sleep", "100"])
        self.addCleanup(self.child.wait)
        self.addCleanup(self.child.kill)
        self.keeper = keeper.Keeper("/nowhere", "python")
        self.keeper.unclaimed[self.child.pid] = EXIT_1
        ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(ours.close)
        self.addCleanup(self.theirs.close)
        self.source = keeper.Source("source", ours)

    def test_a_worker_that_has_such_a_pid_lives(self):
        self.keeper.pids["source"] = os.getpid()
        self.keeper.sources["source"] = self.source
        self.source.forking.add("worker")
        event = {"event": "forked", "id": "worker", "pid": self.child.pid}
        self.keeper.hear_fork(self.source, event, self.child.pid)
        self.assertEqual(self.told, [{"event": "spawned", "id": "worker", "pid": self.child.pid}])
        self.assertEqual(self.keeper.pids["worker"], self.child.pid)

    def test_a_checkpoint_that_has_such_a_pid_is_there(self):
        self.keeper.pids["worker"] = os.getpid()
        copying = keeper.Copying(self.theirs)
        copying.worker, copying.source.id = "worker", "copy"
        event = {"event": "asleep", "id": "copy", "pid": self.child.pid}
        self.keeper.hear_copy(copying, event, self.child.pid)
        self.assertEqual([event["event"] for event in self.told], ["checkpoint"])
        self.assertIn("copy", self.keeper.sources)

    def test_one_that_has_ended_before_it_was_told_of_is_lost(self):
        self.child.kill()
        self.child.wait()
        self.source.forking.add("worker")
        self.keeper.pids["source"] = os.getpid()
        self.keeper.sources["source"] = self.source
        event = {"event": "forked", "id": "worker", "pid": self.child.pid}
        self.keeper.hear_fork(self.source, event, self.child.pid)
        self.assertEqual([event["event"] for event in self.told], ["spawned", "exited"])
        self.assertNotIn("worker", self.keeper.pids)


class WorkersThatDieSoon(unittest.TestCase):
    """A worker makes a copy of itself and dies, and the keeper hears of all that at once."""

    def setUp(self):
        self.told = told_by_keepers(self)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.keeper = keeper.Keeper(folder.name, "python")
        control = os.path.join(folder.name, "keeper")
        self.keeper.control = keeper.listen(control)
        self.addCleanup(self.keeper.control.close)
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(self.connection.close)
        self.connection.connect(control)

    def fork(self, *events: dict[str, object], lives: bool = False) -> int:
        """Fork a process that tells the keeper of events; answer its pid once it has."""
        told, telling = os.pipe()
        pid = os.fork()
        if pid == 0:
            for event in events:
                self.connection.send(json.dumps(event).encode())
            os.close(told)
            os.close(telling)
            while lives:
                signal.pause()
            os._exit(0)
        os.close(telling)
        os.read(told, 1)  # nothing: it has closed the other end
        os.close(told)
        return pid

    def test_the_copy_is_a_checkpoint(self):
        copying = {"event": "copying", "worker": "worker", "secret": "secret", "run": 7}
        worker = self.fork({**copying, "id": "copy"}, {"event": "copied", "id": "copy"})
        self.keeper.pids["worker"] = worker
        self.keeper.secrets["worker"] = "secret"
        copy = self.fork({"event": "asleep", "id": "copy"}, lives=True)
        self.addCleanup(os.waitpid, copy, 0)
        self.addCleanup(os.kill, copy, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)  # it has ended, and is not reaped
        self.keeper.reap()
        self.assertEqual([event["event"] for event in self.told], ["checkpoint", "exited"])
        self.assertEqual((self.told[0]["run"], self.told[0]["pid"]), (7, copy))
        self.keeper.sources["copy"].socket.close()


if __name__ == "__main__":
    unittest.main()
