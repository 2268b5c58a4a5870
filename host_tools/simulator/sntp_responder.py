"""A tiny SNTP server (RFC 4330) on 127.0.0.1 with fractional seconds, for the simulated board."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

_NTP_AT_UNIX_EPOCH = 2208988800
_SERVER = 0x24  # version 4, mode 4
_PACKET_SIZE = 48


class SntpResponder:
    """Answers in a thread of its own while the `with` block lasts; `port` is free to choose."""

    def __init__(self, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "SntpResponder":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"", ("127.0.0.1", self.port))  # an empty datagram ends the thread
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            request, peer = self._socket.recvfrom(_PACKET_SIZE)
            if not request:
                return
            if len(request) == _PACKET_SIZE:
                self._socket.sendto(reply(request, self._now_ns()), peer)


def reply(request: bytes, unix_ns: int) -> bytes:
    """The answer to one request, given the time in nanoseconds since 1970."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    stamp = struct.pack(
        ">II", (seconds + _NTP_AT_UNIX_EPOCH) % 2**32, (nanoseconds << 32) // 1_000_000_000
    )
    head = struct.pack(">BBbbII4s", _SERVER, 1, 0, -20, 0, 0, b"LOCL")
    return head + stamp + request[40:48] + stamp + stamp
