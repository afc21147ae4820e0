"""The keeper: one small process per engine that starts, signals and reaps every Python process.

It runs no user code and needs only the standard library. Node writes commands to its standard
input and reads events from its standard output, both JSON, one a line; `keeper.ts` is the twin of
this file. Node holds the only write end of that input: when it reaches end-of-file, Node has ended,
however it did, and the keeper ends every process below it, removes the private folder and ends too.

Every worker leads its own process group. Processes that a worker's code started are found by their
group and by WORKER_VARIABLE in their environment. On Linux the keeper is a child subreaper, so
whatever was orphaned below it becomes its own child; elsewhere only the groups are known.

Workers are forked by sources: templates, which the keeper starts, and checkpoints, copies that
workers make of themselves. Each has a socket to the keeper, which carries packets of JSON. User
code can reach these sockets, and be in a checkpoint, too: what is said there is only believed of
the process that the system names as its sender, and nothing of it is passed on unseen.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import stat
import sys
from time import monotonic

TYPE_CHECKING = False  # importing typing costs milliseconds
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    Event = dict[str, Any]

WORKER_VARIABLE = "PYTHON_INTERPRETER_WORKER"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_DUMPABLE = 4
PF_EXITING = 4  # linux/sched.h
PR_SET_CHILD_SUBREAPER = 36
SWEEPS = 100
CONTROL = 3  # the descriptor on which a template finds its socket
MAX_PACKET = 1 << 16
COPY_SECONDS = 4.0  # a fork that takes longer counts as a hang
MOST_PACKETS = 16  # heard of one source before the others have their turn
MOST_CONNECTIONS = 4  # of one process, or of all that are not known, which say of a copy
MOST_CHARACTERS = 1000  # of what a worker says went wrong
MAX_ID = 36  # characters, as a UUID has
MOST_RUNS = 1 << 53  # a number that Node can count to
CREDENTIALS = 12  # bytes: pid, uid and gid of who has sent or connected (unix(7))
ANCILLARY = socket.CMSG_SPACE(CREDENTIALS)  # no more: descriptors that are sent along have no place


class Keeper:
    """Starts workers and tells Node how each of them ended."""

    def __init__(self, folder: str, launched_as: str) -> None:
        """`folder` is the engine's private folder, `launched_as` what Node called this Python."""
        self.folder = folder
        self.launched_as = launched_as
        self.pids: dict[str, int] = {}
        self.read_ends: dict[str, list[int]] = {}
        self.secrets: dict[str, str] = {}
        self.sources: dict[str, Source] = {}
        # Where workers tell of copies; only Linux has any.
        self.control: socket.socket | None = None
        # Copies that workers have begun to make of themselves, and how many there have been.
        self.copying: list[Copying] = []
        self.copies = 0
        # Workers that have been reaped while a copy of them is being made.
        self.lost: dict[str, int] = {}
        # Of whom Node wants to know when no copy of them is being made.
        self.settling: list[str] = []
        # How children ended that nobody has told of yet, by pid: forks of a source, or any others.
        self.unclaimed: dict[int, int] = {}
        # To be killed as soon as a source has told their pid.
        self.unwanted: set[str] = set()

    def serve(self) -> None:
        """Handle commands and deaths until Node ends or says `close`."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)
        # Made here, where it is removed: whenever Node ends, nothing stays behind.
        if os.getpid() == 1:  # inside of walls, where code of the same user may look at it
            prctl(PR_SET_DUMPABLE, 0)
        make_folder(self.folder)
        if sys.platform.startswith("linux"):
            self.control = listen(os.path.join(self.folder, "keeper"))
        tell({"event": "hello"})
        lines = b""
        while True:
            sources = [source for source in self.sources.values() if not source.has_ended]
            sockets = {source.socket.fileno(): source for source in sources}
            copying = [copying.source.socket for copying in self.copying]
            control = [] if self.control is None else [self.control]
            heard: list[Any] = [0, wake_read, *control, *sockets, *copying]
            readable = wait_to_read(heard, self.patience())
            for ready in readable:
                if ready in sockets:
                    self.hear(sockets[ready])
            self.hear_copies()
            if 0 in readable:
                received = os.read(0, 1 << 20)
                if not received:
                    break
                *complete, lines = (lines + received).split(b"\n")
                for line in complete:
                    self.handle(json.loads(line))
            with contextlib.suppress(BlockingIOError):
                while os.read(wake_read, 512):
                    pass
            self.reap()
        self.end_everything()

    def handle(self, command: Event) -> None:
        """Carry out one command; a failure is told as an event that names the worker."""
        try:
            getattr(self, "do_" + command["do"])(command)
        except Exception as error:
            self.do_attached({"id": command.get("id")})
            tell({"event": "failed", "id": command.get("id"), "message": describe(error)})

    def do_spawn(self, command: Event) -> None:
        """Start a worker with its output on two named pipes and its configuration on stdin."""
        worker_id: str = command["id"]
        self.secrets[worker_id] = command["secret"]
        out_write, err_write = self.make_pipes(worker_id)
        self.execute(command, {1: out_write, 2: err_write})
        os.close(out_write)
        os.close(err_write)
        tell({"event": "spawned", "id": worker_id, "pid": self.pids[worker_id]})

    def do_fork(self, command: Event) -> None:
        """Have a source fork a worker with its output on two named pipes."""
        worker_id: str = command["id"]
        source = self.sources.get(command["source"])
        if source is None:
            raise ChildProcessError("what it was to be forked from has ended")
        source.ask({"id": worker_id, "folder": self.prepare(command), "cwd": command["cwd"]})
        source.forking.add(worker_id)

    def do_wall(self, command: Event) -> None:
        """Have a template build walls around a fork of it, in which that keeps a session."""
        source = self.sources.get(command["source"])
        if source is None:
            raise ChildProcessError("what it was to be forked from has ended")
        source.ask({key: command[key] for key in ("id", "secret")})
        source.forking.add(command["id"])

    def prepare(self, command: Event) -> str:
        """Make the folder of a worker that is forked, with all that it needs; answer its path."""
        worker_id: str = command["id"]
        for write_end in self.make_pipes(worker_id):
            os.close(write_end)  # the worker opens them by name
        folder = os.path.join(self.folder, worker_id)
        with open(os.path.join(folder, "config"), "x", encoding="utf-8") as file:
            file.write(command["config"])
        self.secrets[worker_id] = command["secret"]
        return folder

    def do_template(self, command: Event) -> None:
        """Start a template, which says over a socket of its own when it is ready."""
        # Packets, so that whichever spare reads one has it whole.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        null = os.open(os.devnull, os.O_WRONLY)
        self.execute(command, {1: null, 2: null, CONTROL: theirs.fileno()})
        os.close(null)
        theirs.close()
        self.sources[command["id"]] = Source(command["id"], ours, is_template=True)

    def hear(self, source: Source) -> None:
        """Handle what a source says."""
        for event, sender in source.events():
            try:
                if event["event"] == "forked":
                    self.hear_fork(source, event, sender)
                elif event["event"] == "template" and source.is_template:
                    tell({**event, "id": source.id})
            except Exception:  # user code has found the socket
                continue
        if source.has_ended and source.id in self.sources:  # it cannot be asked any more
            self.signal_worker(source.id, signal.SIGKILL)

    def hear_fork(self, source: Source, event: Event, sender: int) -> None:
        """Know the worker that a source has forked, who says so itself, too."""
        worker_id = event["id"]
        if worker_id not in source.forking:  # said by the other of the two already
            return
        pid = event["pid"] if sender == self.pids[source.id] else sender
        # A template runs no user code; and what it has put behind walls cannot be looked at.
        is_trusted = source.is_template and sender == self.pids[source.id]
        if not is_trusted and not self.may_be_fork(pid, sender, (source.id, worker_id)):
            return
        source.forking.discard(worker_id)
        self.pids[worker_id] = pid
        if worker_id in self.unwanted:
            self.unwanted.discard(worker_id)
            self.signal_worker(worker_id, signal.SIGKILL)
        tell({"event": "spawned", "id": worker_id, "pid": pid})
        if self.has_been_reaped(pid):
            self.lose(worker_id, self.unclaimed.pop(pid))

    def may_be_fork(self, pid: object, sender: int, marks: Collection[str]) -> bool:
        """Answer whether a process is one that nobody else has forked; raises OSError if not ours.

        Where it does not say so itself, it has one of these marks, or has ended.
        """
        if type(pid) is not int or pid in self.pids.values():
            return False
        if self.has_been_reaped(pid):
            return True
        has_ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if pid == sender or has_ended:
            return True
        entries = environment_of(pid)
        has_mark = any(f"{WORKER_VARIABLE}={mark}".encode() in entries for mark in marks)
        # One that is just ending has no environment any more.
        return has_mark or is_ending(pid)

    def has_been_reaped(self, pid: int) -> bool:
        """Answer whether a child ended before anything was told of it; `unclaimed` has how."""
        if pid not in self.unclaimed:
            return False
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            # There is one, so that it was another that ended: the system gives pids anew.
            del self.unclaimed[pid]
            return False
        return True

    def patience(self) -> float | None:
        """Answer how many seconds the copies that are being made are given yet."""
        deadlines = [copying.deadline for copying in self.copying]
        return max(0.0, min(deadlines) - monotonic()) if deadlines else None

    def hear_copies(self) -> None:
        """Hear of new copies, and what becomes of those that are being made."""
        with contextlib.suppress(OSError):  # there is none, or no descriptor is left for it
            for _ in range(MOST_PACKETS):
                if self.control is not None:
                    self.admit(Copying(self.control.accept()[0]))
        for copying in list(self.copying):
            try:
                for event, sender in copying.source.events():
                    self.hear_copy(copying, event, sender)
            except Exception:  # user code has found the socket
                copying.is_over = True
                self.fail_copy(copying, "what was said of its copy is malformed")
            if copying.is_over or copying.source.has_ended:
                self.copying.remove(copying)
                if not copying.is_over:
                    self.fail_copy(copying, "its copy ended before it was asleep")
            elif monotonic() > copying.deadline:
                self.copying.remove(copying)
                self.fail_copy(copying, "its fork did not end")
                if copying.worker in self.pids and not copying.has_forked:
                    tell({"event": "stuck", "id": copying.worker})
        busy = {copying.worker for copying in self.copying}
        for worker_id in [settling for settling in self.settling if settling not in busy]:
            self.settling.remove(worker_id)
            tell({"event": "settled", "id": worker_id})
        for worker_id in [lost for lost in self.lost if lost not in busy]:
            self.tell_end(worker_id, self.lost.pop(worker_id))

    def admit(self, copying: Copying) -> None:
        """Hear of a copy; of those who connect and say nothing, only the last are heard."""
        known = self.pids.values()
        who = copying.pid if copying.pid in known else None  # all strangers are one
        silent = [
            other
            for other in self.copying
            if not other.worker and who == (other.pid if other.pid in known else None)
        ]
        for other in silent[: 1 - MOST_CONNECTIONS]:
            other.source.socket.close()
            self.copying.remove(other)
        self.copying.append(copying)

    def hear_copy(self, copying: Copying, event: Event, sender: int) -> None:
        """Handle what is said of one copy.

        Its worker says `copying` before the fork and `copied` after it, it itself then `asleep`.
        """
        if copying.is_over:
            return
        is_of_worker = sender == self.pids.get(copying.worker)
        if event["event"] == "copying" and not copying.worker and self.may_copy(event, sender):
            copying.worker, copying.source.id = event["worker"], event["id"]
            copying.run = event["run"]
            self.copies += 1
            copying.number = self.copies
        elif event["event"] == "copied" and is_of_worker:
            copying.has_forked = True
            copying.deadline = monotonic() + COPY_SECONDS  # what the copy itself may take
        elif event["event"] == "asleep" and copying.worker and sender not in self.pids.values():
            copy_id, pid = copying.source.id, sender
            copying.is_over = True
            if self.has_been_reaped(pid):
                del self.unclaimed[pid]
                self.fail_copy(copying, "its copy ended")
                return
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # raises if not a child
            self.pids[copy_id] = pid
            self.sources[copy_id] = copying.source
            told = {"worker": copying.worker, "run": copying.run, "pid": pid}
            # The next may be asleep sooner.
            tell({"event": "checkpoint", "id": copy_id, "number": copying.number, **told})
        else:
            copying.is_over = True
            message = str(event.get("message", "its copy was refused"))
            self.fail_copy(copying, message[:MOST_CHARACTERS])

    def may_copy(self, event: Event, sender: int) -> bool:
        """Answer whether it is a worker who says that it makes a copy, and what it says is good."""
        copy_id, run = event["id"], event["run"]
        if not is_id(copy_id) or copy_id in self.pids or copy_id in self.secrets:
            return False
        if type(run) is not int or not 0 <= run < MOST_RUNS:
            return False
        # A branch of the worker knows its secret, too, but is another process.
        secret = self.secrets.get(event["worker"])
        is_known = secret is not None and secret == event["secret"]
        return is_known and sender == self.pids.get(event["worker"])

    def fail_copy(self, copying: Copying, message: str) -> None:
        """Let go of a copy that has not come about, and end what there is of it."""
        copying.source.socket.close()
        if not copying.worker:  # a stranger, of whom nobody wants to hear
            return
        end_marked_children(copying.source.id, self.pids.values())
        tell({"event": "failed", "id": copying.source.id, "message": message})

    def make_pipes(self, worker_id: str) -> tuple[int, int]:
        """Make the folder and the named pipes of a worker; answer the pipes' write ends."""
        folder = os.path.join(self.folder, worker_id)
        os.mkdir(folder, 0o700)
        out_read, out_write = make_pipe(os.path.join(folder, "stdout"))
        err_read, err_write = make_pipe(os.path.join(folder, "stderr"))
        # Open until Node reads the pipes itself, or a worker that dies early takes its words along.
        self.read_ends[worker_id] = [out_read, err_read]
        return out_write, err_write

    def execute(self, command: Event, descriptors: dict[int, int]) -> None:
        """Start a program with `command["config"]` on its standard input, and these descriptors."""
        config = unlinked_file(os.path.join(self.folder, "config"), command["config"])
        python = sys.executable if command["python"] == self.launched_as else command["python"]
        environment = {**command["env"], WORKER_VARIABLE: command["id"]}
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                end_with_keeper(keeper)
                os.setpgid(0, 0)
                for target, source in {0: config, **descriptors}.items():
                    os.dup2(source, target)
                os.chdir(command["cwd"])
                reset_signals()
                os.execve(python, [python, *command["arguments"]], environment)
            except BaseException as error:
                os.write(2, f"{python}: {describe(error)}\n".encode(errors="backslashreplace"))
                os._exit(127)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # whichever of the two comes first: a signal may follow at once
        os.close(config)
        self.pids[command["id"]] = pid

    def do_answer(self, _: Event) -> None:
        """Say that all commands before this one have been heard."""
        tell({"event": "answer"})

    def do_remove(self, command: Event) -> None:
        """Remove the folder of a worker that has ended."""
        remove_folder(os.path.join(self.folder, command["id"]))

    def do_attached(self, command: Event) -> None:
        """Node reads the worker's pipes now."""
        for descriptor in self.read_ends.pop(command["id"], []):
            os.close(descriptor)

    def do_interrupt(self, command: Event) -> None:
        """Send SIGINT to the worker's process group, then say that it has been sent."""
        try:
            self.signal_worker(command["id"], signal.SIGINT)
        finally:
            tell({"event": "interrupted", "id": command["id"]})

    def do_settle(self, command: Event) -> None:
        """Say when each copy that the worker has begun to make is there, or has failed."""
        self.settling.append(command["id"])
        self.hear_copies()

    def do_kill(self, command: Event) -> None:
        """Send SIGKILL to the worker's process group; its end is told when it is reaped."""
        if any(command["id"] in source.forking for source in self.sources.values()):
            self.unwanted.add(command["id"])
        self.signal_worker(command["id"], signal.SIGKILL)

    def signal_worker(self, worker_id: str, number: int) -> None:
        """Signal a worker's process group; the worker alone if its code made it leave that."""
        pid = self.pids.get(worker_id)
        if pid is None:
            return
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)

    def reap(self) -> None:
        """Reap all ended children, telling Node of the workers among them."""
        for pid, status in reaped_children(self.pids.values()):
            worker_id = next((known for known, its in self.pids.items() if its == pid), None)
            if worker_id is not None:
                self.lose(worker_id, status)
            elif self.copying or any(source.forking for source in self.sources.values()):
                self.unclaimed[pid] = status
            else:
                self.unclaimed.clear()

    def lose(self, worker_id: str, status: int) -> None:
        """Forget a worker or source that has been reaped, and tell how it ended."""
        source = self.sources.pop(worker_id, None)
        if source is None:
            # First, for what is said of copies is only believed of a process that is known.
            self.hear_copies()
            del self.pids[worker_id]
            # Told when it is known whether there is a copy of it, which till then has its mark.
            self.lost[worker_id] = status
            self.hear_copies()
            return
        self.hear(source)
        del self.pids[worker_id]
        source.socket.close()
        for forking in source.forking:
            self.secrets.pop(forking, None)
            self.do_attached({"id": forking})
            message = "what it was forked from has ended"
            tell({"event": "failed", "id": forking, "message": message})
        tell({"event": "exited", "id": worker_id, **ending(status)})

    def tell_end(self, worker_id: str, status: int) -> None:
        """End what a dead worker's code has left, and tell how that worker ended."""
        # Not earlier: what it has said of copies may be heard only now.
        self.secrets.pop(worker_id, None)
        end_marked_children(worker_id, self.pids.values())
        tell({"event": "exited", "id": worker_id, **ending(status)})

    def end_everything(self) -> None:
        """End every process below this one and remove the private folder."""
        for pid in self.pids.values():
            kill_group(pid)
        while True:
            for pid in child_pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
        remove_folder(self.folder)


