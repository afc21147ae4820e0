"""The serve loop: receive, dispatch, answer; every message gets exactly one final answer."""

from __future__ import annotations

from .channel import Channel
from .execute import Executor
from .protocol import MalformedMessage, Message, decode_message, field

_TEXT_OR_NOTHING = (str, type(None))


def serve(channel: Channel, executor: Executor) -> None:
    """Answer messages for ever: the process ends when its keeper kills it."""
    while True:
        frames = channel.receive()
        try:
            message = decode_message(frames)
            answer = _run(executor, message)
        except MalformedMessage as error:
            answer = {"type": "error", "message": f"malformed message: {error}"}
        channel.send(answer)


def _run(executor: Executor, message: Message) -> Message:
    if message["type"] != "run":
        raise MalformedMessage(f"unknown type {message['type']!r}")
    return executor.run(
        field(message, "run", int),
        field(message, "code", str),
        field(message, "echo", str),
        field(message, "result_var_name", *_TEXT_OR_NOTHING),
    )
