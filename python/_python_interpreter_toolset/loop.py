"""The serve loop: receive, dispatch, answer; every message gets exactly one final answer."""

from __future__ import annotations

import sys

from .channel import Channel
from .execute import Executor
from .protocol import MalformedMessage, Message, decode_message, field
from .tracebacks import describe

_ECHO_MODES = ("all", "last", "none")
_TEXT_OR_NOTHING = (str, type(None))


def serve(channel: Channel, executor: Executor) -> None:
    """Answer messages for ever: the process ends when its keeper kills it."""
    while True:
        frames = _receive(channel)
        try:
            message = decode_message(frames)
            answer = _run(executor, message)
        except MalformedMessage as error:
            answer = {"type": "error", "message": f"malformed message: {error}"}
        channel.send(answer)


def _receive(channel: Channel) -> list[bytes]:
    """Wait for a message; what a signal handler of user code raises meanwhile is only shown."""
    while True:
        try:
            return channel.receive()
        except BaseException as error:
            sys.stderr.write(describe(error)["traceback"] + "\n")


def _run(executor: Executor, message: Message) -> Message:
    if message["type"] != "run":
        raise MalformedMessage(f"unknown type {message['type']!r}")
    if field(message, "echo", str) not in _ECHO_MODES:
        raise MalformedMessage(f"run.echo must be one of {', '.join(_ECHO_MODES)}")
    return executor.run(
        field(message, "run", int),
        field(message, "code", str),
        field(message, "echo", str),
        field(message, "result_var_name", *_TEXT_OR_NOTHING),
    )
