"""`machine.RTC`: a clock that someone must set, and memory that survives a reset."""

import os
import time


def _file():
    return (os.getenv("SIMULATED_STATE") or ".") + "/rtc"


class RTC:
    """The date since someone set it, and up to 2 kB that a reset leaves alone."""

    def datetime(self, fields=None):
        """(year, month, day, weekday, hours, minutes, seconds, subseconds)"""
        if fields is None:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime()
            return (year, month, day, weekday, hour, minute, second, 0)
        year, month, day, _, hour, minute, second, _ = fields
        wanted = time.mktime((year, month, day, hour, minute, second, 0, 0))
        time.set_s += wanted - time.time()

    def memory(self, data=None):
        if data is not None:
            with open(_file(), "wb") as file:
                file.write(data)
            return None
        try:
            with open(_file(), "rb") as file:
                return file.read()
        except OSError:
            return b""
