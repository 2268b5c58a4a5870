"""Attribute tables: types, defaults, ranges, and problems that name their path."""

from microserver.robot.attributes import Problems, read_attributes


def read(table, given):
    problems = Problems()
    values, usable = read_attributes(table, given, "a", problems)
    return values, usable, problems.items


def test_absent_keys_have_their_defaults():
    values, usable, problems = read("n:int=15 f:float=0.5 b:bool s:str l:str[] o:object", {})
    assert values == {"n": 15, "f": 0.5, "b": False, "s": None, "l": [], "o": None}
    assert usable and not problems


def test_null_is_absent():
    values, usable, problems = read("n:int=15", {"n": None})
    assert values == {"n": 15} and usable and not problems


def test_numbers_may_be_strings():
    values, usable, problems = read("n:int! f:float", {"n": "34", "f": "0.25"})
    assert values == {"n": 34, "f": 0.25} and usable and not problems


def test_true_is_not_a_number_and_one_is_not_a_bool():
    _, usable, problems = read("n:int", {"n": True})
    assert problems == [("a.n", "expected a whole number, got true", "error")] and not usable
    _, usable, problems = read("b:bool", {"b": 1})
    assert problems == [("a.b", "expected true or false, got 1", "error")] and not usable


def test_half_a_pin_is_refused():
    assert read("n:int", {"n": 3.5})[2] == [("a.n", "expected a whole number, got 3.5", "error")]
    assert read("n:int", {"n": 3.0})[0] == {"n": 3}


def test_no_number_that_is_none_gets_through():
    for text in ("nan", "inf", "-inf", "1e999", "abc", "", "0x10"):
        values, usable, problems = read("f:float", {"f": text})
        assert values == {"f": None} and not usable and len(problems) == 1, text


def test_range_of_number_and_length():
    for value, good in ((0, False), (1, True), (100, True), (101, False), (-1, False)):
        assert read("n:int(1..100)", {"n": value})[1] == good, value
    assert read("s:str(1..3)", {"s": "abcd"})[2] == [
        ("a.s", '"abcd" is out of range, length 1..3', "error")
    ]


def test_missing_required_key():
    for given in ({}, {"s": None}, {"s": ""}):
        assert read("s:str!", given)[2] == [("a.s", "required, but missing", "error")]


def test_bad_elements_of_a_list_are_left_out():
    values, usable, problems = read("pins:int[](0..48)", {"pins": [27, "x", 99, "3"]})
    assert values == {"pins": [27, 3]} and usable
    assert [problem[0] for problem in problems] == ["a.pins[1]", "a.pins[2]"]


def test_lists_of_objects_have_their_own_table():
    table = {"": "analogs:object[]", "analogs": "name:str! pin:int!"}
    given = {"analogs": [{"name": "A1", "pin": "34"}, {"name": "A2"}, 7]}
    values, usable, problems = read(table, given)
    assert values == {"analogs": [{"name": "A1", "pin": 34}]} and usable
    assert [problem[0] for problem in problems] == ["a.analogs[1].pin", "a.analogs[2]"]


def test_unknown_keys_are_reported_and_ignored():
    values, usable, problems = read("n:int=1", {"m": 2})
    assert values == {"n": 1} and usable
    assert problems == [("a.m", "unknown key, ignored", "warning")]


def test_keys_without_effect_give_one_note():
    values, usable, problems = read("x:- y:- z:- q:~", {"x": 1, "z": [1], "y": "", "q": 1})
    assert values == {} and usable
    assert problems == [("a", "has no effect on this device: x, z", "note")]


def test_anything_instead_of_the_object():
    for given in (3, "x", [], True, 2.5):
        values, usable, problems = read("n:int=1", given)
        assert values == {"n": 1} and not usable and problems[0][0] == "a"


def test_problems_are_bounded():
    problems = Problems()
    for index in range(1000):
        problems.add("p%d" % index, "m")
    assert len(problems.items) == 25
    assert problems.items[24][1] == "more problems than are shown"


def test_messages_repeat_only_a_little_of_a_long_text():
    _, _, problems = read("n:int", {"n": "9x" * 50000, "k" * 50000: 1})
    assert all(len(path) + len(message) < 120 for path, message, _ in problems)
