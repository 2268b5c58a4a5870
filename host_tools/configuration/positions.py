"""A strict JSON reader that knows where everything stands in the text.

Paths are those of the device's messages: `components[0].attributes.pin`.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}
_MAX_DEPTH = 50  # the device's own reader and heap end near here
_HINTS = {
    "/": "JSON has no comments",
    "#": "JSON has no comments",
    "'": 'JSON strings stand in double quotes: "',
    "“": 'a typographic quote; JSON wants the plain one: "',
    "”": 'a typographic quote; JSON wants the plain one: "',
}


class Position(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


class JsonError(Exception):
    """The text is not JSON; `position` says where."""

    def __init__(self, message: str, position: Position) -> None:
        super().__init__(message)
        self.position = position


@dataclass
class Document:
    """`value`: the plain Python value; `values` and `keys`: positions by path; `doubles`: paths of
    keys that one object gives twice (the last one counts)."""

    text: str
    value: Any = None
    values: dict[str, Position] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)
    doubles: list[str] = field(default_factory=list)

    def find(self, path: str, prefer_key: bool = False) -> Position:
        """Where `path` stands; what is not in the text is shown at the object it belongs to."""
        if prefer_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.values.get(path, Position(1, 1))


def read(text: str) -> Document:
    """The document in `text`; raises JsonError."""
    document = Document(text)
    reader = _Reader(document)
    document.value = reader.value("", 0)
    reader.skip_space()
    if reader.at < len(text):
        raise reader.error("the document ended before this")
    return document


class _Reader:
    def __init__(self, document: Document) -> None:
        self.text = document.text
        self.document = document
        self.at = 0
        self.decoder = json.JSONDecoder()

    def position(self, at: int) -> Position:
        line = self.text.count("\n", 0, at) + 1
        return Position(line, at - self.text.rfind("\n", 0, at))

    def error(self, message: str) -> JsonError:
        hint = _HINTS.get(self.text[self.at : self.at + 1])
        return JsonError(f"{message} ({hint})" if hint else message, self.position(self.at))

    def skip_space(self) -> str:
        """The next character that is no white space, "" at the end."""
        while self.text[self.at : self.at + 1] in (" ", "\n", "\r", "\t"):
            self.at += 1
        return self.text[self.at : self.at + 1]

    def value(self, path: str, depth: int) -> Any:
        start = self.skip_space()
        self.document.values[path] = self.position(self.at)
        if depth > _MAX_DEPTH:
            raise self.error(f"nested deeper than {_MAX_DEPTH} levels")
        if start == "{":
            return self.object(path, depth)
        if start == "[":
            return self.array(path, depth)
        if start == '"':
            return self.string()
        return self.word()

    def word(self) -> Any:
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        number = _NUMBER.match(self.text, self.at)
        if not number:
            found = "a value" if self.at < len(self.text) else "a value, the text ends here"
            raise self.error(f"expected {found}")
        self.at = number.end()
        return json.loads(number.group())

    def string(self) -> str:
        try:
            value, self.at = self.decoder.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            self.at = min(error.pos, len(self.text))
            raise self.error(error.msg[:1].lower() + error.msg[1:]) from error
        return str(value)

    def array(self, path: str, depth: int) -> list[Any]:
        self.at += 1
        values: list[Any] = []
        if self.skip_space() == "]":
            self.at += 1
            return values
        while True:
            values.append(self.value(f"{path}[{len(values)}]", depth + 1))
            if self.ends("]"):
                return values

    def object(self, path: str, depth: int) -> dict[str, Any]:
        self.at += 1
        values: dict[str, Any] = {}
        if self.skip_space() == "}":
            self.at += 1
            return values
        while True:
            key, here = self.key(path, values)
            values[key] = self.value(here, depth + 1)
            if self.ends("}"):
                return values

    def key(self, path: str, values: dict[str, Any]) -> tuple[str, str]:
        if self.skip_space() != '"':
            raise self.error('expected a key in double quotes, like "name"')
        position = self.position(self.at)
        key = self.string()
        here = f"{path}.{key}" if path else key
        if key in values:
            self.document.doubles.append(here)
        self.document.keys[here] = position
        if self.skip_space() != ":":
            raise self.error("expected a colon after the key")
        self.at += 1
        return key, here

    def ends(self, closing: str) -> bool:
        """Step over a comma (False) or the closing bracket (True)."""
        found = self.skip_space()
        if found != "," and found != closing:
            kind = "list" if closing == "]" else "object"
            raise self.error(f'expected a comma or "{closing}", the end of this {kind}')
        comma = self.at
        self.at += 1
        if found == "," and self.skip_space() == closing:
            self.at = comma
            raise self.error("a comma after the last element")
        return found == closing
