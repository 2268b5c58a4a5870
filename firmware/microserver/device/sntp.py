"""Asks an SNTP server for the time, with its fraction (RFC 4330)."""

import asyncio
import asyncio.core as core
import errno
import socket
import time

from micropython import const

_NTP_TO_UNIX_S = 2208988800
_REQUEST_SIZE = const(48)
_MODE_CLIENT = const(0x23)  # version 4, mode 3
_MODE_SERVER = const(4)
_KISS_OF_DEATH = const(0)  # stratum of a server that refuses


async def set_clock(clock, log, host, port):
    """Ask once and set `clock`; False when nobody answered."""
    try:
        seconds, micros, round_trip_us = await ask(host, port)
    except OSError as error:
        if not clock.wall:
            log.warning("time", "no answer from %s: %s" % (host, error))
        return False
    if not clock.wall:
        log.info("time", "set by SNTP, within %d ms" % (round_trip_us // 2000 + 1))
    clock.set_wall_now(seconds, micros)
    return True


async def ask(host, port, timeout_ms=3000):
    """(unix seconds, microseconds, round trip in microseconds) of the server's clock now.

    Half of the round trip is already added.  Raises OSError when nobody answers sensibly.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0][-1]
        request = bytearray(_REQUEST_SIZE)
        request[0] = _MODE_CLIENT
        sent_us = time.ticks_us()
        sock.sendto(request, address)
        reply = await asyncio.wait_for_ms(_receive(sock), timeout_ms)
        round_trip_us = time.ticks_diff(time.ticks_us(), sent_us)
    except asyncio.TimeoutError:
        raise OSError(errno.ETIMEDOUT)
    finally:
        sock.close()
    return _transmit_time(reply, round_trip_us)


async def _receive(sock):
    yield core._io_queue.queue_read(sock)
    return sock.recv(_REQUEST_SIZE)


def _transmit_time(reply, round_trip_us):
    if len(reply) < _REQUEST_SIZE or reply[0] & 7 != _MODE_SERVER or reply[1] == _KISS_OF_DEATH:
        raise OSError(errno.EINVAL)
    seconds = int.from_bytes(reply[40:44], "big") - _NTP_TO_UNIX_S
    if seconds < 0:  # era 1 begins in 2036
        seconds += 1 << 32
    micros = (int.from_bytes(reply[44:48], "big") * 1000000 >> 32) + round_trip_us // 2
    return seconds + micros // 1000000, micros % 1000000, round_trip_us
