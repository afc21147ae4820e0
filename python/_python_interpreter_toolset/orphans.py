"""Forks that are children of the keeper, although it has not forked them.

A process in between, which ends at once, makes them orphans, and the keeper is who adopts those.
"""

from __future__ import annotations

import contextlib
import os
import traceback

from .keeper import end_with_keeper


def fork_orphan(keeper: int) -> bool:
    """Fork a process that leads its own group and ends with the keeper of that pid.

    Answers true in that process, and false in the one that calls, once the other is on its way.
    Raises OSError when there cannot be another process.
    """
    between = os.fork()
    if between:
        status = 0
        # Where SIGCHLD is ignored, the system has reaped it.
        with contextlib.suppress(ChildProcessError):
            status = os.waitpid(between, 0)[1]
        if status != 0:
            raise OSError("the copy could not be forked")
        return False
    try:
        os.setpgid(0, 0)  # out of the group of the process that calls, which may be killed any time
        between = os.getpid()
        if os.fork() == 0:
            os.setpgid(0, 0)
            while os.getppid() == between:  # whoever adopts us should be the keeper
                os.sched_yield()
            end_with_keeper(keeper)
            return True
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
