"""The file descriptors of a forked copy, which must not be those of the process it copies.

A copy that kept them would hold pipes and sockets open that the session closes, and move the
offsets of its files. So it opens each regular file again, at the offset it had, and has a socket
whose other end is closed in place of every pipe, socket and anonymous descriptor.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import io
import os
import socket
import stat
from collections.abc import Collection
from typing import Any, NamedTuple
from weakref import WeakSet

_OPENING = os.O_CREAT | os.O_EXCL | os.O_TRUNC
_GPU_DEVICES = ("/dev/nvidia", "/dev/kfd")
_TERMINALS = ("/dev/ptmx", "/dev/pts/")
_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)

_known_writers: WeakSet[Any] = WeakSet()


class _File(NamedTuple):
    descriptor: int
    offset: int
    flags: int
    inode: tuple[int, int]


class Descriptors:
    """What this process's descriptors are, looked at before a fork."""

    def __init__(self, private_folder: str) -> None:
        """Look at all of them; files in `private_folder` are not of user code."""
        self._private = private_folder
        self._files: list[_File] = []
        self._links: list[int] = []
        self._written: set[int] = set()
        self.gpu = ""
        for name in os.listdir("/proc/self/fd"):
            descriptor = int(name)
            # One may be gone: that with which the folder was read, or one that a thread closed.
            with contextlib.suppress(OSError):
                self._add(descriptor, os.fstat(descriptor))

    def _add(self, descriptor: int, status: os.stat_result) -> None:
        mode = status.st_mode
        if stat.S_ISREG(mode):
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            offset = os.lseek(descriptor, 0, os.SEEK_CUR)
            inode = (status.st_dev, status.st_ino)
            self._files.append(_File(descriptor, offset, flags, inode))
            if flags & os.O_ACCMODE != os.O_RDONLY and not self._is_private(descriptor):
                self._written.add(descriptor)
        elif stat.S_ISCHR(mode):
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if path.startswith(_GPU_DEVICES):
                self.gpu = path
            elif path.startswith(_TERMINALS):  # whose other end waits for a hang-up
                self._links.append(descriptor)
        elif not stat.S_ISDIR(mode) and not stat.S_ISBLK(mode):
            self._links.append(descriptor)

    def _is_private(self, descriptor: int) -> bool:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith(self._private + "/")

    def flush(self) -> None:
        """Write out what Python's own file objects hold back, before the files are looked at.

        Else the copy would write it once more.
        """
        if not self._written:
            return
        if not self._written <= {number for file in _known_writers if (number := _number(file))}:
            for thing in gc.get_objects():
                if type(thing) in _WRITERS:
                    _known_writers.add(thing)
        for file in list(_known_writers):
            if _number(file) in self._written:
                with contextlib.suppress(Exception):
                    file.flush()
        for index, file in enumerate(self._files):
            if file.descriptor in self._written:
                offset = os.lseek(file.descriptor, 0, os.SEEK_CUR)
                self._files[index] = file._replace(offset=offset)

    def detach(self, own: Collection[int], keep: Collection[int]) -> None:
        """In the copy: close `own`, leave `keep`, and let go of what all others lead to."""
        # Anything left would be shared: what goes wrong with one must not stop the others.
        for descriptor in own:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        # Up to the fork, other threads have gone on to open and close; since then, to read.
        there = Descriptors(self._private)
        before = {(file.descriptor, file.inode): file for file in self._files}
        self._files = [before.get((file.descriptor, file.inode), file) for file in there._files]
        self._links = there._links
        dead, other = socket.socketpair()
        other.close()
        for descriptor in self._links:
            if descriptor in own or descriptor in keep:
                continue
            with contextlib.suppress(OSError):
                inheritable = os.get_inheritable(descriptor)
                os.dup2(dead.fileno(), descriptor, inheritable)
        dead.close()
        self.open_files_again()

    def open_files_again(self) -> None:
        """Have the files for this process alone, each at the offset that it had then."""
        for file in self._files:
            with contextlib.suppress(OSError):
                _open_again(file.descriptor, file.offset, file.flags)


def _open_again(descriptor: int, offset: int, flags: int) -> None:
    inheritable = os.get_inheritable(descriptor)
    again = os.open(f"/proc/self/fd/{descriptor}", flags & ~_OPENING)
    try:
        os.lseek(again, offset, os.SEEK_SET)
        os.dup2(again, descriptor, inheritable)
    finally:
        os.close(again)


def _number(file: Any) -> int | None:
    try:
        number: int = file.fileno()
    except Exception:
        return None  # closed, detached, or over something that is no file
    return number
