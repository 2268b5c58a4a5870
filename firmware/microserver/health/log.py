"""The board's log: printed at once, and kept in a bounded ring until the cloud has it."""

from micropython import const

_CAPACITY_LINES = const(16)
_MAX_MESSAGE = const(160)  # longer messages are cut: a log line must not exhaust the heap


class Log:
    """Lines are (sequence, level, seconds, micros, logger, message), times since boot."""

    def __init__(self, clock):
        self._clock = clock
        self._lines = []
        self._next = 0
        self.dropped = 0
        self.last_error = ""

    def info(self, logger, message):
        self._add("info", logger, message)

    def warning(self, logger, message):
        self._add("warn", logger, message)

    def error(self, logger, message):
        self.last_error = "%s: %s" % (logger, message[:_MAX_MESSAGE])
        self._add("error", logger, message)

    def _add(self, level, logger, message):
        clock = self._clock
        clock.advance()
        message = message[:_MAX_MESSAGE]
        print("%d.%03d %s %s: %s" % (clock.seconds, clock.micros // 1000, level, logger, message))
        if len(self._lines) >= _CAPACITY_LINES:
            self._lines.pop(0)
            self.dropped += 1
        self._lines.append((self._next, level, clock.seconds, clock.micros, logger, message))
        self._next += 1

    def oldest(self, count):
        """Up to `count` of the oldest unsent lines; nothing is removed."""
        return self._lines[:count]

    def sent(self, last_sequence):
        """Forget the lines up to `last_sequence`: the cloud has them."""
        lines = self._lines
        while lines and lines[0][0] <= last_sequence:
            lines.pop(0)
