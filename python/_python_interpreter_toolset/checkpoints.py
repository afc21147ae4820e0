"""When checkpoints are made: after runs, as often as their cost allows."""

from __future__ import annotations

import contextlib
import os
import resource
from functools import cache
from time import monotonic, sleep
from typing import Any

from .cgroup_memory import CgroupMemory
from .channel import Channel
from .copying import CannotCopy, CannotCopyNow, Copies
from .output import Output

_SHARE = 0.05  # of the time that checkpoints may take
_WORK_OF_COPY = 2  # what it takes to end the copy, and to tell of it, counts as much again
_MOST_FORK_COST = 0.1  # s
_FIRST_COST = 0.006  # s; what a fork costs here is not known before the first
_FAULT_SECONDS = 1e-5  # more than it takes the system to copy a page
_IDLE_SECONDS = 2.0  # after which a session that rests has its checkpoint, whatever it has cost
_RETRY_SECONDS = 0.05
_MAX_RETRY_SECONDS = 1.0
_PATIENCE_SECONDS = 1.0  # of who asks for a checkpoint while a thread computes
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Checkpoints:
    """Makes a copy of this process after a run, unless that would slow the session down.

    A copy costs the time of the fork, and then the system copies each page that a run changes. By
    the policy "auto" the next is made when both together are no more than a twentieth of the time
    since the last, or when no run has come for a while; runs that follow each other sooner share
    one, made as soon as it is due. By "always" every run has one, and by "off" only those are made
    that are asked for.
    """

    def __init__(
        self,
        policy: str,
        copies: Copies,
        channel: Channel,
        output: Output,
        trouble_file: str,
    ) -> None:
        """`trouble_file` is where it says why there is no checkpoint, for Node to read."""
        self._policy = policy
        self._copies = copies
        self._channel = channel
        self._output = output
        self._trouble_file = trouble_file
        self._trouble = ""
        self._run = 0
        self._is_wanted = policy != "off"
        self._fork_cost = _FIRST_COST
        self._made_at = monotonic()
        self._usage = _system_usage()
        self._due_at = self._made_at + self._fork_cost / _SHARE
        self._retry = _RETRY_SECONDS

    def run_ended(self, run: int, usage: resource.struct_rusage | None) -> None:
        """Have a checkpoint made when it is due; `usage` is what this process has used by now."""
        self._run = run
        if self._policy == "off":
            return
        self._is_wanted = True
        self._retry = _RETRY_SECONDS  # what hindered the last one need not hinder this one
        if self._policy == "auto":
            cost = self._fork_cost + _cost_of_copied_pages(self._usage, _system_usage(usage))
            self._due_at = min(self._made_at + cost / _SHARE, monotonic() + _IDLE_SECONDS)

    def milliseconds_left(self) -> int | None:
        """Answer how long to wait for a message before calling `make_due`; None: for ever."""
        if not self._is_wanted:
            return None
        if self._policy == "always" and self._retry == _RETRY_SECONDS:
            return 0
        left = self._due_at - monotonic()
        return int(left * 1000) + 1 if left > 0 else 0

    def make_due(self) -> dict[str, Any] | None:
        """Make the checkpoint that is due, or say in the file why not; answers as Copies.make."""
        try:
            # As long as the ids that Node gives, or it could not be marked. The module uuid costs
            # milliseconds, and may be a file of the user's.
            request = self._make(os.urandom(18).hex())
        except CannotCopy as error:
            self._tell_trouble(str(error))
            self._made_at = monotonic()
            self._due_at = self._made_at + self._retry
            self._retry = min(self._retry * 2, _MAX_RETRY_SECONDS)
            # What does not pass by itself may be different after the next run.
            self._is_wanted = isinstance(error, CannotCopyNow)
            return None
        self._tell_trouble("")
        self._is_wanted = False
        return request

    def make(self, checkpoint_id: str) -> dict[str, Any] | None:
        """Make a checkpoint now, or as soon as no thread hinders it; answers as Copies.make.

        Raises CannotCopy.
        """
        deadline = monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                request = self._make(checkpoint_id)
            except CannotCopyNow:
                if monotonic() > deadline:
                    raise
                sleep(_RETRY_SECONDS)
            else:
                self._is_wanted = False
                return request

    def woken(self, trouble_file: str, is_wanted: bool) -> None:
        """Go on in a copy; where `is_wanted`, it needs a checkpoint of its own."""
        self._trouble_file = trouble_file
        self._trouble = ""
        _control_groups.cache_clear()  # a branch is in another
        self._is_wanted = is_wanted and self._policy != "off"
        self._made_at = self._due_at = monotonic()
        self._usage = _system_usage()

    def _make(self, checkpoint_id: str) -> dict[str, Any] | None:
        _require_memory()
        started_at = monotonic()
        try:
            own = self._channel.descriptors() | set(self._output.descriptors())
            request = self._copies.make(checkpoint_id, self._run, own, self._channel.threads)
        except CannotCopy:
            raise
        except Exception as error:  # no descriptors are left; user code has changed the modules
            raise CannotCopyNow(f"{type(error).__name__} was raised: {error}") from None
        self._output.forget_copying()
        self._made_at = monotonic()
        # By the clock: on a busy machine checkpoints then become rarer for all.
        cost = _WORK_OF_COPY * (self._made_at - started_at)
        self._fork_cost = min(cost, _MOST_FORK_COST)  # one bad moment is not to delay the next long
        self._usage = _system_usage()
        self._retry = _RETRY_SECONDS
        return request

    def _tell_trouble(self, trouble: str) -> None:
        if trouble == self._trouble:
            return
        with contextlib.suppress(OSError):
            with open(f"{self._trouble_file}.new", "w", encoding="utf-8") as file:
                file.write(trouble)
            os.replace(file.name, self._trouble_file)
            self._trouble = trouble


def _system_usage(usage: resource.struct_rusage | None = None) -> tuple[float, int]:
    usage = usage or resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_stime, usage.ru_minflt


def _cost_of_copied_pages(before: tuple[float, int], after: tuple[float, int]) -> float:
    """Answer the seconds that copying pages can have taken in between, at most."""
    return min(after[0] - before[0], (after[1] - before[1]) * _FAULT_SECONDS)


@cache
def _control_groups() -> CgroupMemory:
    return CgroupMemory()


def _require_memory() -> None:
    """Raise CannotCopyNow where a copy would not fit into what is free, should all of it change."""
    try:
        with open("/proc/self/statm") as file:
            resident, shared = map(int, file.read().split()[1:3])
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":") for line in file)
        available = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return
    left_by_groups = _control_groups().left()
    if left_by_groups is not None:
        available = min(available, left_by_groups)
    size = (resident - shared) * _PAGE
    if size > available:
        raise CannotCopyNow(
            f"a copy of its {size // 2**20} MB might not fit into the {available // 2**20} MB of "
            "memory that are free"
        )
