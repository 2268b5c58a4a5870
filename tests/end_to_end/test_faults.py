"""A few seeds of `python -m tests.bench faults`: cut connections, killed clouds, bad flash."""

from tests.bench import faults

SEEDS = 6


def test_whatever_fails_nothing_is_lost_and_nothing_is_stored_twice() -> None:
    total, kills = faults.run(SEEDS)
    assert total.ended == SEEDS
    assert total.captured > 1000, total
    assert total.cuts > 0 and kills > 0 and total.flash_faults > 0, (total, kills)
    assert (total.lost, total.duplicated, total.wrong) == (0, 0, 0), total


def test_a_missing_reading_that_nothing_accounts_for_is_lost() -> None:
    collector = {
        "captured": 10,
        "records": 2,
        "dropped": 1,
        "rejected": 0,
        "lost": 0,
        "spilled": 0,
    }
    rows = [(n, {"readings": {"n": n}}) for n in (0, 1, 2, 3, 4, 5, 6)]
    assert faults.account_of(collector, rows).lost == 0
    assert faults.account_of(collector, rows[1:]).lost == 1
    # Stored in the cloud, but the board does not know: this makes up for no loss.
    assert faults.account_of(collector, rows[2:] + [(8, {"readings": {"n": 8}})]).lost == 1


def test_a_reading_that_is_there_twice_is_duplicated_and_a_wrong_one_is_wrong() -> None:
    collector = {"captured": 3, "records": 0, "dropped": 0, "rejected": 0, "lost": 0, "spilled": 0}
    rows = [(n, {"readings": {"n": n}}) for n in (0, 1, 1, 2)]
    assert faults.account_of(collector, rows).duplicated == 1
    out_of_order = [(0, {"readings": {"n": 1}}), (1, {"readings": {"n": 0}})]
    assert faults.account_of(collector, out_of_order).wrong == 1
