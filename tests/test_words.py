"""Every type of event can be told in words."""

from __future__ import annotations

from string import Formatter
from typing import Any

import pytest
from marshmallow import fields

from tests.examples import data_of
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.contracts.contract import SchemaClass
from vertikal.contracts.fields import Choice, Flag
from vertikal.contracts.words import PHRASES, WORDS, phrase

TYPES = sorted(CATALOGUE.newest)


def required(schema: SchemaClass, data: dict[str, Any]) -> dict[str, Any]:
    """The data with required fields only, at every depth."""
    found = {}
    for name, field in schema().fields.items():
        if field.required and name in data:
            nested = field.schema.__class__ if isinstance(field, fields.Nested) else None
            found[name] = required(nested, data[name]) if nested else data[name]
    return found


def test_every_type_of_the_catalogue_has_words_and_no_other_has() -> None:
    assert PHRASES.keys() == CATALOGUE.newest.keys()
    assert len(PHRASES) == 45


@pytest.mark.parametrize("type_", TYPES)
def test_a_phrase_needs_required_fields_only(type_: str) -> None:
    schema = CATALOGUE.newest[type_].schema
    said = phrase(type_, required(schema, data_of(type_)))
    assert said == phrase(type_, data_of(type_))
    assert "{" not in said
    assert "[" not in said


@pytest.mark.parametrize("type_", TYPES)
def test_every_word_of_a_closed_list_is_known(type_: str) -> None:
    schema = CATALOGUE.newest[type_].schema().fields
    for _, name, spec, _ in Formatter().parse(PHRASES[type_]):
        if spec == "word":
            field = schema[name or ""]
            assert isinstance(field, (Choice, Flag))
            words = field.validators[0].choices if isinstance(field, Choice) else (True, False)  # type: ignore[attr-defined]
            assert set(words) <= WORDS.keys()


def test_texts_of_an_event_stand_in_its_phrase_as_they_were_sent() -> None:
    """Braces in them are no fields."""
    assert phrase("claim.made", {"text": "{claim} и {0}"}) == "утверждает: {claim} и {0}"
