"""How the board stands, as one dict: heap, flash, every collector, sync, log."""

import gc

_DAY_S = 86400
_ENDURANCE = 100000  # erases that a NOR sector is made for (data sheets: 100 k typical)


def snapshot(app):
    """Values are ints, strings, lists and dicts; sizes in bytes, times in seconds since boot."""
    clock = app.clock
    clock.advance()
    collectors = app.capture.collectors if app.capture else ()
    return {
        "uptime_s": clock.seconds,
        "unix_time_known": clock.wall is not None,
        "heap": {"free": gc.mem_free(), "allocated": gc.mem_alloc()},
        "flash": _flash(app.pool, clock.seconds) if app.pool else {},
        "collectors": [_collector(collector, app.uploader) for collector in collectors],
        "sync": _sync(app),
        "log": {"dropped": app.log.dropped},
        "task_failures": app.task_failures,
        "last_error": app.log.last_error,
    }


def _flash(pool, uptime_s):
    account = flash_account(pool)
    spent = pool.erases
    if spent and uptime_s:
        left = pool.device.sectors * (_ENDURANCE - pool.max_erases)
        account["estimated_life_days"] = left * uptime_s // spent // _DAY_S
    return account


def flash_account(pool):
    """Counts; `erases` since this start, `max_erase_count` over the life of the flash."""
    return {
        "sectors": pool.device.sectors,
        "bad": pool.bad,
        "erases": pool.erases,
        "max_erase_count": pool.max_erases,
    }


def _collector(collector, uploader):
    account = collector_account(collector)
    account["component"], _, account["method"] = collector.name.rpartition(":")
    for outbox in uploader.outboxes if uploader else ():
        if outbox.collector is collector:
            account["sync"] = _outbox(outbox)
    return account


def collector_account(collector):
    """All counters of a collector, those of its ring too."""
    ring = collector.ring
    error = collector.last_error
    return {
        "name": collector.name,
        "captured": collector.captured,
        "missed": collector.missed,
        "failed": collector.failed,
        "bad_values": collector.bad_values,
        "records": ring.records(),
        "used": ring.used(),
        "cap": ring.cap,
        "stored": ring.end,
        "stored_bytes": stored_bytes(ring),
        "dropped": dropped(ring),
        "rejected": ring.rejected,
        "lost": ring.lost,
        "spilled": ring.spilled,
        "last_error": "" if error is None else str(error) or repr(error),
    }


def stored_bytes(ring):
    """Bytes of all records that were ever stored."""
    return ring.laps * ring.positions + ring.end_position


def dropped(ring):
    """Records that overflow cost: overwritten before they were delivered, or refused."""
    return ring.refused + ring.overwritten + ring.freed


def _outbox(outbox):
    return {
        "uploads": outbox.uploads,
        "uploaded": outbox.uploaded,
        "failures": outbox.failures,
        "ambiguous": outbox.ambiguous,
        "last_error": outbox.last_error,
    }


def _sync(app):
    session = app.session
    if session is None:
        return {"configured": False}
    return {
        "configured": True,
        "connected": session.connected,
        "connections": session.connections,
        "rounds": app.uploader.rounds if app.uploader else 0,
        "last_error": session.last_error,
    }
