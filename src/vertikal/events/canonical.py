"""Canonical bytes (RFC 8785, JSON Canonicalization Scheme) at the speed of a native JSON library.

orjson writes the same bytes as RFC 8785 as long as a value holds no float, no integer beyond ±(2⁵³ − 1) and no object
key outside the Basic Multilingual Plane (UTF-8 and UTF-16 sort those apart). Where one of these might be present, the
reference implementation writes the bytes.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
import rfc8785

# A number with a fraction or an exponent, a number of 16 digits or more, a four-byte UTF-8 sequence, and null, which is
# also how orjson writes NaN and the infinities.
_UNSURE = re.compile(rb"[:,\[{]-?[0-9]+(?:[.eE]|(?<=[0-9]{16}))|^-?[0-9]|[\xf0-\xf4]|null").search


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value.

    Raises ``ValueError`` where it has none: NaN, infinities, integers beyond ±(2⁵³ − 1), lone surrogates.
    """
    try:
        encoded = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return rfc8785.dumps(value) if _UNSURE(encoded) else encoded
