"""The DuckDB store keeps its promises when uploads fail, callers leave, or it is closed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_tools.local_cloud.storage.duckdb_store import DuckDBStore
from host_tools.local_cloud.storage.store import Selection, Source, StoreError, Upload

EVERYTHING = Selection()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path / "readings.duckdb")
    yield opened
    opened.close()


def upload(name: str, *payloads: str, part: str = "p") -> Upload:
    count = len(payloads)
    source = Source("o", "l", "robot", "r", "robot-main", part, "t", "c", "Readings")
    times = range(10, 10 + count)
    return Upload(name, f"hash of {name}", source, 99, times, times, payloads, [50] * count)


def payloads_in(store: DuckDBStore) -> list[dict[str, Any]]:
    return [reading.payload for reading in store.page(EVERYTHING, 1000, descending=False)]


def test_a_bad_upload_fails_alone(store: DuckDBStore) -> None:
    good = [store.append(upload(f"g{n}", '{"n": 1.0}', part=f"p{n}")) for n in range(5)]
    bad = store.append(upload("bad", '{"n": 1.0}', "not JSON", part="bad part"))
    good += [store.append(upload(f"h{n}", '{"n": 1.0}', part=f"p{n}")) for n in range(5)]
    with pytest.raises(StoreError):
        bad.result(10)
    assert [future.result(10) for future in good] == [None] * 10
    assert len(payloads_in(store)) == 10
    assert store.totals(Selection(part_id="bad part")).readings == 0


def test_what_was_accepted_is_stored_before_it_closes(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "readings.duckdb")
    futures = [store.append(upload(f"u{n}", '{"n": 1.0}')) for n in range(50)]
    store.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(StoreError):
        store.append(upload("late", '{"n": 1.0}'))
    again = DuckDBStore(tmp_path / "readings.duckdb")
    assert len(payloads_in(again)) == 50
    again.append(upload("u7", '{"n": 1.0}')).result(10)  # known from before
    again.append(upload("new", '{"n": 2.0}')).result(10)
    assert len(payloads_in(again)) == 51
    again.close()


def test_a_caller_who_left_before_the_commit_leaves_no_error(store: DuckDBStore) -> None:
    futures = [store.append(upload(f"u{n}", '{"n": 1.0}')) for n in range(20)]
    left = [future for future in futures if future.cancel()]
    store.append(upload("last", '{"n": 2.0}')).result(10)
    assert len(payloads_in(store)) == 21 - len(left)


def test_deep_payloads_come_back(store: DuckDBStore) -> None:
    deep = '{"a": ' * 30 + "[1.5]" + "}" * 30
    store.append(upload("deep", deep)).result(10)
    [payload] = payloads_in(store)
    for _ in range(30):
        payload = payload["a"]
    assert payload == [1.5]


def test_times_keep_their_nanoseconds(store: DuckDBStore) -> None:
    source = upload("x").source
    times = [1_700_000_000_123_456_789, -1, 0]
    store.append(Upload("t", "", source, times[0], times, times, ["{}"] * 3, [1] * 3)).result(10)
    found = store.page(EVERYTHING, 10)
    assert [reading.received_ns for reading in found] == [times[0], 0, -1]
    assert found[0].arrived_ns == found[0].requested_ns == times[0]
