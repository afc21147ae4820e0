"""System calls that a sandboxed session has no need of, and that attacks are made of.

They fail as if they were not permitted. The filter is a program for the kernel's seccomp, see
https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)

# By the machine: the name that the kernel's audit has for it (linux/audit.h), and its numbers.
_X86_64 = 0xC000003E
_AARCH64 = 0xC00000B7
_FORBIDDEN: dict[str, tuple[int, int | None]] = {
    # Looking into other processes, and changing them.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    # Namespaces and mounts.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # What the kernel keeps for all, and parts of it with a history of holes.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "memfd_secret": (447, 447),
    "modify_ldt": (154, None),
}
# What changes when a process runs, refused where that is the first one, the keeper of the session.
# Libraries do it to themselves and to their threads. The first argument is a pid;
_SCHEDULING = {
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
}
# or it says what the second one is, be it a user with all that is theirs: PRIO_USER of
# sys/resource.h, IOPRIO_WHO_USER of linux/ioprio.h.
_PRIORITIES = {
    "setpriority": ((141, 140), 2),
    "ioprio_set": ((251, 30), 3),
}
_KEEPER = 1
_SOCKET = (41, 198)
# linux/socket.h: AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK; others lead out of the namespaces.
_SOCKET_FAMILIES = (1, 2, 10, 16)
_PRLIMIT = (302, 261)
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_NEW_NAMESPACES = 0x7E020080  # all flags CLONE_NEW* of linux/sched.h

# linux/bpf_common.h, linux/filter.h
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Where the data that a filter sees has what: struct seccomp_data in linux/seccomp.h.
_NUMBER, _MACHINE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_ALLOW = 0x7FFF0000
_FAIL = 0x00050000
_KILL_PROCESS = 0x80000000
_X32 = 0x40000000  # numbers of another set of system calls on x86-64
_SECCOMP = 22  # PR_SET_SECCOMP
_FILTER = 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def forbid_system_calls() -> None:
    """Have them fail in this process from now on, and in all that it starts.

    Needs no_new_privs. Raises OSError where there are no filters, or this machine is not known.
    """
    code = _filter(os.uname().machine)
    program = _Program(len(code) // 8, code)
    if _libc.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _filter(machine: str) -> bytes:
    column = {"x86_64": 0, "aarch64": 1}.get(machine)
    if column is None:
        raise OSError(errno.ENOSYS, f"which system calls to forbid is not known for {machine}")
    refuse = _step(_RETURN, _FAIL | errno.EPERM)
    steps = [
        # Another machine's system calls have other numbers.
        _step(_LOAD, _MACHINE),
        _step(_JUMP_EQUAL, (_X86_64, _AARCH64)[column], 1, 0),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _NUMBER),
    ]
    if column == 0:
        steps += [_step(_JUMP_AT_LEAST, _X32, 0, 1), refuse]
    for numbers in _FORBIDDEN.values():
        number = numbers[column]
        if number is not None:
            steps += [_step(_JUMP_EQUAL, number, 0, 1), refuse]
    for numbers in _SCHEDULING.values():
        steps += [
            _step(_JUMP_EQUAL, numbers[column], 0, 4),
            _step(_LOAD, _FIRST_ARGUMENT),
            _step(_JUMP_EQUAL, _KEEPER, 0, 1),
            refuse,
            _step(_LOAD, _NUMBER),
        ]
    for numbers, user in _PRIORITIES.values():
        steps += [
            _step(_JUMP_EQUAL, numbers[column], 0, 6),
            _step(_LOAD, _FIRST_ARGUMENT),
            _step(_JUMP_EQUAL, user, 2, 0),
            _step(_LOAD, _SECOND_ARGUMENT),
            _step(_JUMP_EQUAL, _KEEPER, 0, 1),
            refuse,
            _step(_LOAD, _NUMBER),
        ]
    steps += [
        _step(_JUMP_EQUAL, _SOCKET[column], 0, 2 + len(_SOCKET_FAMILIES)),
        _step(_LOAD, _FIRST_ARGUMENT),
        *(
            _step(_JUMP_EQUAL, family, len(_SOCKET_FAMILIES) - index, 0)
            for index, family in enumerate(_SOCKET_FAMILIES)
        ),
        refuse,
        _step(_LOAD, _NUMBER),
        # The limits of another process, its keeper for one; 0 is who calls.
        _step(_JUMP_EQUAL, _PRLIMIT[column], 0, 4),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_JUMP_EQUAL, 0, 1, 0),
        refuse,
        _step(_LOAD, _NUMBER),
        # Its flags are in memory, where a filter cannot look; libraries then use clone().
        _step(_JUMP_EQUAL, _CLONE3[column], 0, 1),
        _step(_RETURN, _FAIL | errno.ENOSYS),
        _step(_JUMP_EQUAL, _CLONE[column], 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_JUMP_ANY_BIT, _NEW_NAMESPACES, 0, 1),
        refuse,
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
