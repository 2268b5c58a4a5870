"""What one collector still has to send: its frozen batch, its backoff and its account."""

from microserver.capture.batch import Batch
from microserver.sync.backoff import Backoff


class Outbox:
    """`metadata`: the encoded `metadata` field of a DataCaptureUploadRequest, tag included."""

    def __init__(self, collector, metadata, boot_id):
        self.collector = collector
        self.metadata = metadata
        self._boot_id = boot_id
        self.batch = None  # frozen until the cloud says OK, so that a retry sends the same bytes
        self.backoff = Backoff()
        self.retry_at = 0  # seconds since boot
        self.uploads = self.uploaded = self.failures = self.ambiguous = 0
        self.last_error = ""
        self.lost_connection = False  # the last failure was the link, not an answer

    def next_batch(self, wall):
        """The batch to send now, frozen with `wall` time, or None when all is sent."""
        batch = self.batch
        if batch is not None and not batch.refreeze():
            batch = None  # overflow dropped every record of it, and counted them
        if batch is None:
            batch = Batch(self.collector.ring, self.collector.schemas, wall)
            if not batch.count:
                batch = None
        self.batch = batch
        return batch

    def batch_id(self):
        """The same for every attempt: unique per boot, collector and first record."""
        return "%s-%s-%d" % (self._boot_id, self.collector.name, self.batch.id)

    def parts(self, buffer):
        """The upload request as views of at most len(buffer) bytes."""
        yield memoryview(self.metadata)
        for part in self.batch.parts(buffer):
            yield part

    def succeeded(self):
        batch = self.batch
        self.collector.ring.ack(batch.end)
        self.uploads += 1
        self.uploaded += batch.count
        self.batch = None
        self.retry_at = 0
        self.last_error = ""
        self.backoff.succeeded()

    def failed(self, message, now, permanent=False, ambiguous=False):
        self.failures += 1
        if ambiguous:
            self.ambiguous += 1
        self.last_error = message
        self.lost_connection = False
        if permanent:
            self.backoff.gave_up()
        else:
            self.backoff.failed()
        self.retry_at = now + (self.backoff.delay_ms + 999) // 1000

    def stats(self):
        return {
            "uploads": self.uploads,
            "uploaded": self.uploaded,
            "failures": self.failures,
            "ambiguous": self.ambiguous,
            "last_error": self.last_error,
        }

