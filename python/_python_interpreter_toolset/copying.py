"""Copies of this process: made by fork(), asleep until the keeper asks one of them to go on.

A copy that is asked forks once more: what it forks goes on, and it stays as it is, to be asked
again. The process that is copied goes on as if nothing had happened: its pid, threads, child
processes and sockets are as before.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import warnings
from collections.abc import Collection, Iterator
from time import sleep
from typing import Any

from .descriptors import Descriptors
from .keeper import COPY_SECONDS
from .openmp import OpenMp
from .orphans import fork_orphan
from .process_mark import mark_process
from .threads import Threads, thread_ids

_MAX_PACKET = 1 << 16
_CONNECT_SECONDS = 1.0
_GO_AHEAD = b"!"
_ASLEEP = b"z"
_LOOKS = 3
_LOOK_SECONDS = 0.002
_MOST_THREADS_NAMED = 20
# SIGCHLD stays, to be discarded: blocked, it would wait for the user's handler to come back.
_HELD_SIGNALS = signal.valid_signals() - {signal.SIGCHLD}


class CannotCopy(Exception):
    """There is no copy; the message completes "there is no checkpoint because"."""


class CannotCopyNow(CannotCopy):
    """There is no copy now, but a little later there may be one."""


class Copies:
    """Makes copies of this process, known to the keeper."""

    def __init__(self, worker_id: str, control: str, secret: str) -> None:
        """`control` is the path of the keeper's socket, `secret` what it knows this worker by."""
        self._keeper = os.getppid()
        self._worker_id = worker_id
        self._control = control
        self._secret = secret
        self._openmp = OpenMp()
        self._unfit: frozenset[int] = frozenset()
        self._oom_score = _read_oom_score()
        _prefer_for_killing(self._oom_score)
        os.register_at_fork(after_in_child=self._silence)
        self._forking = False
        self._null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

    def make(
        self, copy_id: str, run: int, own: Collection[int], own_threads: Collection[int]
    ) -> dict[str, Any] | None:
        """Make a copy of the state after `run`, that is known to the keeper by `copy_id`.

        `own` and `own_threads` are the descriptors and native threads that whoever goes on in a
        copy makes anew. Answers None in this process, and the keeper's request in a process that
        goes on from the copy, where "threads" has the names of those that were left behind. Raises
        CannotCopy.
        """
        self._openmp.pause()
        threads = self._require_fit(own_threads)
        descriptors = Descriptors(os.path.dirname(self._control))
        if descriptors.gpu:
            raise CannotCopy(f"{descriptors.gpu} is open, and what a GPU holds cannot be copied")
        descriptors.flush()
        random = sys.modules.get("random")
        random_state = random and random.getstate()
        with self._introduced(copy_id, run) as connection, _held_signals(), _without_warnings():
            try:
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    before = thread_ids()
                    self._forking = True
                    # Again, for the others have gone on meanwhile.
                    if fork_orphan(self._keeper, require=lambda: _require_rest(threads)) == 0:
                        ours.close()
                        request = self._sleep(
                            copy_id, own, descriptors, connection, theirs, threads
                        )
                        if random:
                            random.setstate(random_state)  # forks reseed it
                        return request
                    theirs.close()
                    _tell(connection, {"event": "copied", "id": copy_id})
                    self._require_no_unknown(own_threads, before)
                    ours.send(_GO_AHEAD)
                    ours.settimeout(COPY_SECONDS)
                    if ours.recv(1) != _ASLEEP:
                        raise CannotCopyNow("its copy has ended")
            except OSError as error:
                raise CannotCopyNow(f"fork failed: {error}") from None
            finally:
                self._forking = False
        return None

    def woken(self, worker_id: str, secret: str) -> None:
        """Be the worker that a copy has become."""
        self._worker_id = worker_id
        self._secret = secret
        self._unfit = frozenset()
        _prefer_for_killing(self._oom_score)

    def _require_fit(self, own_threads: Collection[int]) -> Threads:
        for _ in range(_LOOKS):
            threads = Threads(own_threads)
            if self._unfit and self._unfit <= threads.foreign.keys():
                raise CannotCopy(_explain(threads.unknown()))
            if not threads.running():
                return threads
            sleep(_LOOK_SECONDS)  # most are about to wait for something
        _require_rest(threads)
        return threads

    def _require_no_unknown(self, own_threads: Collection[int], before: Collection[int]) -> None:
        """Look at what a fork leaves of the threads `before`.

        OpenBLAS, for one, ends its own for it; a thread that computes has it start new ones.
        """
        found = Threads(own_threads).unknown()
        unknown = {id: name for id, name in found.items() if id in before}
        self._unfit = frozenset(unknown)
        if unknown:
            # One that is about to end is gone by the next time; `_require_fit` knows the rest.
            raise CannotCopyNow(_explain(unknown))

    @contextlib.contextmanager
    def _introduced(self, copy_id: str, run: int) -> Iterator[socket.socket]:
        """Tell the keeper of a copy before it is made: a fork that hangs cannot be told of."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            try:
                connection.settimeout(_CONNECT_SECONDS)
                connection.connect(self._control)
                connection.settimeout(None)
                whose = {"worker": self._worker_id, "secret": self._secret, "run": run}
                _tell(connection, {"event": "copying", "id": copy_id, **whose})
            except OSError as error:
                raise CannotCopyNow(f"the keeper cannot be reached: {error}") from None
            yield connection

    def _sleep(
        self,
        copy_id: str,
        own: Collection[int],
        descriptors: Descriptors,
        connection: socket.socket,
        parent: socket.socket,
        threads: Threads,
    ) -> dict[str, Any]:
        """Be a copy, which must only end by SIGKILL; answer in what is to go on from it."""
        try:
            mark_process(copy_id)
            _set_oom_score(self._oom_score)
            descriptors.detach(own, (connection.fileno(), parent.fileno()))
            if parent.recv(1) != _GO_AHEAD:
                os._exit(1)
            names = threads.names[:_MOST_THREADS_NAMED]
            # Before the keeper hears of it: one that is known, and then killed, is not made again.
            with contextlib.suppress(OSError), parent:
                parent.send(_ASLEEP)
            _tell(connection, {"event": "asleep", "id": copy_id, "pid": os.getpid()})
            while packet := connection.recv(_MAX_PACKET):
                request: dict[str, Any] = json.loads(packet)
                forked = {"event": "forked", "id": request["id"]}
                pid = fork_orphan(self._keeper)
                if pid:
                    # Said by both: either may be killed before it can.
                    _tell(connection, {**forked, "pid": pid})
                    continue
                mark_process(request["id"])
                descriptors.open_files_again()
                _tell(connection, {**forked, "pid": os.getpid()})
                return {**request, "threads": names}
        except BaseException as error:
            with contextlib.suppress(OSError):
                _tell(connection, {"event": "failed", "id": copy_id, "message": repr(error)})
        os._exit(1)

    def _silence(self) -> None:
        """In a copy, before the fork hooks of user code, whose words belong to no run."""
        if self._forking:
            os.dup2(self._null, 1)
            os.dup2(self._null, 2)


@contextlib.contextmanager
def _held_signals() -> Iterator[None]:
    """Keep user code's signal handlers and finalizers from running, and from hearing of forks."""
    collecting = gc.isenabled()
    gc.disable()
    held = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_SIGNALS)
    on_child = signal.getsignal(signal.SIGCHLD)
    if callable(on_child):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        if callable(on_child):
            signal.signal(signal.SIGCHLD, on_child)
            if _has_ended_child():  # the user's, of which nobody has heard meanwhile
                os.kill(os.getpid(), signal.SIGCHLD)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if collecting:
            gc.enable()


def _has_ended_child() -> bool:
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep Python from warning that there are threads, which is known here (since 3.12)."""
    if sys.version_info < (3, 12):
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _require_rest(threads: Threads) -> None:
    running = threads.running()
    if running:
        raise CannotCopyNow(f"a thread is computing in a library ({', '.join(running)})")


def _explain(threads: dict[int, str]) -> str:
    names = ", ".join(sorted(set(threads.values())))
    return (
        f"a library has {len(threads)} native threads ({names}) that a copy would lack, and of "
        "which it is not known that it works without them"
    )


def _tell(connection: socket.socket, event: dict[str, Any]) -> None:
    connection.send(json.dumps(event).encode())


def _read_oom_score() -> int:
    try:
        with open("/proc/self/oom_score_adj") as file:
            return int(file.read())
    except OSError:
        return 0


def _prefer_for_killing(score: int) -> None:
    """Let the system, out of memory, end this process rather than its copies."""
    _set_oom_score(min(score + 100, 1000))


def _set_oom_score(score: int) -> None:
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(score))
