"""The raw limit: a DEALER that sends back what it receives."""

import sys

import zmq

socket = zmq.Context().socket(zmq.DEALER)
socket.connect(sys.argv[1])
socket.send(b"ready")
while True:
    frames = socket.recv_multipart()
    if frames == [b"end"]:
        break
    socket.send_multipart(frames)
