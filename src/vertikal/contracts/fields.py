"""The kinds of value that events are made of, with their refusals in Russian.

Every field is required unless ``optional=True``. Nothing is converted: a field says whether a value is what the
contract asks for, and the event is kept as it was sent. Patterns are written so that marshmallow (Python) and the
compiled JSON Schema (Rust) read them alike: ASCII classes only, anchored on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

COUNT_MAX = 1_000_000_000
DATE_PATTERN = r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"
MOMENT_PATTERN = (
    r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"
CODE_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"

Messages = dict[str, str | list[Any] | dict[Any, Any]]
_MESSAGES: Messages = {
    "required": "обязательное поле отсутствует",
    "null": "значение не может быть null",
    "invalid": "ожидалась строка",
}


class Record(Schema):
    """A JSON object with known fields only."""

    error_messages = {"unknown": "неизвестное поле", "type": "ожидался объект"}


class Pattern(validate.Regexp):
    """A regular expression that the whole text must match (``$`` alone lets a trailing newline pass in Python)."""

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self.error)
        return value


class Text(fields.String):
    """Free text, kept to the letter; U+0000 is refused because no database and no document can carry it."""

    default_error_messages = _MESSAGES
    pattern: str | None = None
    refusal = "недопустимое значение"
    format: str | None = None

    def __init__(self, *, optional: bool = False, at_least: int = 1, at_most: int = 10_000) -> None:
        if self.pattern is None:
            size = validate.Length(at_least, at_most, error=f"длина должна быть от {at_least} до {at_most} знаков")
            super().__init__(required=not optional, validate=size)
        else:
            metadata = {"format": self.format} if self.format else {}
            super().__init__(
                required=not optional, validate=Pattern(self.pattern, error=self.refusal), metadata=metadata
            )

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if "\0" in value:
            raise ValidationError("знак U+0000 недопустим")
        return value


class Term(Text):
    """A word of an open list (units, levels, subjects): up to 64 characters."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__(optional=optional, at_most=64)


class Code(Text):
    """A stable code given by the sender; it never encodes the hierarchy."""

    pattern = CODE_PATTERN
    refusal = "код: от 1 до 64 знаков из латинских букв, цифр, точки, дефиса и подчёркивания"


class Identifier(Text):
    """The ``id`` of an event: printable signs."""

    pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,256}$"
    refusal = "от 1 до 256 печатных знаков"


class Source(Text):
    """A URI reference that names the sending system."""

    pattern = r"^[^\u0000-\u0020\u007f-\u00a0]{1,256}$"
    refusal = "ссылка на отправителя (URI): от 1 до 256 печатных знаков без пробелов"


class Hash(Text):
    """A SHA-256 in hexadecimal."""

    pattern = r"^[0-9a-f]{64}$"
    refusal = "SHA-256: 64 шестнадцатеричных знака строчными буквами"


class Date(Text):
    """A calendar date ``YYYY-MM-DD``, 1900 to 2199."""

    pattern = DATE_PATTERN
    refusal = "дата в виде ГГГГ-ММ-ДД"
    format = "date"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if re.fullmatch(DATE_PATTERN, text):
            _require_real_date(text)
        return text


class Moment(Text):
    """An RFC 3339 time with its offset; the offset as written tells the local date."""

    pattern = MOMENT_PATTERN
    refusal = "время по RFC 3339 со смещением, например 2020-12-18T15:00:00+03:00"
    format = "date-time"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if re.fullmatch(MOMENT_PATTERN, text):
            _require_real_date(text[:10])
        return text


class SchoolYear(Text):
    """A school year, 1 September to 31 August, written ``2021/2022``."""

    pattern = r"^20[0-9]{2}/20[0-9]{2}$"
    refusal = "учебный год в виде 2021/2022"


class Decimal(Text):
    """A decimal amount as text: 12.5 posts exist, binary floats do not hold them."""

    pattern = r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,3})?$"
    refusal = 'неотрицательное десятичное число строкой, например "12.5"'


class Choice(Text):
    """One word of a closed list."""

    def __init__(self, *words: str, optional: bool = False) -> None:
        super().__init__(optional=optional)
        self.validators = [validate.OneOf(words, error="допустимые значения: " + ", ".join(words))]


class Count(fields.Integer):
    """How many: an integer from 0 to a thousand million."""

    default_error_messages: Messages = {
        **_MESSAGES,
        "invalid": "ожидалось целое число",
        "too_large": "слишком большое число",
    }

    def __init__(self, *, optional: bool = False, at_least: int = 0, at_most: int = COUNT_MAX) -> None:
        limits = validate.Range(at_least, at_most, error=f"целое число от {at_least} до {at_most}")
        super().__init__(strict=True, required=not optional, validate=limits)


class Flag(fields.Boolean):
    """``true`` or ``false``, not a word for it."""

    default_error_messages: Messages = {**_MESSAGES, "invalid": "ожидалось true или false"}

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__(required=not optional)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Either(fields.Field[Any]):
    """A value of one of several kinds, e.g. a count or a decimal string."""

    default_error_messages = _MESSAGES

    def __init__(self, *kinds: fields.Field[Any], refusal: str, optional: bool = False) -> None:
        super().__init__(required=not optional)
        self.kinds = kinds
        self.refusal = refusal

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        for kind in self.kinds:
            try:
                return kind.deserialize(value, attr, data, **kwargs)
            except ValidationError:
                continue
        raise ValidationError(self.refusal)


class SignedDecimal(Text):
    """A decimal amount as text that may be negative (a growth target, for instance)."""

    pattern = DECIMAL_PATTERN
    refusal = 'десятичное число строкой, например "12.5"'


class Quantity(Either):
    """An amount of anything: a whole number, or a decimal written as text."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__(
            Count(), SignedDecimal(), optional=optional, refusal="целое число или десятичное число строкой"
        )


class Grade(Either):
    """A school grade, 1 to 12, as a number or as text."""

    def __init__(self) -> None:
        super().__init__(Count(at_least=1, at_most=12), GradeText(), refusal="класс: число от 1 до 12")


class GradeText(Text):
    pattern = r"^([1-9]|1[0-2])$"


class Nested(fields.Nested):
    """An object inside an object."""

    default_error_messages: Messages = {**_MESSAGES, "type": "ожидался объект"}

    def __init__(self, record: type[Schema], *, optional: bool = False) -> None:
        super().__init__(record, required=not optional)


class Many(fields.List[Any]):
    """A list; it may be empty unless ``at_least`` says otherwise."""

    default_error_messages: Messages = {**_MESSAGES, "invalid": "ожидался список"}

    def __init__(self, kind: fields.Field[Any], *, optional: bool = False, at_least: int = 0) -> None:
        size = validate.Length(at_least, 1_000, error=f"в списке должно быть от {at_least} до 1000 значений")
        super().__init__(kind, required=not optional, validate=size)


class Period(Record):
    """From ``start`` to ``end``, both days included."""

    start = Date()
    end = Date()


def _require_real_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValidationError("такой даты нет в календаре") from error
