"""Reads a JSON object against an attribute table: types, defaults and ranges, or a problem.

A table is one string, a word per key: `key:kind`, then `!` (required) or `=default`, then
`(low..high)`: a range for a number, the length for a string.  Kinds: int, float, bool, str,
object, list, any, `kind[]` (a list whose bad elements are left out), `-` (known, does nothing
here: noted) and `~` (known, silently skipped).  A table with lists of objects is a dict: the main
table under "" and the table of the elements under the key of the list.  Example:

    "i2c_bus:str! use_alt_i2c_address:bool samples:int=15(1..100)"
"""

from micropython import const

_SHOWN = const(40)  # characters of a user's text that a message repeats
_LIMIT = const(24)  # problems kept: a broken 16 kB document must not fill the heap


class Problems:
    """Collects `(path, message, severity)` in `items`; severity: "error", "warning", "note"."""

    limit = _LIMIT

    def __init__(self):
        self.items = []

    def add(self, path, message, severity="error"):
        """Keep one problem; after `limit` of them the last one says that there are more."""
        items = self.items
        if len(items) < self.limit:
            items.append((path, message, severity))
        elif len(items) == self.limit:
            items.append(("", "more problems than are shown", "warning"))

    def unknown_key(self, path, words):
        """`path` ends in a key that is not one of the table's `words`."""
        self.add(path, "unknown key, ignored", "warning")


def shown(value):
    """A short text for `value` in a message."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return '"%s"' % (value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:_SHOWN]


def read_attributes(table, given, path, problems):
    """`(values, usable)`: every key of `table` has a value, its default (else None, False) when
    absent or bad.  `usable` is False when a key of this very object is bad or missing; a bad
    element of a list is only left out.  Never raises: all that is wrong goes to `problems`."""
    nested = table if isinstance(table, dict) else {}
    words = (nested[""] if nested else table).split()
    usable = given is None or isinstance(given, dict)
    if not usable:
        problems.add(path, "expected an object, got " + shown(given))
        problems = Problems()  # that its keys are missing is no news
    given = given if isinstance(given, dict) else {}
    values = {}
    idle = []
    known = []
    for word in words:
        key, _, spec = word.partition(":")
        known.append(key)
        value = given.get(key)
        if spec == "-":
            if value:
                idle.append(key)
        elif spec != "~":
            here = path + "." + key if path else key
            message, values[key] = _read(spec, value, here, problems, nested.get(key))
            if message:
                usable = False
                problems.add(here, message)
    if idle:
        problems.add(path, "has no effect on this device: " + ", ".join(sorted(idle)), "note")
    for key in sorted(given):
        if key not in known:
            key = key[:_SHOWN]
            problems.unknown_key(path + "." + key if path else key, words)
    return values, usable


def _read(spec, value, path, problems, table):
    """`(message or "", value)` for one key; `spec` is what follows `key:` in the table."""
    spec, _, limits = spec.partition("(")
    kind, _, default = spec.partition("=")
    required = kind.endswith("!")
    if required:
        kind = kind[:-1]
    if kind.endswith("[]"):
        return _read_list(kind[:-2], limits, value, path, problems, table)
    default = _convert(kind, default)[1] if default else (False if kind == "bool" else None)
    if value is None or (required and value == ""):
        return ("required, but missing" if required else ""), default
    message, converted = _convert(kind, value)
    if not message and limits and not _within(converted, limits):
        message = "%s is out of range, %s%s" % (
            shown(value),
            "length " if kind == "str" else "",
            limits[:-1],
        )
    return message, default if message else converted


def _read_list(kind, limits, value, path, problems, table):
    if value is None:
        return "", []
    if not isinstance(value, list):
        return "expected a list, got " + shown(value), []
    kept = []
    spec = kind + "!" + ("(" + limits if limits else "")
    for index, element in enumerate(value):
        here = "%s[%d]" % (path, index)
        if table:
            element, usable = read_attributes(table, element, here, problems)
        else:
            message, element = _read(spec, element, here, problems, None)
            usable = not message
            if message:
                problems.add(here, message)
        if usable:
            kept.append(element)
    return "", kept


def _within(value, limits):
    low, _, high = limits[:-1].partition("..")
    size = len(value) if isinstance(value, str) else value
    return float(low) <= size <= float(high)


def _convert(kind, value):
    """`(message or "", value)`; numbers may be given as strings, as the documents do."""
    if kind == "any":
        return "", value
    if kind == "int" or kind == "float":
        return _number(kind, value)
    if kind == "bool" and isinstance(value, str) and value in ("true", "false"):
        return "", value == "true"
    wanted = {"bool": bool, "str": str, "object": dict, "list": list}[kind]
    if isinstance(value, wanted):
        return "", value
    return "expected %s, got %s" % (
        {"bool": "true or false", "str": "a string", "object": "an object"}.get(kind, "a list"),
        shown(value),
    ), None


def _number(kind, value):
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
            if number - number == 0:  # not infinite, not NaN
                if kind == "float":
                    return "", number
                whole = int(number if isinstance(value, float) else value)
                if whole == number:
                    return "", whole
        except (ValueError, OverflowError):
            pass  # said below, with the kinds of number that are none
    return "expected a %snumber, got %s" % ("whole " if kind == "int" else "", shown(value)), None
