"""Sends what the collectors have stored, every `sync_interval_mins`, and acks what arrived."""

import asyncio
import time

from micropython import const

from microserver.capture.batch import RecordsGone
from microserver.cloud.broken import ChannelBroken
from microserver.wire.grpc import GrpcError

_PATH = "/viam.app.datasync.v1.DataSyncService/DataCaptureUpload"
_PART_SIZE = const(512)
_ALREADY_EXISTS = const(6)

# Statuses that the same bytes can never turn into OK.  Policy: the data stays in the ring and is
# offered again after the longest backoff, because the cause is usually on the other side (a
# permission, a part that was deleted by mistake); overflow drops and counts it meanwhile.
_PERMANENT = b"\x03\x05\x07\x09\x0b\x0c"  # INVALID_ARGUMENT NOT_FOUND PERMISSION_DENIED
#                                            FAILED_PRECONDITION OUT_OF_RANGE UNIMPLEMENTED


class Uploader:
    """`outboxes`: one per collector.  One collector's refusal never holds up another's data."""

    def __init__(self, session, outboxes, clock, log):
        self._session = session
        self._outboxes = outboxes
        self._clock = clock
        self._log = log
        self._buffer = memoryview(bytearray(_PART_SIZE))
        self._connections = 0
        self.rounds = 0

    async def run(self, interval_ms):
        """Sync for ever; the interval counts from one start to the next."""
        due = time.ticks_ms()
        while True:
            due = time.ticks_add(due, interval_ms)
            await asyncio.sleep_ms(max(0, time.ticks_diff(due, time.ticks_ms())))
            if self._clock.wall:
                await self.sync()
            if time.ticks_diff(due, time.ticks_ms()) < -interval_ms:
                due = time.ticks_ms()  # a long outage is no reason to catch up round by round

    async def sync(self, final=False):
        """Send until every collector is empty or waits for its retry; `final` waits for none."""
        self.rounds += 1
        self._forgive_after_reconnect()
        busy = True
        while busy:
            busy = False
            for outbox in self._outboxes:
                if (final or self._due(outbox)) and outbox.next_batch(self._clock.wall):
                    busy = await self._send(outbox) or busy
            final = False

    def outbox_of(self, collector):
        """The outbox of `collector`, for its account."""
        for outbox in self._outboxes:
            if outbox.collector is collector:
                return outbox
        return None

    def _due(self, outbox):
        self._clock.advance()
        return self._clock.seconds >= outbox.retry_at

    def _forgive_after_reconnect(self):
        """A new connection is news: what failed for lack of one need not wait an hour."""
        if self._session.connections != self._connections:
            self._connections = self._session.connections
            for outbox in self._outboxes:
                if outbox.lost_connection:
                    outbox.retry_at = 0

    async def _send(self, outbox):
        """True when the batch is stored in the cloud."""
        batch = outbox.batch
        size = len(outbox.metadata) + batch.size
        identity = (("batch-id", outbox.batch_id()),)
        try:
            await self._session.call(_PATH, size, outbox.parts(self._buffer), identity)
        except RecordsGone:
            return True  # overflow overtook the batch; the rest goes at once, counted as dropped
        except ChannelBroken as error:
            self._note(outbox, str(error), False, error.ambiguous)
            outbox.lost_connection = True
            return False
        except GrpcError as error:
            if error.status != _ALREADY_EXISTS:
                self._note(outbox, str(error), error.status in _PERMANENT, False)
                return False
            # An earlier attempt was stored before its answer was lost, and overflow has made the
            # batch smaller since: what is left of it is in the cloud.
        outbox.succeeded()
        return True

    def _note(self, outbox, message, permanent, ambiguous):
        self._clock.advance()
        if message != outbox.last_error:
            self._log.warning("sync", "%s: %s" % (outbox.collector.name, message))
        outbox.failed(message, self._clock.seconds, permanent, ambiguous)
