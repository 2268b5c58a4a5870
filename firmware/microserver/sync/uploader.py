"""Sends what the collectors have stored, every `sync_interval_mins`, and acks what arrived."""

import asyncio
import time

from micropython import const

from microserver.capture.batch import Batch, RecordsGone
from microserver.cloud.session import ChannelBroken
from microserver.sync.backoff import jittered_s, longer
from microserver.wire.grpc import GrpcError

_PATH = "/viam.app.datasync.v1.DataSyncService/DataCaptureUpload"
_PART_SIZE = const(512)
_LONGEST_RETRY_MS = const(3600000)
_ALREADY_EXISTS = const(6)

# Statuses that the same bytes can never turn into OK.  Policy: the data stays in the ring and is
# offered again after the longest backoff, because the cause is usually on the other side (a
# permission, a part that was deleted by mistake); overflow drops and counts it meanwhile.
_PERMANENT = b"\x03\x05\x07\x09\x0b\x0c"  # INVALID_ARGUMENT NOT_FOUND PERMISSION_DENIED
#                                            FAILED_PRECONDITION OUT_OF_RANGE UNIMPLEMENTED


class Outbox:
    """What one collector still has to send, when it may try, and its account.

    `metadata`: the encoded `metadata` field of its DataCaptureUploadRequests, tag included;
    `series`: a text that no other collector has, nor had in another boot.
    """

    def __init__(self, collector, metadata, series):
        self.collector = collector
        self.metadata = metadata
        self.series = series
        self.batch = None  # frozen until the cloud says OK, so that a retry sends the same bytes
        self.may_be_stored = False  # an attempt at the batch ended without an answer
        self.delay_ms = 0
        self.retry_at = 0  # seconds since boot
        self.uploads = self.uploaded = self.failures = self.ambiguous = 0
        self.last_error = ""
        self.worth_connection = 0  # the first connection that is worth a new attempt, if one broke

    def freeze(self, wall):
        """True when there is a batch to send: the old one, or else a new one with this `wall`."""
        if self.batch is None or not self.batch.refreeze():
            self.batch = Batch(self.collector.ring, self.collector.schemas, wall)
            self.may_be_stored = False
        return self.batch.count > 0

    def batch_id(self):
        """The same for every attempt, and no other batch's."""
        return "%s-%d" % (self.series, self.batch.id)

    def parts(self, buffer):
        """The upload request as views of at most len(buffer) bytes, after its metadata."""
        yield memoryview(self.metadata)
        for part in self.batch.parts(buffer):
            yield part

    def succeeded(self):
        batch = self.batch
        self.collector.ring.ack(batch.end)
        self.uploads += 1
        self.uploaded += batch.count
        self.batch = None
        self.delay_ms = self.retry_at = 0
        self.last_error = ""

    def failed(self, message, now, delay_ms):
        self.failures += 1
        self.last_error = message
        self.delay_ms = delay_ms
        self.retry_at = now + jittered_s(delay_ms)


class Uploader:
    """`outboxes`: one per collector.  One collector's refusal never holds up another's data."""

    def __init__(self, session, outboxes, clock, log):
        self._session = session
        self.outboxes = outboxes
        self._clock = clock
        self._log = log
        self._buffer = memoryview(bytearray(_PART_SIZE))
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
        """Send until every collector is empty or waits for its retry; `final` waits for none.

        Returns how many of them have something left to send.
        """
        self.rounds += 1
        busy = True
        while busy:
            busy = False
            for outbox in self.outboxes:
                if (final or self._is_due(outbox)) and outbox.freeze(self._clock.wall):
                    busy = await self._send(outbox) or busy
            final = False
        return len([outbox for outbox in self.outboxes if outbox.collector.ring.records()])

    def _is_due(self, outbox):
        self._clock.advance()
        if outbox.worth_connection and outbox.worth_connection <= self._session.connections:
            return True  # a new connection is news: no need to wait out the hour
        return self._clock.seconds >= outbox.retry_at

    async def _send(self, outbox):
        """True when the batch is stored in the cloud, or overflow has overtaken it."""
        size = len(outbox.metadata) + outbox.batch.size
        identity = (("batch-id", outbox.batch_id()),)
        outbox.worth_connection = 0
        earlier = outbox.may_be_stored
        outbox.may_be_stored = True  # until the answer, or until it surely was not sent
        try:
            await self._session.call(_PATH, size, outbox.parts(self._buffer), identity)
        except RecordsGone:
            outbox.may_be_stored = earlier
            return True  # what is left goes at once; what is gone was counted as dropped
        except ChannelBroken as error:
            outbox.worth_connection = self._session.connections + 1
            outbox.ambiguous += error.ambiguous
            outbox.may_be_stored = earlier or error.ambiguous
            return self._note(outbox, error, longer(outbox.delay_ms, _LONGEST_RETRY_MS))
        except GrpcError as error:
            outbox.may_be_stored = earlier
            # ALREADY_EXISTS: an earlier attempt was stored before its answer was lost, and
            # overflow has made the batch smaller since: what is left of it is in the cloud.
            if error.status in _PERMANENT:
                return self._note(outbox, error, _LONGEST_RETRY_MS)
            if error.status != _ALREADY_EXISTS or not earlier:
                return self._note(outbox, error, longer(outbox.delay_ms, _LONGEST_RETRY_MS))
        outbox.succeeded()
        return True

    def _note(self, outbox, error, delay_ms):
        message = str(error)
        if message != outbox.last_error:
            self._log.warning("sync", "%s: %s" % (outbox.collector.name, message))
        self._clock.advance()
        outbox.failed(message, self._clock.seconds, delay_ms)
        return False
