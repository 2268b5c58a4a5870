"""Take a reading when its deadline comes, and append it to the ring.

A fast collector reads raw fields inside the timer's callback; a simple one is woken by it and
reads from a task, where a driver may allocate, wait and fail in any way.
"""

import asyncio

from micropython import const

from microserver.capture.record import HEADER, put_times, record_of

_LONGEST_S = const(60)
_MICROS = const(1000000)


class Collector:
    """What both kinds share.

    `captured` counts readings taken; each is stored, or counted by the ring as dropped or
    rejected. `missed` counts deadlines without a sample, `failed` samples without a reading.
    `grid` is what `service.grid_of` gives; `origin` is what the uploads' metadata are made of.
    """

    bad_values = 0
    reading = None

    def __init__(self, name, grid, source, ring, service):
        self.name = name
        self.grid = grid
        self.ring = ring
        self.schemas = ring.schemas
        self.captured = self.missed = self.failed = 0
        self.origin = self.last_error = None
        self.is_due = False  # something is left for the service's task to `read`
        self._service = service
        self._seconds = self._micros = 0  # requested time of the newest record

    def _append(self, buffer, requested, micros, seconds, now_micros):
        """Completes the record by its times and stores it."""
        since_micros = micros - self._micros
        since = requested - self._seconds
        if since_micros < 0:
            since_micros += _MICROS
            since -= 1
        taken = min(seconds - requested, _LONGEST_S) * _MICROS + now_micros - micros
        layout = self.schemas.layouts[buffer[0]]
        micros -= put_times(buffer, layout, since, since_micros, taken)
        self.captured += 1
        if self.ring.append(buffer, len(buffer)):
            if micros < 0:  # the next time counts from what was stored
                micros += _MICROS
                requested -= 1
            self._seconds = requested
            self._micros = micros


class FastCollector(Collector):
    """Reads a `FastSource` in the callback: nothing is allocated.

    The source's schema is in slot 0 of the ring's schemas.
    """

    def __init__(self, name, grid, source, ring, service):
        super().__init__(name, grid, source, ring, service)
        self._sample_into = source.sample_into
        self._buffer = bytearray(ring.schemas[0].size)
        self._view = memoryview(self._buffer)[HEADER:]

    def capture(self):
        """Takes one sample now; the clock was advanced just before."""
        clock = self._service.clock
        seconds = clock.seconds
        micros = clock.micros
        try:
            self._sample_into(self._view)
        except Exception as error:  # the supervisor of this driver: others go on
            self.failed += 1
            if self.last_error is None:
                self.is_due = True  # the first failure goes into the log, which allocates
                self._service.due.set()
            self.last_error = error
            return
        clock.advance()
        self._append(self._buffer, seconds, micros, clock.seconds, clock.micros)

    def read(self):
        """Tells of the first failure."""
        self.is_due = False
        self._service.report(self.name, repr(self.last_error))


class SimpleCollector(Collector):
    """Reads a `SimpleSource` when `capture` says so, from the service's task.

    `service.report(name, message)` hears of the first of a row of equal failures.
    """

    timeout_ms = 5000

    def __init__(self, name, grid, source, ring, service):
        super().__init__(name, grid, source, ring, service)
        self._getter = source.getter
        self._payload_of = source.payload_of
        self._due_seconds = self._due_micros = 0
        self.bad_values = 0
        self._busy = False

    def capture(self):
        """Notes the time and wakes the task; while it is still busy the deadline is missed."""
        if self._busy:
            self.missed += 1
            return
        clock = self._service.clock
        self._busy = True
        self._due_seconds = clock.seconds
        self._due_micros = clock.micros
        self.is_due = True
        self._service.due.set()

    def read(self):
        """Takes the reading that is due; one that must be waited for gets a task, `reading`."""
        self.is_due = False
        try:
            result = self._getter()
            if hasattr(result, "send"):
                self.reading = asyncio.create_task(self._wait(result))
                return
            self.store(result)
        except Exception as error:  # the supervisor of this driver: any failure is its own
            self._fail(error)
        self._busy = False

    async def _wait(self, coroutine):
        try:
            self.store(await asyncio.wait_for(coroutine, self.timeout_ms / 1000))
        except asyncio.TimeoutError:
            self._fail(OSError("no reading within %d ms" % self.timeout_ms))
        except Exception as error:  # as above
            self._fail(error)
        self.reading = None
        self._busy = False

    def store(self, result):
        """Stores what the driver gave; ValueError when that is no reading."""
        if self._payload_of:
            result = self._payload_of(result)
        if not isinstance(result, dict):
            raise ValueError("a reading is a dict, not %r" % (result,))
        values = []
        texts = []
        payload = result if self._payload_of else {"readings": result}
        schema = self.schemas.find(payload, values, texts, self.ring.first)
        self.bad_values += schema.bad
        if not schema.size:
            raise ValueError("no value in the reading")
        refusal = self._put(schema, values, texts)
        if refusal:
            self._note(ValueError(refusal))
        else:
            self.last_error = None

    def _put(self, schema, values, texts):
        """Why the ring can never take this reading, if so; the ring has counted it."""
        ring = self.ring
        rejected = ring.rejected
        if schema.slot < 0:
            self.captured += 1
            ring.rejected += 1
            return "too many kinds of readings wait to be sent"
        buffer = record_of(schema, values, texts)
        seconds, micros = self._service.clock.now()
        self._append(buffer, self._due_seconds, self._due_micros, seconds, micros)
        if ring.rejected > rejected:
            return "a reading of %d bytes is too large" % len(buffer)

    def _fail(self, error):
        self.failed += 1
        self._note(error)

    def _note(self, error):
        if repr(error) != repr(self.last_error):
            self._service.report(self.name, str(error) or repr(error))
        self.last_error = error
