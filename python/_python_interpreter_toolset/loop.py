"""The serve loop: receive, dispatch, answer; every message gets exactly one final answer.

Between messages it makes the checkpoints that are due. A copy that goes on from one returns from
that into this loop, with a channel of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .asking import Asking
from .channel import Channel
from .exchange import Exchange
from .execute import Executor
from .protocol import MalformedMessage, Message, decode_message, field
from .questions import Questions
from .tracebacks import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .checkpoints import Checkpoints

    GoOn = Callable[[dict[str, Any]], None]

_ECHO_MODES = ("all", "last", "none")
_TYPES = ("run", "variables", "checkpoint", "answer")


def serve(
    channel: Channel,
    executor: Executor,
    asking: Asking,
    questions: Questions,
    checkpoints: Checkpoints | None,
    go_on: GoOn,
) -> None:
    """Answer messages for ever: the process ends when its keeper kills it."""
    while True:
        frames = _receive(channel, checkpoints, go_on)
        exchange = None
        try:
            message = decode_message(frames)
            if message["type"] not in _TYPES:
                raise MalformedMessage(f"unknown type {message['type']!r}")
            if message["type"] == "checkpoint":
                answer = _checkpoint(message, checkpoints, go_on)
            elif message["type"] == "answer":
                answer = None  # to a question that was interrupted
            else:
                channel.forget_sent()
                exchange = _exchange(message, frames)
                answer = _run(executor, asking, questions, message, exchange)
                if checkpoints and message["type"] == "run":
                    checkpoints.run_ended(message["run"], executor.meter.own)
        except MalformedMessage as error:
            answer = {"type": "error", "message": f"malformed message: {error}"}
        if answer is not None:
            channel.send(answer, exchange.frames if exchange else ())


def _receive(channel: Channel, checkpoints: Checkpoints | None, go_on: GoOn) -> list[Any]:
    """Wait for a message; what a signal handler of user code raises meanwhile is only shown."""
    while True:
        try:
            left = checkpoints.milliseconds_left() if checkpoints else None
            frames = None if left == 0 else channel.receive(left)
            if frames is not None:
                return frames
            if checkpoints:
                request = checkpoints.make_due()
                if request is not None:
                    go_on(request)
        except BaseException as error:
            sys.stderr.write(describe(error)["traceback"] + "\n")


def _checkpoint(message: Message, checkpoints: Checkpoints | None, go_on: GoOn) -> Message | None:
    """Make the checkpoint that is asked for; None in a copy that goes on, whom nobody has asked."""
    trouble = None if checkpoints else "only Linux can have any"
    if checkpoints:
        from .copying import CannotCopy

        try:
            request = checkpoints.make(field(message, "id", str))
        except CannotCopy as error:
            trouble = str(error)
        else:
            if request is not None:
                go_on(request)
                return None
    return {"type": "checkpoint", "id": message.get("id"), "trouble": trouble}


def _exchange(message: Message, frames: list[Any]) -> Exchange | None:
    """Answer what the message has to do with values; None for most, which costs them nothing."""
    if message["type"] == "run" and len(frames) == 1 and message.get("result_var_name") is None:
        return None
    inputs = frames[1:]
    del frames[1:]  # they may be large, and this list stays until the next message
    return Exchange(message, inputs)


def _run(
    executor: Executor,
    asking: Asking,
    questions: Questions,
    message: Message,
    exchange: Exchange | None,
) -> Message:
    if message["type"] == "variables":
        return executor.run(field(message, "run", int), "", "none", exchange)
    if field(message, "echo", str) not in _ECHO_MODES:
        raise MalformedMessage(f"run.echo must be one of {', '.join(_ECHO_MODES)}")
    code, echo = field(message, "code", str), field(message, "echo", str)
    questions.begin(field(message, "can_ask", bool))
    asking.begin(field(message, "run", int))
    try:
        return executor.run(message["run"], code, echo, exchange)
    finally:
        asking.end()
        questions.end()