class Source:
    """The keeper's end of what forks workers: a socket that carries packets of JSON."""

    def __init__(
        self, source_id: str, connection: socket.socket, is_template: bool = False
    ) -> None:
        """`connection` is the keeper's end of the pair, on which the system names who sends."""
        self.id = source_id
        self.socket = connection
        self.is_template = is_template
        connection.setblocking(False)  # a source that does not listen must not stop the keeper
        self.forking: set[str] = set()
        self.has_ended = False

    def ask(self, request: Event) -> None:
        """Send one request; raises OSError when the source does not take it."""
        self.socket.send(json.dumps(request).encode())

    def events(self) -> list[tuple[Event, int]]:
        """Answer some of the events that are there, with the pid of who has sent each."""
        events = []
        with contextlib.suppress(OSError):
            for _ in range(MOST_PACKETS):
                packet, ancillary, _, _ = self.socket.recvmsg(MAX_PACKET, ANCILLARY)
                if not packet:
                    self.has_ended = True
                    break
                events.append((decode(packet), sender_of(ancillary)))
        return events


class Copying:
    """A copy that a worker makes of itself, up to when it is asleep."""

    def __init__(self, connection: socket.socket) -> None:
        """`connection` is the keeper's end; who is at the other has not been said yet."""
        self.source = Source("", connection)
        self.pid = pid_of(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS))
        self.worker = ""
        self.run = 0
        self.number = 0
        self.deadline = monotonic() + COPY_SECONDS
        self.has_forked = False
        self.is_over = False


