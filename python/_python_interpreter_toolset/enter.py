"""Runs the command that follows it as the first process of namespaces of its own.

For a template, whose forks need a whole `/proc` to mount those of their own namespaces, which
bubblewrap does not leave to root: it covers parts of it.
"""

from __future__ import annotations

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from _python_interpreter_toolset.walls import NEW_PIDS, mount_proc, unshare  # noqa: E402

if __name__ == "__main__":
    unshare(NEW_PIDS)
    pid = os.fork()
    if pid == 0:
        mount_proc()
        os.execv(sys.argv[1], sys.argv[1:])
    os.waitpid(pid, 0)
