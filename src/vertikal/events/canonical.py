"""Canonical bytes (RFC 8785, JSON Canonicalization Scheme) at the speed of a native JSON library.

orjson writes the same bytes as RFC 8785 as long as a value holds no float, no integer beyond ±(2⁵³ − 1) and no object
key outside ASCII (UTF-8 and UTF-16 sort some of those apart). An event that keeps its contract holds none of them,
so the log needs only ``canonical_of_contract``. For any other JSON, ``canonical`` looks first and lets the reference
implementation write where the two might differ.
"""

from __future__ import annotations

from typing import Any

import orjson
import rfc8785

INTEGER_MAX = 2**53 - 1


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value.

    Raises ``ValueError`` where it has none: NaN, infinities, integers beyond ±(2⁵³ − 1), lone surrogates.
    """
    return canonical_of_contract(value) if _alike(value) else rfc8785.dumps(value)


def canonical_of_contract(value: Any) -> bytes:
    """The RFC 8785 form of an event that keeps its contract: no float, no large integer, no key beyond ASCII in it."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _alike(value: Any) -> bool:
    """Whether orjson and RFC 8785 write the value alike: plain text, flags, small integers, keys in ASCII."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-INTEGER_MAX <= value <= INTEGER_MAX)
    if kind is dict:
        for key, inner in value.items():
            if not (type(key) is str and key.isascii() and (type(inner) is str or _alike(inner))):
                return False
        return True
    if kind is list:
        return all(map(_alike, value))
    return False
