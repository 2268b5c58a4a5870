"""Commits uploads in groups: all that wait while one commit runs go into the next one."""

import queue
import threading
from concurrent.futures import Future

import duckdb

from host_tools.local_cloud.storage.duckdb_commit import Committer
from host_tools.local_cloud.storage.store import StoredOtherwise, StoreError, Upload

_MAX_GROUP_READINGS = 20_000
_MAX_WAITING_BYTES = 256_000_000  # a flood beyond this is refused instead of held in memory

_Waiting = tuple[Upload, "Future[None]"]


class Writer:
    """The one thread that writes to the database."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store writer")
        self._thread.start()

    def append(self, upload: Upload) -> "Future[None]":
        """Queue an upload; the future is done when it is durable."""
        size = sum(upload.sizes)
        future: Future[None] = Future()
        with self._lock:
            if self._closed:
                raise StoreError("the server is stopping")
            if self._waiting_bytes + size > _MAX_WAITING_BYTES:
                raise StoreError("too many uploads are waiting to be stored")
            self._waiting_bytes += size
            self._waiting.put((upload, future))
        return future

    def close(self) -> None:
        """Commit what was accepted, then end the thread."""
        with self._lock:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            # False: the caller went away before its upload was begun, so nobody expects it.
            self._store([w for w in group if w[1].set_running_or_notify_cancel()])
            with self._lock:
                self._waiting_bytes -= sum(sum(upload.sizes) for upload, _ in group)

    def _next_group(self) -> list[_Waiting]:
        """Wait for one upload and take those behind it; empty when closed."""
        group: list[_Waiting] = []
        readings = 0
        while (item := self._waiting.get()) is not None:
            group.append(item)
            readings += len(item[0].payloads)
            if readings >= _MAX_GROUP_READINGS or self._waiting.empty():
                return group
        if group:
            self._waiting.put(None)  # the end comes again, after this group
        return group

    def _store(self, group: list[_Waiting]) -> None:
        """Store all at once; when that fails, each alone: one bad upload harms no other."""
        try:
            refused = self._committer.commit([upload for upload, _ in group])
        except duckdb.Error as error:
            if len(group) == 1:
                group[0][1].set_exception(StoreError(str(error)))
                return
            for waiting in group:
                self._store([waiting])
            return
        for (_, future), message in zip(group, refused, strict=True):
            if message:
                future.set_exception(StoredOtherwise(message))
            else:
                future.set_result(None)
