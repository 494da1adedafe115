"""A frame every half a millisecond into a device, with the time of each: when a filter began follows from how many it
counted."""

import socket
import threading
import time

import frames

PAUSE = 0.0005  # s: as exactly the beginning is known
FRAME = frames.ipv4("198.51.100.1", 17, bytes(40))


class Stream:
    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((device, 0))

    def __enter__(self):
        self.times, self.ended = [], threading.Event()
        self.thread = threading.Thread(target=self._send)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.socket.close()

    def _send(self):
        while not self.ended.is_set():
            self.times.append(time.monotonic())
            self.socket.send(FRAME)
            time.sleep(PAUSE)

    def first_of_last(self, count):
        """When the first of the last `count` frames was sent, as time.monotonic() has it. The stream has ended."""
        if not 0 < count <= len(self.times):
            raise SystemExit("bench: %d frames counted of %d" % (count, len(self.times)))
        return self.times[len(self.times) - count]
