"""The raw limit: a DEALER that sends back what it receives, until its standard input ends."""

import os
import sys
import threading

import zmq


def end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(sys.argv[1])
socket.send(b"ready")
while True:
    socket.send_multipart(socket.recv_multipart())
