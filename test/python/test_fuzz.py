"""Damaged bytes for all that decodes in Python; FUZZ_SEED and FUZZ_COUNT run others, and more."""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../python"))

from _python_interpreter_toolset import keeper, protocol, values_from_js
from _python_interpreter_toolset.exchange import Exchange

SEED = int(os.environ.get("FUZZ_SEED", "1"))
COUNT = int(os.environ.get("FUZZ_COUNT", "300"))

ODD = (
    *(None, True, -1, 0, 2**70, 1e308, "", "../..", "\ud800", [], [[]], {}, {"$": "x"}, {"$": []}),
    {"__proto__": {"a": 1}},
)


def damaged(dice: random.Random, whole: bytes) -> bytes:
    """Answer `whole` with up to four of its parts cut, doubled, changed or filled in."""
    for _ in range(dice.randint(0, 4)):
        at, to = (dice.randint(0, len(whole)) for _ in range(2))
        noise = bytes(dice.randrange(256) for _ in range(dice.randint(1, 8)))
        whole = dice.choice(
            (
                whole[:at],
                whole[:at] + noise + whole[at:],
                whole[:at] + whole[to:],
                whole + whole[at:to],
                whole[:at] + noise[:1] + whole[at + 1 :],
            )
        )
    return whole


def odd(dice: random.Random, fields: dict[str, object]) -> bytes:
    """Answer an object as JSON, with something odd in some places, and maybe damaged."""
    fields = {name: dice.choice(ODD) if dice.random() < 0.2 else fields[name] for name in fields}
    if dice.random() < 0.2:
        del fields[dice.choice(list(fields))]
    whole = json.dumps(fields).encode()
    return whole if dice.random() < 0.6 else damaged(dice, whole)


class Fuzz(unittest.TestCase):
    def each_dice(self):
        for seed in range(SEED, SEED + COUNT):
            with self.subTest(f"FUZZ_SEED={seed} FUZZ_COUNT=1 shows it again"):
                yield random.Random(seed)

    def test_messages_are_decoded_or_malformed(self):
        run = {"type": "run", "run": 1, "code": "1", "echo": "all", "result_var_name": "x"}
        ask = {"type": "variables", "run": 1, "names": ["x"], "value_form": "arrow"}
        inputs = {**run, "inputs": True, "can_ask": False, "value_form": "columns"}
        for dice in self.each_dice():
            frames = [odd(dice, dice.choice((run, ask, inputs)))]
            frames += [b"{}"] * dice.randint(0, 2)
            try:
                message = protocol.decode_message(frames)
                Exchange(message, frames[1:])
                protocol.field(message, "code", str)
            except protocol.MalformedMessage:
                continue
            self.assertIsInstance(message, dict)

    def test_deep_messages_are_malformed(self):
        for text in ("[" * 100_000, '{"type":' * 50_000, "1" * 10_000, "-", "\ufeff{}"):
            with self.assertRaises(protocol.MalformedMessage):
                protocol.decode_message([text.encode()])

    def test_values_are_decoded_or_refused(self):
        tags = (
            {"$": "int", "value": "-ff"},
            {"$": "float", "value": "NaN"},
            {"$": "date", "value": 5},
            {"$": "bytes", "data": [0, 8, 8]},
            {"$": "tuple", "items": [1, 2], "path": "x"},
            {"$": "set", "items": [1, 2], "path": "x"},
            {"$": "map", "entries": [[1, 2]], "path": "x"},
            {"$": "array", "data": [0, 0, 16], "dtype": "float64", "shape": [2], "path": "x"},
        )
        for dice in self.each_dice():
            json_bytes = b'{"x":' + odd(dice, dice.choice(tags)) + b"}"
            # Whatever is raised is the error of a run; anything else ends this process.
            try:
                values_from_js.decode_values(json_bytes, [memoryview(bytearray(24))])
            except Exception as error:
                self.assertNotIsInstance(error, (MemoryError, SystemError))

    def test_the_keeper_takes_any_packets(self):
        told: list[dict[str, object]] = []
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(keeper, "tell", told.append),
        ):
            for dice in self.each_dice():
                self.drive_keeper(dice, os.path.join(folder, "keeper"))
                os.unlink(os.path.join(folder, "keeper"))
        for event in told:
            self.assertIn(event["event"], ("failed", "stuck", "spawned"))
            self.assertIs(type(event["id"]), str)
            self.assertIs(type(event.get("message", "")), str)
            json.dumps(event)

    def drive_keeper(self, dice: random.Random, path: str) -> None:
        """Say to a keeper what workers and checkpoints say, and other things."""
        us = os.getpid()
        made = keeper.Keeper("/nowhere", "python")
        made.control = keeper.listen(path)
        made.pids["worker"] = us
        made.secrets["worker"] = "secret"
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        source = keeper.Source("source", theirs)
        source.forking.add("fork")
        made.sources["source"] = source
        packets = (
            {"event": "copying", "id": "a", "worker": "worker", "secret": "secret", "run": 1},
            {"event": "copied", "id": "a"},
            {"event": "asleep", "id": "a", "pid": us},
            {"event": "failed", "id": "a", "message": "m"},
            {"event": "forked", "id": "fork", "pid": us},
            {"event": "template", "threads": [], "failed": []},
        )
        with ours, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as worker:
            worker.connect(path)
            made.hear_copies()
            for _ in range(dice.randint(1, 8)):
                for connection in (ours, worker):
                    packet = odd(dice, dice.choice(packets[:2] if dice.random() < 0.3 else packets))
                    try:
                        connection.send(packet)
                    except OSError:
                        continue
                made.hear(source)
                made.hear_copies()
            self.assertNotIn(us, [pid for known, pid in made.pids.items() if known != "worker"])
        for copying in made.copying:
            copying.source.socket.close()
        theirs.close()
        made.control.close()


if __name__ == "__main__":
    unittest.main()
