"""A process that waits to become a worker: what it does before it is asked, and then.

That spares a session's start some milliseconds: after a fork, each page of memory that is changed
for the first time costs microseconds, and the parts of a worker are hundreds of pages.
"""

from __future__ import annotations

import os

from .protocol import take_config
from .worker import Worker


class Prepared:
    """A worker that does not know yet for which session."""

    def __init__(self, is_walled: bool, is_late: bool) -> None:
        """Make what any worker has; one that `is_late`, somebody waits for already.

        What goes wrong is raised when there is somebody to be told.
        """
        self._trouble: Exception | None = None
        try:
            if is_walled:
                from .walls import confine

                confine()
            self._worker = Worker()
            if not is_late:
                self._worker.rehearse()
        except Exception as error:
            self._trouble = error

    def become(self, folder: str, cwd: str) -> None:
        """Be the worker for which the keeper has prepared `folder`, and serve for ever."""
        # First of all: Node reads there what goes wrong from now on.
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            pipe = os.open(os.path.join(folder, name), os.O_WRONLY)
            os.dup2(pipe, descriptor)
            os.close(pipe)
        if self._trouble is not None:
            raise self._trouble
        os.chdir(cwd)
        self._worker.start(take_config(folder))
