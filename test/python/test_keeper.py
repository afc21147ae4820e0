from __future__ import annotations

import os
import socket
import subprocess
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../python"))

from _python_interpreter_toolset import keeper

EXIT_1 = 1 << 8  # as waitpid() tells it


class PidsThatAreGivenAnew(unittest.TestCase):
    """A child ended, unknown, while something was forked; then its pid came again."""

    def setUp(self):
        self.told: list[dict[str, object]] = []
        telling = mock.patch.object(keeper, "tell", self.told.append)
        telling.start()
        self.addCleanup(telling.stop)
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


if __name__ == "__main__":
    unittest.main()
