"""The ring over RAM and flash: whatever fails, each record is delivered once or counted."""

import random

from capture_parts import append, read_all, ring_of, values_of
from microserver.capture.batch import Batch, RecordsGone
from microserver.capture.flash_pool import FlashPool
from microserver.health.diagnostics import dropped, flash_account, stored_bytes
from nor_flash import NorFlash, PowerLost

WALL = (1700000000, 0)


def balance(ring, appended, delivered):
    return appended - delivered - ring.records() - dropped(ring) - ring.rejected - ring.lost


def deliver(ring, delivered):
    """One successful upload: freezes, reads, acknowledges."""
    batch = Batch(ring, ring.schemas, WALL, 2000)
    try:
        data = b"".join([bytes(view) for view in batch.parts(bytearray(300))])
    except RecordsGone:  # a damaged chunk was found
        if not batch.refreeze():
            return
        data = b"".join([bytes(view) for view in batch.parts(bytearray(300))])
    assert len(data) == batch.size
    rows = values_of(read_all(ring))[: batch.count]
    if batch.count:
        ring.ack(batch.end)
    delivered += rows


def test_a_full_ring_in_flash_holds_as_many_equal_records_as_fit():
    ring = ring_of(11000, 512, FlashPool(NorFlash(8)))
    for value in range(3000):
        assert append(ring, value, 50000 * (value + 1)), value
        assert ring.used() <= 11000
        if value % 5 == 0:
            ring.service()
    assert ring.records() == 1000
    rows = read_all(ring)
    assert values_of(rows) == list(range(2000, 3000))
    assert rows[0][2] == (100, 50000)
    assert dropped(ring) == 2000


def test_without_service_the_newest_are_refused_and_counted_and_ram_alone_is_used():
    flash = NorFlash(8)
    ring = ring_of(10000, 512, FlashPool(flash))
    for value in range(100):
        append(ring, value, 50000 * (value + 1))
    assert flash.programmed == 0
    assert ring.records() + dropped(ring) == 100 and ring.records() == 46


def test_erases_per_stored_kilobyte():
    flash = NorFlash(32)
    ring = ring_of(64000, 1024, FlashPool(flash))
    for value in range(30000):
        append(ring, value, 50000 * (value + 1))
        if value % 10 == 0:
            ring.service()
    assert stored_bytes(ring) == 330000
    assert sum(flash.erases) * 1000 / stored_bytes(ring) <= 0.28
    assert max(flash.erases) - min(flash.erases) <= 1


def one_life(seed, faults):
    """Random appends, services, uploads and failures of three rings on one chip."""
    rng = random
    rng.seed(seed)
    flash = NorFlash(14)
    pool = FlashPool(flash)
    rings = [ring_of(cap, 300, pool) for cap in (250, 4000, 11000)]
    appended = [0, 0, 0]
    delivered = [[], [], []]
    for step in range(400):
        which = rng.randrange(3)
        ring = rings[which]
        for _ in range(rng.randrange(30)):
            text = "x" * rng.randrange(60) if rng.randrange(8) == 0 else None
            append(ring, appended[which], ring.last + rng.randrange(3000000), text)
            appended[which] += 1
            assert ring.used() <= ring.cap
            if rng.randrange(4) == 0:
                ring.service()
        if faults:
            faults(rng, flash)
        if rng.randrange(4) == 0:
            deliver(ring, delivered[which])
        assert balance(ring, appended[which], len(delivered[which])) == 0, (seed, step)
    for which in range(3):
        got = delivered[which] + values_of(read_all(rings[which]))
        assert got == sorted(set(got)), (seed, "order kept, nothing twice")
        assert balance(rings[which], appended[which], len(delivered[which])) == 0
    return rings, flash, pool


def test_every_record_is_delivered_once_or_counted():
    for seed in range(12):
        rings, _, pool = one_life(seed, None)
        assert [ring.lost for ring in rings] == [0, 0, 0]
        assert flash_account(pool)["bad"] == 0


