"""The messages and output frames that Node and the worker exchange; the twin of `protocol.ts`.

Messages travel over ZeroMQ as one frame of JSON each: `run`, `variables` or `checkpoint` from Node,
then `reply` or `checkpoint` (or `error`, for a message that is none) from the worker, and `ready`
once, unasked, when the worker has started. In the middle of a run, the worker may say `input` or
`call`, and Node `answer` with the same number; a worker that does not wait for a `call` any more
says `cancel`. Where there are values, more frames follow: behind a `run` or an `answer` one of
JSON, values by name, and the binary ones that `values_from_js.py` describes; behind a `reply` those
of `values_to_js.py`.

Output travels over the worker's standard output and error, which are named pipes that Node reads:
plain bytes, with control frames in between. A control frame is

    0x1E, nonce (32 characters), kind (1 character), run, ":", length, "\\n", payload (length bytes)

and never longer than PIPE_BUF, so that writers cannot tear it apart (POSIX, write(3)). The kinds:

    S  a run starts: plain bytes that follow belong to it
    E  a run has ended: plain bytes that follow came late
    T  the payload is text that belongs to `run`, whatever runs now
    W  Python code wrote to the other pipe before, and writes to this one now: the payload is a
       number that counts such switches in both pipes
    d  the payload is a part of an output that is no text, D its last part; its first line names the
       output, the parts together are JSON: `display_data`, `update_display_data` (both with `data`,
       `metadata`, `display_id`), `execute_result` or `clear_output` (with `wait`)
    X  written by Node itself after the worker died: nothing of the worker's follows
"""

from __future__ import annotations

import os
import select
import sys
from json import JSONDecoder, JSONEncoder, encoder
from typing import Any

VERSION = 1
PIPE_BUF = min(select.PIPE_BUF, 4096)
MARK = b"\x1e"

EXIT_NO_PYZMQ = 86


def _json_encoder() -> Any:
    """Answer the C encoder itself: JSONEncoder looks names up that user code may have deleted."""
    plain = JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    make: Any = encoder.c_make_encoder  # type: ignore[attr-defined]
    if make is None:
        return lambda value, level: plain.iterencode(value)
    quote = encoder.encode_basestring_ascii
    return make(None, plain.default, quote, None, ":", ",", False, False, False)


# Made at import: user code may break or remove the json module.
_decode = JSONDecoder().decode
_encode = _json_encoder()

Message = dict[str, Any]


class MalformedMessage(Exception):
    """What Node sent is not a message."""


def read_config() -> dict[str, Any]:
    """Answer the configuration on standard input, and leave that empty."""
    config: dict[str, Any] = _decode(sys.stdin.buffer.read().decode("utf-8"))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return config


def take_config(folder: str) -> dict[str, Any]:
    """Read and remove the configuration that the keeper has put into a forked worker's folder."""
    path = os.path.join(folder, "config")
    with open(path, "rb") as file:
        config: dict[str, Any] = _decode(file.read().decode("utf-8"))
    os.unlink(path)
    return config


def encode_json(value: object) -> bytes:
    """Answer `value` as JSON; in ASCII, as a lone surrogate has no UTF-8 form but has an escape."""
    return "".join(_encode(value, 0)).encode("ascii")


def decode_message(frames: list[Any]) -> Message:
    """Answer the message in the first of `frames`; raises MalformedMessage."""
    try:
        message = _decode(frames[0].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"not JSON: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise MalformedMessage("not an object with a type")
    if len(frames) > 1 and "inputs" not in message:
        raise MalformedMessage(f"a message without inputs has 1 frame, not {len(frames)}")
    return message


def field(message: Message, name: str, *types: type) -> Any:
    """Answer `message[name]` if it has one of `types`; raises MalformedMessage."""
    value = message.get(name)
    if type(value) not in types:
        wanted = " or ".join(t.__name__ for t in types)
        raise MalformedMessage(f"{message['type']}.{name} must be {wanted}")
    return value


def control_frame(nonce: bytes, kind: bytes, run: int, payload: bytes = b"") -> bytes:
    """Answer a control frame of the output pipes."""
    return MARK + nonce + kind + b"%d:%d\n" % (run, len(payload)) + payload


def parts(payload: bytes, size: int) -> list[bytes]:
    """Cut `payload` into pieces of at most `size` bytes, at least one."""
    return [payload[i : i + size] for i in range(0, len(payload), size)] or [b""]
