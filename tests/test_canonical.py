"""Canonical bytes: ours are those of RFC 8785, by its vectors and by its reference implementation."""

from __future__ import annotations

import json
import struct
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.examples import example as example_of
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.events.canonical import canonical, canonical_of_contract

INTEGER_MAX = 2**53 - 1

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Letters on both sides of the surrogates: UTF-16 sorts them unlike UTF-8.
keys = st.text(st.sampled_from("az09 é€\ue000\ufb33\uffff😀𐀀\u0080\x01\"\\/'\x7f"), max_size=3) | texts
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=12
)


@settings(max_examples=600, deadline=None)
@given(values)
@example({"\ue000": 1, "😀": 2})
@example({"a": "\x7f\u2028\u2029</script>", "b": [-0.0, 1e21, 1e-7, 100000000000000000.0]})
@example(["1e5", ":1.0", ",-12345678901234567890", "\\u0000"])
@example({"a": INTEGER_MAX, "b": -INTEGER_MAX, "c": 10**15, "d": 10**16 - 1 - 10**15})
def test_canonical_bytes_are_those_of_the_reference_implementation(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@settings(max_examples=300, deadline=None)
@given(values)
def test_the_order_of_keys_makes_no_difference(value: Any) -> None:
    assert canonical(_reversed(value)) == canonical(value)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(inner) for key, inner in reversed(value.items())}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value


def test_control_the_fast_path_alone_would_write_other_bytes() -> None:
    for value in ({"\ue000": 1, "😀": 2}, [1.0], [1e16]):
        assert orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != rfc8785.dumps(value)


REFUSED = {
    "not a number": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "an integer that a double does not hold": INTEGER_MAX + 1,
    "a negative one": -INTEGER_MAX - 1,
    "an integer beyond 64 bits": 2**70,
    "a lone surrogate": "\ud800",
    "a lone surrogate in a key": {"\udfff": 1},
    "no JSON": object(),
    "bytes": b"a",
    "a key that is no text": {1: 1},
}


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"a": {"b": value}}])
@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_canonical_form_is_refused(what: str, wrap: Any) -> None:
    value = wrap(REFUSED[what])
    with pytest.raises(ValueError, match=r"\S"):
        canonical(value)


@settings(max_examples=300, deadline=None)
@given(st.integers(INTEGER_MAX - 3, 2**70).flatmap(lambda value: st.sampled_from([value, -value])))
def test_an_integer_is_written_or_refused_where_the_reference_does(value: int) -> None:
    if abs(value) <= INTEGER_MAX:
        assert canonical({"a": value}) == rfc8785.dumps({"a": value})
    else:
        with pytest.raises(ValueError, match=r"\S"):
            canonical({"a": value})


# RFC 8785, appendix B: a double by its bits, and how it is written
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize("bits", NUMBERS)
def test_numbers_of_appendix_b(bits: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number) == NUMBERS[bits].encode()


def test_the_example_of_section_3_2_2() -> None:
    value = json.loads(
        r"""{
          "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }"""
    )
    assert (
        canonical(value)
        == (
            r'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            r'"string":"€$\u000f\nA' + "'" + r'B\"\\\\\"/"}'
        ).encode()
    )


def test_the_sorting_of_section_3_2_3() -> None:
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji:", "Hebrew"]
    assert [text.split()[0] for text in json.loads(canonical(value)).values()] == order


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(CATALOGUE.newest)), texts)
def test_what_keeps_its_contract_needs_no_reference_implementation(type_: str, text: str) -> None:
    """The shortcut of the log: for valid events, whatever their texts, the native library writes the same bytes."""
    event = {**example_of(type_), "actor": text}
    contract, _ = CATALOGUE.check(event)
    if contract is not None:
        assert canonical_of_contract(event) == rfc8785.dumps(event)