def test_failing_sectors_are_retired_and_lose_nothing():
    def faults(rng, flash):
        if rng.randrange(60) == 0:
            kind = rng.choice(
                (flash.bad_erases, flash.bad_programs, flash.lazy_erases, flash.lazy_programs)
            )
            kind.add(rng.randrange(flash.sectors))

    retired = 0
    for seed in range(12):
        rings, _, pool = one_life(seed, faults)
        assert [ring.lost for ring in rings] == [0, 0, 0]
        retired += flash_account(pool)["bad"]
    assert retired > 12


def test_flipped_bits_cost_counted_records_only():
    def faults(rng, flash):
        if rng.randrange(40) == 0:
            sector = rng.randrange(flash.sectors)
            flash.flip(sector, rng.randrange(4096), 1 << rng.randrange(8))

    lost = 0
    for seed in range(12):
        rings, _, _ = one_life(seed, faults)
        lost += sum([ring.lost for ring in rings])
    assert lost > 0


def test_overflow_during_an_upload_is_noticed_and_the_rest_goes_on():
    ring = ring_of(2200, 2200)
    for value in range(200):
        append(ring, value, 50000 * (value + 1))
    batch = Batch(ring, ring.schemas, WALL)
    parts = batch.parts(bytearray(200))
    next(parts)
    for value in range(200, 260):
        append(ring, value, 50000 * (value + 1))
    try:
        for _ in parts:
            pass
        raise AssertionError("the upload did not notice")
    except RecordsGone:
        pass
    assert batch.refreeze() and batch.first == 60 and batch.count == 140
    for _ in batch.parts(bytearray(500)):
        pass
    ring.ack(batch.end)
    assert ring.records() == 60 and dropped(ring) == 60


def test_records_overwritten_while_they_were_delivered_are_not_dropped():
    ring = ring_of(2200, 2200)
    for value in range(200):
        append(ring, value, 50000 * (value + 1))
    batch = Batch(ring, ring.schemas, WALL)
    assert batch.count == 200
    for _ in batch.parts(bytearray(500)):
        pass
    for value in range(200, 230):
        append(ring, value, 50000 * (value + 1))
    assert dropped(ring) == 30
    ring.ack(batch.end)
    assert dropped(ring) == 0 and ring.records() == 30


def test_erase_counts_survive_a_reset():
    flash = NorFlash(6)
    for _ in range(5):
        ring = ring_of(9000, 300, FlashPool(flash))
        for value in range(1900):
            append(ring, value, 50000 * (value + 1))
            ring.service()
    stats = flash_account(FlashPool(flash))
    assert stats["max_erase_count"] == max(flash.erases) > 3
    assert (stats["sectors"], stats["bad"], stats["erases"]) == (6, 0, 0)


def fill_until_power_goes(flash):
    try:
        pool = FlashPool(flash)
        ring = ring_of(9000, 300, pool)
        for value in range(1500):
            append(ring, value, 50000 * (value + 1))
            if value % 3 == 0:
                ring.service()
    except PowerLost:
        return True
    return False


def test_after_a_power_cut_at_any_operation_nothing_old_is_read_and_rotation_goes_on():
    operations = 0
    while True:
        flash = NorFlash(6)
        flash.power = operations + 1
        cut = fill_until_power_goes(flash)
        flash.power = None
        before = list(flash.erases)
        ring = ring_of(9000, 300, FlashPool(flash))
        assert ring.records() == 0 and read_all(ring) == []
        for value in range(800):
            append(ring, value + 70000, 50000 * (value + 1))
            ring.service()
        assert values_of(read_all(ring)) == list(range(70000, 70800)), operations
        grown = [after - old for after, old in zip(flash.erases, before)]
        assert max(grown) <= 1 and max(flash.erases) - min(flash.erases) <= 2, operations
        if not cut:
            break
        operations += 1
    assert operations > 40
