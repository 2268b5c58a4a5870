"""Reads the time from an HTTP Date header (RFC 9110, 5.6.7), for boards without SNTP."""

_MONTHS = b"JanFebMarAprMayJunJulAugSepOctNovDec"


def unix_seconds(date):
    """Seconds since 1970 of e.g. b"Fri, 20 Nov 2026 21:12:00 GMT"; raises ValueError otherwise."""
    fields = date.split()
    if len(fields) != 6 or fields[5] != b"GMT":
        raise ValueError("not an HTTP date: %r" % date)
    year = int(fields[3])
    month = _MONTHS.index(fields[2]) // 3 + 1
    hours, minutes, seconds = (int(part) for part in fields[4].split(b":"))
    return ((_days(year, month, int(fields[1])) * 24 + hours) * 60 + minutes) * 60 + seconds


def _days(year, month, day):
    """Days since 1970-01-01 of a Gregorian date; the year is taken to begin in March."""
    if month <= 2:
        year -= 1
        month += 12
    return (
        365 * year
        + year // 4
        - year // 100
        + year // 400
        + (153 * month - 457) // 5
        + day
        - 719469
    )