def tell(event: Event) -> None:
    """Write one event to Node; when Node is gone there is nobody to tell."""
    line = json.dumps(event).encode() + b"\n"
    with contextlib.suppress(BrokenPipeError):
        while line:
            line = line[os.write(1, line) :]


def wait_to_read(descriptors: list[Any], seconds: float | None) -> set[int]:
    """Answer which of these can be read, once one can be or so many seconds have passed."""
    poll = select.poll()  # select() knows no descriptor above 1023
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    milliseconds = None if seconds is None else int(seconds * 1000) + 1
    return {descriptor for descriptor, _ in poll.poll(milliseconds)}


def make_folder(path: str) -> None:
    """Make a private folder; raises OSError where another user's is in its place."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        # Walls show it, or a keeper before this one was killed.
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise


def remove_folder(path: str) -> None:
    """Remove a folder with what is in it, as far as that is possible."""
    import shutil  # costs milliseconds that the start of the first interpreter would pay

    shutil.rmtree(path, ignore_errors=True)


def make_pipe(path: str) -> tuple[int, int]:
    """Make a named pipe at `path`; answer its read end and its write end.

    User code may put something else in its place meanwhile: raises OSError then, rather than wait.
    """
    os.mkfifo(path, 0o600)
    safely = os.O_NONBLOCK | os.O_NOFOLLOW
    read = os.open(path, os.O_RDONLY | safely)
    try:
        write = os.open(path, os.O_WRONLY | safely)
    except OSError:
        os.close(read)
        raise
    os.set_blocking(write, True)
    return read, write


def listen(path: str) -> socket.socket:
    """Answer a socket at `path` that others can connect to, to send packets."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # for those it accepts, too
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of a keeper that was killed
    listening.bind(path)
    listening.listen(128)
    listening.setblocking(False)
    return listening


