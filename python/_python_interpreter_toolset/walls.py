"""The walls around one sandboxed session that is forked.

Outer walls, which bubblewrap has made around the template, say which files there are. What differs
from session to session is made here: processes (whose first is the session's keeper), network, and
a mount namespace in which `/proc`, `/tmp` and the engine's private folder show only its own.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import stat
import struct

from .system_calls import forbid_system_calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

# linux/sched.h
_NEW_MOUNTS = 0x00020000
_NEW_HOST_NAME = 0x04000000
_NEW_IPC = 0x08000000
_NEW_USER = 0x10000000
NEW_PIDS = 0x20000000
_NEW_NETWORK = 0x40000000
NEW_ALL = NEW_PIDS | _NEW_NETWORK | _NEW_IPC | _NEW_HOST_NAME
# linux/mount.h
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXECUTION, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _RECURSIVE = 4096, 16384
# linux/sockios.h, linux/if.h
_SET_INTERFACE_FLAGS = 0x8914
_INTERFACE_UP = 1
# linux/prctl.h, linux/capability.h
_SET_DUMPABLE = 4
_DROP_BOUND_CAPABILITY = 24
_NO_NEW_PRIVILEGES = 38
_CAPABILITIES_VERSION = 0x20080522
_LAST_CAPABILITY = 63


def unshare(kinds: int = NEW_ALL) -> None:
    """Put this process into namespaces of these kinds, and of mounts, that are its own.

    If of pids, it is its next fork that is their first process. Raises OSError where the system
    does not allow that.
    """
    user, group = os.getuid(), os.getgid()
    _require(_libc.unshare(_NEW_USER | _NEW_MOUNTS | kinds))
    # user_namespaces(7): in this order.
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    # New privileges have hidden its /proc from others, the keeper of the session among them.
    _require(_libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0))


def mount_own(walls: dict[str, Any]) -> None:
    """Show in `/proc`, `/tmp` and the engine's private folder only what is its own.

    `walls` is what a template is told of them. To be called by the first process of the namespaces.
    Raises OSError.
    """
    private, temporary, session = walls["private"], walls["temporary"], walls["session"]
    places = ["/tmp", "/var/tmp", "/dev/shm"]
    if not any(_is_below(private, place) for place in places):
        places.append(private)
    again = [path for path in walls["kept"] if any(_is_below(path, place) for place in places)]
    held = [os.open(path, os.O_PATH) for path in again]
    try:
        mount_proc()
        for path in walls["settings"]:
            if os.path.exists(path):
                _mount(path, path, "", _BIND | _RECURSIVE)
                read_only = _BIND | _REMOUNT | _READ_ONLY
                _mount("", path, "", read_only | _NO_SUID | _NO_DEVICES | _NO_EXECUTION)
        for place in places:
            _mount_memory(place, "1777", temporary["bytes"])
        _mount_memory(session["folder"], "0700", session["bytes"])
        os.makedirs(temporary["home"], exist_ok=True)
        for descriptor, path in zip(held, again):
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                os.makedirs(path, exist_ok=True)
            else:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            _mount(f"/proc/self/fd/{descriptor}", path, "", _BIND)
    finally:
        for descriptor in held:
            os.close(descriptor)


def mount_proc() -> None:
    """Show in `/proc` the processes of this namespace of pids; raises OSError."""
    _mount("proc", "/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_EXECUTION)


def start_loopback() -> None:
    """Let processes of this namespace reach each other by 127.0.0.1; raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", _INTERFACE_UP))


def confine() -> None:
    """Give up, for good, what this process and all that it starts need not be able to do.

    Raises OSError.
    """
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_DROP_BOUND_CAPABILITY, capability, 0, 0, 0)  # fails for those that are none
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    _require(_libc.capset(header, (ctypes.c_uint32 * 6)()))
    _require(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    forbid_system_calls()


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _mount_memory(path: str, mode: str, size: int) -> None:
    _mount("tmpfs", path, "tmpfs", _NO_SUID | _NO_DEVICES, f"mode={mode},size={size}")


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    _require(
        _libc.mount(
            source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None
        ),
        target,
    )


def _require(answer: int, path: str | None = None) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
