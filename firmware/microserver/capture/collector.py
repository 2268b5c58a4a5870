"""Take a reading when its deadline comes, and append it to the ring.

A fast collector reads raw fields inside the timer's callback; a simple one is woken by it and
reads from its own task, where a driver may allocate, wait and fail in any way.
"""

import asyncio

from micropython import const

from microserver.capture.record import HEADER, Reading, put_times, raw_schema, rounding_us

_TIMEOUT_MS = const(5000)
_LONGEST_S = const(60)
_MICROS = const(1000000)


class Collector:
    """What both kinds share.

    `captured` counts readings taken; each is stored, or counted by the ring as dropped or
    rejected. `missed` counts deadlines without a sample, `failed` samples without a reading.
    """

    def __init__(self, component, capture, source, ring, clock, report):
        self.name = component.name + ":" + capture.method
        self.component = component.name
        self.api = component.api
        self.method = capture.method
        self.params = capture.params
        self.tags = capture.tags
        self.frequency_uhz = capture.frequency_uhz
        self.source = source
        self.ring = ring
        self.schemas = ring.schemas
        self.captured = self.missed = self.failed = self.bad_values = 0
        self.last_error = None
        self._clock = clock
        self._report = report
        self._seconds = self._micros = 0  # requested time of the newest record

    def stats(self):
        """All counters, those of the ring too, as a dict."""
        ring = self.ring
        error = self.last_error
        return {
            "name": self.name,
            "captured": self.captured,
            "missed": self.missed,
            "failed": self.failed,
            "bad_values": self.bad_values,
            "records": ring.records(),
            "used": ring.used(),
            "cap": ring.cap,
            "stored": ring.end,
            "stored_bytes": ring.stored_bytes(),
            "dropped": ring.dropped(),
            "rejected": ring.rejected,
            "lost": ring.lost,
            "spilled": ring.spilled,
            "last_error": "" if error is None else str(error) or repr(error),
        }

    def _append(self, buffer, n, requested, micros, seconds, now_micros):
        """Completes the record `buffer[:n]` by its times and stores it."""
        since_micros = micros - self._micros
        since = requested - self._seconds
        if since_micros < 0:
            since_micros += _MICROS
            since -= 1
        taken = min(seconds - requested, _LONGEST_S) * _MICROS + now_micros - micros
        schemas = self.schemas
        put_times(buffer, schemas.big_endian[buffer[0]], since, since_micros, taken)
        self.captured += 1
        if self.ring.append(buffer, n):
            micros -= rounding_us(since, since_micros)  # the next time counts from what was stored
            if micros < 0:
                micros += _MICROS
                requested -= 1
            self._seconds = requested
            self._micros = micros


class FastCollector(Collector):
    """Reads a `FastSource` in the callback: nothing is allocated."""

    def __init__(self, component, capture, source, ring, clock, report):
        super().__init__(component, capture, source, ring, clock, report)
        self._sample_into = source.sample_into
        schema = raw_schema(source)
        self.schemas.put(0, schema)
        ring.expect(schema.size)
        self._buffer = bytearray(schema.size)
        self._view = memoryview(self._buffer)[HEADER:]

    def capture(self):
        """Takes one sample now; the clock was advanced just before."""
        clock = self._clock
        seconds = clock.seconds
        micros = clock.micros
        try:
            self._sample_into(self._view)
        except Exception as error:  # the supervisor of this driver: others go on
            self.failed += 1
            self.last_error = error
            return
        clock.advance()
        buffer = self._buffer
        self._append(buffer, len(buffer), seconds, micros, clock.seconds, clock.micros)


class SimpleCollector(Collector):
    """Reads a simple source from a task: `run()`.

    `report(name, message)` hears of the first of a row of equal failures.  `flag` has `set()`,
    safe in a callback, and `wait()`, a coroutine: asyncio.ThreadSafeFlag.
    """

    def __init__(
        self, component, capture, source, ring, clock, report, timeout_ms=_TIMEOUT_MS, flag=None
    ):
        super().__init__(component, capture, source, ring, clock, report)
        self._timeout_ms = timeout_ms
        self._flag = flag or asyncio.ThreadSafeFlag()
        self._due_seconds = self._due_micros = 0
        self._busy = False

    def capture(self):
        """Notes the time and wakes the task; while it is still busy the deadline is missed."""
        if self._busy:
            self.missed += 1
            return
        self._busy = True
        self._due_seconds = self._clock.seconds
        self._due_micros = self._clock.micros
        self._flag.set()

    async def run(self):
        """Takes a reading whenever `capture` was called; for ever."""
        while True:
            await self._flag.wait()
            try:
                await self.take()
            except Exception as error:  # the supervisor of this driver: any failure is its own
                self._fail(error)
            self._busy = False

    async def take(self):
        """One reading, stored; raises what the driver raises, ValueError when it is none."""
        payload = self.source.read()
        if hasattr(payload, "send"):
            payload = await self._bounded(payload)
        if not isinstance(payload, dict):
            raise ValueError("a reading is a dict, not %r" % (payload,))
        reading = Reading(payload)
        self.bad_values += reading.bad_values
        if not reading.count:
            raise ValueError("no value in the reading")
        refusal = self._store(reading)
        if refusal:
            self._note(ValueError(refusal))
        else:
            self.last_error = None

    async def _bounded(self, coroutine):
        try:
            return await asyncio.wait_for(coroutine, self._timeout_ms / 1000)
        except asyncio.TimeoutError:
            raise OSError("no reading within %d ms" % self._timeout_ms)

    def _store(self, reading):
        """Why the ring can never take this reading, if so; the ring has counted it."""
        ring = self.ring
        slot = self.schemas.slot_of(reading.shape, ring.first)
        if slot < 0:
            self.captured += 1
            ring.rejected += 1
            return "too many kinds of readings wait to be sent"
        rejected = ring.rejected
        buffer = reading.record(slot, self.schemas[slot])
        seconds, micros = self._clock.now()
        self._append(buffer, len(buffer), self._due_seconds, self._due_micros, seconds, micros)
        if ring.rejected > rejected:
            return "a reading of %d bytes is too large" % len(buffer)

    def _fail(self, error):
        self.failed += 1
        self._note(error)

    def _note(self, error):
        if repr(error) != repr(self.last_error):
            self._report(self.name, str(error) or repr(error))
        self.last_error = error
