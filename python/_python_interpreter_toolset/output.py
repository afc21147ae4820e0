"""Output of user code: file descriptors 1 and 2 as pipes that Node reads, and who wrote what.

Plain bytes in a pipe belong to the run between whose start and end marks they stand. Python-level
text of threads and tasks that another run started is framed with that run's number; it is known
from a context variable, which tasks copy, or from who started the thread. A child process
inherits the pipes of its run: when one may have been left behind, the next run gets new pipes, so
that whatever it still writes is known to be of the old run.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
import threading
from contextvars import Context, ContextVar
from itertools import count
from os import close as close_descriptor
from os import dup2, fstat, getpid, mkfifo, unlink
from os import open as open_descriptor
from os import write as write_descriptor
from select import select
from threading import current_thread
from types import ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .import_hooks import after_import
from .processes import children, ended_children_usage
from .protocol import PIPE_BUF, control_frame, encode_json, parts

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_UNSET = object()
_IONBF = 2  # <stdio.h>, the same in glibc, musl and macOS
_FRAME_ROOM = PIPE_BUF - 128  # what a payload may take beside a frame's header
_PIPE_MODE = 0o600
_NEITHER = 0
_ERRORS = "backslashreplace"  # a lone surrogate is shown, not refused


class Output:
    """The two output pipes of this process, and the run whose turn it is."""

    def __init__(self) -> None:
        """Be `sys.stdout` and `sys.stderr`; nothing is marked before `start`."""
        self.run = 0
        self._folder = ""
        self._nonce = b""
        self._pid = getpid()
        self._run_of_context: ContextVar[int] = ContextVar("python_interpreter_run")
        self._run_of_thread: WeakKeyDictionary[threading.Thread, int] = WeakKeyDictionary()
        self._pipes: dict[int, int] = {}
        self._read_ends: list[int] = []
        self._numbers = count(1)
        self._published = count()
        self.diverted: list[dict[str, Any]] | None = None
        """Takes what is published, where there is such a list."""
        self._written_to = 1
        self._switches = count(1)
        self._children: set[int] | None = set()
        self._usage = ended_children_usage()
        self._streams = (_text_stream(self, 1), _text_stream(self, 2))
        sys.__stdout__, sys.__stderr__ = self._streams  # type: ignore[misc]
        self._restore_streams()
        _unbuffer_c_streams()
        self._follow_threads()

    def forget_copying(self) -> None:
        """Do not take the processes that have made a copy of this one for children of a run."""
        self._usage = ended_children_usage()

    def descriptors(self) -> list[int]:
        """Answer the descriptors that `reopen` makes anew."""
        return [*self._pipes.values(), *self._read_ends]

    def start(self, folder: str, nonce: str) -> None:
        """Take over file descriptors 1 and 2, which are pipes already.

        `folder` is where further named pipes are made, `nonce` the secret in control frames.
        """
        self._folder = folder
        self._nonce = nonce.encode()
        # Our own duplicates, closed on exec: user code may close or redirect 1 and 2.
        self._pipes = {1: _duplicate(1), 2: _duplicate(2)}

    def reopen(self, folder: str, nonce: str) -> None:
        """In a forked copy that goes on by itself: write to the two pipes in `folder`."""
        self._folder = folder
        self._nonce = nonce.encode()
        self._pid = getpid()
        self._numbers = count(1)
        self._switches = count(1)
        self._read_ends = []
        self._children = set()
        self._usage = ended_children_usage()
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            flags = os.O_WRONLY | os.O_CLOEXEC
            self._pipes[descriptor] = open_descriptor(f"{folder}/{name}", flags)
        self._restore_descriptors()

    def begin(self, run: int) -> None:
        """Get ready for run number `run`, which starts with `mark_start`."""
        for read_end in self._read_ends:
            close_descriptor(read_end)  # Node has opened it: it knows of the pipe and sent this run
        self._read_ends = []
        self._restore_descriptors()
        self._restore_streams()
        self._written_to = 1
        self.diverted = None
        self.run = run
        self._run_of_context.set(run)

    def mark_start(self) -> None:
        """Tell Node that what follows in the pipes is the run's."""
        self._control(b"S", self.run)

    def end(self) -> int | None:
        """End the run; answer the number of the next run's pipes if they are new ones."""
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        self._restore_streams()
        self._control(b"E", self.run)
        return self._new_pipes() if self._may_have_left_children() else None

    def publish(self, output: dict[str, Any]) -> None:
        """Send an output that is no text of a stream, in its place among what Python code writes.

        It has a `type` of nbformat's outputs or Jupyter's messages, and their fields.
        """
        if self.diverted is not None:
            self.diverted.append(output)
            return
        own = self._streams[0]
        if sys.stdout is not own or not own.write_through:  # else there is nothing to flush
            with contextlib.suppress(Exception):  # user code may have put anything in its place
                sys.stdout.flush()
        name = b"%d-%d\n" % (getpid(), next(self._published))
        *first, last = parts(encode_json(output), _FRAME_ROOM)
        run = self.run_of_writer()
        if run == self.run:
            self._turn_to(1)
        for part in first:
            self._write_pipe(1, control_frame(self._nonce, b"d", run, name + part))
        self._write_pipe(1, control_frame(self._nonce, b"D", run, name + last))

    def run_of_writer(self) -> int:
        """Answer the run that started the code which is calling."""
        run = self._run_of_context.get(0)
        if run == 0:
            return self._run_of_thread.get(current_thread(), self.run)
        return run

    def write(self, descriptor: int, data: bytes) -> None:
        """Write Python-level text to `descriptor`, 1 or 2, under the run it belongs to."""
        run = self.run_of_writer()
        if run == self.run:
            self._turn_to(descriptor)
            try:
                _write_all(descriptor, data)
            except OSError:
                if is_open(descriptor):
                    raise
                self._write_pipe(descriptor, data)  # user code closed it; its text is not lost
            return
        for part in parts(data, _FRAME_ROOM):
            self._write_pipe(descriptor, control_frame(self._nonce, b"T", run, part))

    def keep_context(self, context: Context) -> None:
        """Set what a task has changed in its copy of the context variables, as `await` would."""
        for variable, value in context.items():
            if variable is not self._run_of_context and variable.get(_UNSET) is not value:
                variable.set(value)

    def _follow_threads(self) -> None:
        """Remember which run starts a thread, or hands work to one of a pool."""
        start = threading.Thread.start

        def start_and_remember(thread: threading.Thread) -> None:
            self._run_of_thread[thread] = self.run_of_writer()
            start(thread)

        threading.Thread.start = start_and_remember  # type: ignore[assignment, method-assign]
        after_import("concurrent.futures.thread", self._follow_pool)

    def _follow_pool(self, module: ModuleType) -> None:
        submit = module.ThreadPoolExecutor.submit

        def submit_for_run(pool: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            run = self.run_of_writer()

            def work() -> Any:
                self._run_of_context.set(run)
                return fn(*args, **kwargs)

            return submit(pool, work)

        module.ThreadPoolExecutor.submit = submit_for_run

    def in_forked_child(self) -> bool:
        """Answer whether this process is a copy that user code made with os.fork()."""
        return getpid() != self._pid

    def _turn_to(self, descriptor: int) -> None:
        """Tell Node, where Python code last wrote to the other pipe, that it writes to this now.

        Not in a forked copy: it would count as this process does, and knows nothing of its order.
        """
        if descriptor != self._written_to and self._pipes and not self.in_forked_child():
            self._written_to = _NEITHER  # until it is told: an interrupt can prevent that
            number = b"%d" % next(self._switches)
            self._write_pipe(descriptor, control_frame(self._nonce, b"W", self.run, number))
            self._written_to = descriptor

    def _write_pipe(self, descriptor: int, data: bytes) -> None:
        _write_all(self._pipes[descriptor], data)

    def _control(self, kind: bytes, run: int) -> None:
        frame = control_frame(self._nonce, kind, run)
        for pipe in self._pipes.values():
            _write_all(pipe, frame)

    def _restore_descriptors(self) -> None:
        for descriptor, pipe in self._pipes.items():
            dup2(pipe, descriptor)

    def _restore_streams(self) -> None:
        """Put our own streams back: later runs must not be mute because one replaced them."""
        streams = list(self._streams)
        for index, stream in enumerate(streams):
            try:
                if not _is_untouched(stream):
                    stream.reconfigure(encoding="utf-8", errors=_ERRORS, write_through=True)
            except ValueError:  # detached from its buffer
                streams[index] = _text_stream(self, index + 1)
        self._streams = (streams[0], streams[1])
        sys.stdout, sys.stderr = self._streams
        if sys.stdin is None or sys.stdin.closed:  # as exit() leaves it
            sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115

    def _may_have_left_children(self) -> bool:
        """Answer whether a process that this run started may still hold its pipes.

        A child that is there, or one that was waited for and may have left children of its own.
        """
        usage, was = ended_children_usage(), self._usage
        self._usage = usage
        before, self._children = self._children, children()
        if self._children is None:  # there are some, and this platform does not tell which
            return True
        return usage != was or (before is not None and not self._children <= before)

    def _new_pipes(self) -> int:
        number = next(self._numbers)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            path = f"{self._folder}/{name}-{number}"
            mkfifo(path, _PIPE_MODE)
            # Node has opened those that were new before; elsewhere it does so again by their names.
            if sys.platform == "linux":
                with contextlib.suppress(OSError):
                    unlink(f"{self._folder}/{name}-{number - 1}")
            self._read_ends.append(open_descriptor(path, os.O_RDONLY | os.O_NONBLOCK))
            write_end = open_descriptor(path, os.O_WRONLY)
            dup2(write_end, self._pipes[descriptor], inheritable=False)
            close_descriptor(write_end)
        self._restore_descriptors()
        return number


def encodable(text: str) -> str:
    """Answer `text` as standard output shows it: lone surrogates escaped."""
    return text if text.isascii() else text.encode("utf-8", _ERRORS).decode("utf-8")


class _OutputBuffer(io.BufferedIOBase):
    """What `sys.stdout.buffer` is: writes at once, and survives being closed."""

    def __init__(self, output: Output, descriptor: int) -> None:
        self._output = output
        self._descriptor = descriptor
        self.name = "<stdout>" if descriptor == 1 else "<stderr>"
        self.mode = "wb"

    def write(self, data: ReadableBuffer) -> int:
        content = data if isinstance(data, bytes) else bytes(memoryview(data))
        self._output.write(self._descriptor, content)
        return len(content)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Stay open: later runs, and handlers made in this one, write to the same stream."""


def _text_stream(output: Output, descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        _OutputBuffer(output, descriptor),
        encoding="utf-8",
        errors=_ERRORS,
        newline="\n",
        write_through=True,  # what a crashed process printed must be in the pipe by then
    )


def _is_untouched(stream: io.TextIOWrapper) -> bool:
    """Answer whether a stream of ours is as it was made; raises ValueError if it is detached."""
    encoding = stream.encoding == "utf-8" and stream.errors == _ERRORS
    return encoding and stream.write_through and not stream.closed


def _duplicate(descriptor: int) -> int:
    duplicate = os.dup(descriptor)
    os.set_inheritable(duplicate, False)
    return duplicate


def is_open(descriptor: int) -> bool:
    """Answer whether there is a file descriptor of that number."""
    try:
        fstat(descriptor)
    except OSError:
        return False
    return True


def _write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, also when user code has made the pipe non-blocking."""
    while data:
        try:
            data = data[write_descriptor(descriptor, data) :]
        except BlockingIOError:
            select((), (descriptor,), ())


def _unbuffer_c_streams() -> None:
    """Make C code's printf write at once, so that its text keeps its place and survives a crash."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        libc = ctypes.CDLL(None)
        for name in ("stdout", "stderr"):
            symbol = f"__{name}p" if sys.platform == "darwin" else name
            libc.setvbuf(ctypes.c_void_p.in_dll(libc, symbol), None, _IONBF, 0)
