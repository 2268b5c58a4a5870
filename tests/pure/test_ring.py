"""The ring: bounded to the byte, oldest first out, nothing lost that is not counted."""

from capture_parts import append, read_all, ring_of, values_of
from microserver.capture.flash_pool import FlashPool
from microserver.capture.ring import Ring
from microserver.health.diagnostics import dropped
from nor_flash import NorFlash


def test_records_come_out_as_they_went_in():
    ring = ring_of(1000, 1000)
    for value in range(20):
        assert append(ring, value, 100000 * value)
    rows = read_all(ring)
    assert values_of(rows) == list(range(20))
    assert [row[2] for row in rows] == [
        (value // 10, 100000 * (value % 10)) for value in range(20)
    ]


def test_equal_records_fill_the_ring_to_the_last_byte_that_one_of_them_fits_in():
    for cap in range(66, 90):
        ring = ring_of(cap, cap)
        for value in range(300):
            assert append(ring, value, 100000 * (value + 1))
            assert ring.used() <= cap
        size = 11
        assert ring.used() == cap // size * size and ring.records() == cap // size, cap
        assert dropped(ring) == 300 - cap // size
        assert values_of(read_all(ring)) == list(range(300 - cap // size, 300))


def test_a_record_larger_than_the_ring_is_rejected_and_changes_nothing():
    ring = ring_of(66, 66)
    append(ring, 1, 1)
    assert not ring.append(bytearray(67), 67)
    assert (ring.rejected, dropped(ring), ring.records()) == (1, 0, 1)


def test_a_ring_that_fits_in_ram_never_touches_flash():
    flash = NorFlash(8)
    ring = ring_of(1000, 1000, FlashPool(flash))
    for value in range(500):
        append(ring, value, 1000 * value)
        ring.service()
    assert flash.programmed == 0 and sum(flash.erases) == 0


def test_without_flash_the_cap_is_what_ram_holds():
    assert Ring(64000, 512, None).cap == 512