def decode(packet: bytes) -> Event:
    """Answer the event that a packet holds; an empty one where it holds none."""
    try:
        event = json.loads(packet)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def sender_of(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Answer the pid of who has sent a packet, as the system knows it; 0 where it does not."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return pid_of(data)
    return 0


def pid_of(credentials: bytes) -> int:
    """Answer the first of the three numbers of a `struct ucred`."""
    return int.from_bytes(credentials[:4], sys.byteorder)


def is_id(value: object) -> bool:
    """Answer whether a value can be an id: Node and the file system take it as it is."""
    if type(value) is not str or len(value) > MAX_ID:
        return False
    return value.isascii() and value.replace("-", "").isalnum()


def unlinked_file(path: str, text: str) -> int:
    """Answer a descriptor that reads `text` and has no name in the file system any more."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of a keeper that was killed just then
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(path)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def reset_signals() -> None:
    """Undo the keeper's signal dispositions, which exec would hand on where they ignore."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def reaped_children(leaders: Collection[int]) -> Iterator[tuple[int, int]]:
    """Reap every child that has ended, killing what is left of a leader's group."""
    with contextlib.suppress(ChildProcessError):
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            for leader in list(leaders):
                pid, status = os.waitpid(leader, os.WNOHANG)
                if pid:
                    kill_group(pid)
                    yield pid, status
            return
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            # Killed before it is reaped, so that the group's id cannot have passed to another.
            if ended.si_pid in leaders:
                kill_group(ended.si_pid)
            yield os.waitpid(ended.si_pid, 0)


def kill_group(leader: int) -> None:
    """Kill a process group, if there still is one."""
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)


