"""How the board stands, as one dict: heap, flash, every collector, sync, log."""

import gc

_DAY_S = 86400
_ENDURANCE = 100000  # erases that a NOR sector is made for (flash_and_timers: 100 k typical)


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
    stats = pool.stats()
    spent = stats["erases"]
    if spent and uptime_s:
        left = stats["sectors"] * (_ENDURANCE - stats["max_erase_count"])
        stats["estimated_life_days"] = left * uptime_s // spent // _DAY_S
    return stats


def _collector(collector, uploader):
    stats = collector.stats()
    stats["component"] = collector.component
    stats["method"] = collector.method
    for outbox in uploader.outboxes if uploader else ():
        if outbox.collector is collector:
            stats["sync"] = _outbox(outbox)
    return stats


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