def child_pids() -> list[int]:
    """Answer the pids of all children, zombies too, where Linux tells them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def end_marked_children(worker_id: str, known: Collection[int]) -> None:
    """Kill what a dead worker's code left behind, wherever it hides from the process group.

    Those in `known` are workers and sources themselves.
    """
    mark = f"{WORKER_VARIABLE}={worker_id}".encode()
    for _ in range(SWEEPS):
        # What ends here leaves its own children to the keeper, which the next sweep finds.
        orphans = set(child_pids()) - set(known)
        marked = [pid for pid in orphans if mark in environment_of(pid)]
        if not marked:
            return
        for pid in marked:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def environment_of(pid: int) -> list[bytes]:
    """Answer the environment entries that process `pid` was started with; none for a zombie."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def is_ending(pid: int) -> bool:
    """Answer whether a process has begun to exit, or is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            # proc(5): the fields after the command's name, of which flags is the seventh.
            return bool(int(file.read().rpartition(")")[2].split()[6]) & PF_EXITING)
    except OSError:
        return True


def ending(status: int) -> Event:
    """Answer how a process ended: an exit code or a signal's name."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return {"code": None, "signal": signal.Signals(number).name}
        except ValueError:
            return {"code": None, "signal": f"signal {number}"}
    return {"code": os.WEXITSTATUS(status), "signal": None}


def describe(error: BaseException) -> str:
    """Answer an error as one line."""
    return f"{type(error).__name__}: {error}"


def become_subreaper() -> None:
    """Adopt the descendants whose parents end before them; only Linux can."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_keeper(keeper: int) -> None:
    """Have Linux kill this process when its parent, the keeper with that pid, ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)


def prctl(option: int, value: int) -> None:
    """Set an option of this process; does nothing but on Linux."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    become_subreaper()
    Keeper(sys.argv[1], sys.argv[2]).serve()
