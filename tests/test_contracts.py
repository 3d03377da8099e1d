"""What may be said: every contract, its two validators, its refusals, its published form and its versions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import EXAMPLES, at, data_of, example, places
from vertikal.contracts import publish
from vertikal.contracts.catalogue import CATALOGUE, NESTING_MAX, Catalogue
from vertikal.contracts.contract import Contract
from vertikal.contracts.fields import Code, Count, Date, Many, Record
from vertikal.contracts.publish import breaking
from vertikal.contracts.schemas import published_schema
from vertikal.contracts.teachers import NOBODYS

ROOT = Path(__file__).parents[1]
PERSONAL = ("course.finished", "competence.assessed", "mentor.assigned")

# Values on which readers of JSON, dates and regular expressions are known to differ.
# fmt: off
AWKWARD: tuple[Any, ...] = (
    0, -1, 1, 13, 1.0, 0.5, 1e300, 10**9, 10**9 + 1, 2**53, 2**63, 2**64 - 1, 2**70,
    "12", "012", "12\n", "12.5\n", "-0", "1e5", "+1", ".5", "5.", "٣", "１２",
    "", " ", "\0", "a\0b", "\\u0000", "\ufeff", "a\u00a0b", "a\u0085b", "a\u2028b", "a\u007fb", "s1\n", "shnor\n",
    "😀" * 64, "я" * 65, "x" * 256, "x" * 257,
    "2021-02-30", "2021-02-29", "2020-02-29", "1900-02-29", "1899-12-31", "2021-2-3", "2020-12-18\n", "２０２１-01-01",
    "2020-12-18T15:00:00z", "2020-12-18 15:00:00Z", "2020-12-18T24:00:00Z", "2016-12-31T23:59:60Z",
    "2021-02-30T15:00:00Z", "2020-12-18T15:00:00+24:00", "2020-12-18T15:00:00.1234567890Z", "2020-12-18T15:00:00",
    "2020/2021\n", "2020/2022", None, True, False, [], {}, [[]], [None], ["s1"] * 1001,
    {"start": "2020-01-01"}, {"start": "2020-01-02", "end": "2020-01-01"}, {"start": "2020-01-01", "end": "2020-01-01"},
)
# fmt: on
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # A lone surrogate cannot come out of JSON in UTF-8.
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "start", "kind"]), inner),
    max_leaves=4,
)


@st.composite
def damaged_events(draw: st.DrawFn) -> dict[str, Any]:
    """A valid event with one to three values replaced or dropped, or unknown fields added."""
    event = example(draw(st.sampled_from(sorted(EXAMPLES))))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in places(event) if path != ("type",)]))
        holder = at(event, path[:-1])
        match draw(st.sampled_from(["replace", "replace", "drop", "add"])):
            case "replace":
                holder[path[-1]] = deepcopy(draw(st.sampled_from(AWKWARD) | json_values))
            case "drop":
                del holder[path[-1]]
            case "add" if isinstance(holder, dict):
                holder["unknown"] = draw(json_values)
    return event


def refusals(event: Any) -> dict[str, list[str]]:
    contract, errors = CATALOGUE.check(event)
    assert (contract is None) == bool(errors)
    return errors


# Examples


def test_every_type_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(CATALOGUE.newest)


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_a_valid_event_of_every_type_passes(type_: str) -> None:
    contract, errors = CATALOGUE.check(example(type_))
    assert errors == {}
    assert contract is CATALOGUE.newest[type_]


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_each_required_field_of_every_type_is_missed_by_name(type_: str) -> None:
    required = [name for name, field in CATALOGUE.newest[type_].schema().fields.items() if field.required]
    found = refusals(example(type_, data={"unknown": 1}, subject="x"))
    assert {path for path in found if path != "data.unknown"} == {f"data.{name}" for name in required}


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_an_unknown_field_is_refused(type_: str) -> None:
    assert refusals(example(type_, data=data_of(type_, more=1))) == {"data.more": ["неизвестное поле (получено: «1»)"]}
    assert refusals(example(type_, more=1)) == {"more": ["неизвестное поле (получено: «1»)"]}


@pytest.mark.parametrize("type_", PERSONAL)
def test_personal_data_may_come_where_the_contract_names_whose_they_are(type_: str) -> None:
    whose = {"person": "p-1"} if type_ == "competence.assessed" else {}
    assert refusals(example(type_, data=data_of(type_, personal={"full_name": "Имя"}, **whose))) == {}


def test_personal_data_of_nobody_are_refused() -> None:
    data = {name: value for name, value in data_of("competence.assessed").items() if name != "person"}
    found = refusals(example("competence.assessed", data={**data, "personal": {"full_name": "Имя"}}))
    assert list(found) == ["data.personal"]
    assert NOBODYS.message in found["data.personal"][0]


@pytest.mark.parametrize("type_", PERSONAL)
def test_nobody_can_send_what_is_sealed_already(type_: str) -> None:
    """A sealed value comes from the service alone, so that nothing can be hidden in it."""
    assert list(refusals(example(type_, data=data_of(type_, sealed={})))) == ["data.sealed"]


# Two validators


@settings(max_examples=600, deadline=None)
@given(damaged_events())
def test_the_compiled_validator_and_marshmallow_agree(event: dict[str, Any]) -> None:
    compiled = CATALOGUE._resolve(event)
    explained = CATALOGUE._explain(event, compiled)
    assert bool(refusals(event)) == bool(explained)
    plain = not any(isinstance(at(event, path), float) for path in places(event))
    # What only a rule can tell (an end before its start) the compiled schema need not know; all else it must.
    if compiled is not None and plain and not compiled.is_valid(event):
        assert explained


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_both_validators_think_alike_of_a_line_feed_at_the_end_of_any_field(type_: str) -> None:
    """``$`` matches before it in Python and not in Rust."""
    event = example(type_)
    compiled = CATALOGUE._resolve(event)
    assert compiled is not None
    for path in places(event):
        holder, value = at(event, path[:-1]), at(event, path)
        if isinstance(value, str) and value.isascii() and path != ("type",):
            holder[path[-1]] = value + "\n"
            assert bool(refusals(event)) == (not compiled.is_valid(event)), path
            holder[path[-1]] = value


def test_control_a_number_with_a_nought_behind_the_point_is_where_the_validators_would_differ() -> None:
    """JSON Schema takes 72.0 for an integer; the log must not, so such an event is left to marshmallow."""
    event = example("course.finished", data=data_of("course.finished", hours=72.0))
    compiled = CATALOGUE._resolve(event)
    assert compiled is not None
    assert compiled.is_valid(event)
    assert list(refusals(event)) == ["data.hours"]


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_no_count_takes_a_float(type_: str) -> None:
    event = example(type_)
    for path in places(event):
        if type(at(event, path)) is int:
            holder, whole = at(event, path[:-1]), at(event, path)
            holder[path[-1]] = float(whole)
            assert refusals(event), f"{path} took {float(whole)!r}"
            holder[path[-1]] = whole


def test_no_field_of_any_contract_is_a_float() -> None:
    schemas = json.dumps([published_schema(contract) for contract in CATALOGUE.contracts])
    assert '"integer"' in schemas
    assert '"type": "number"' not in schemas


# Refusals


def test_all_errors_come_together_by_path_in_russian_with_the_value() -> None:
    data = data_of("course.finished", hours="72", finished_on="2021-02-30", role="director", more=[1])
    del data["provider"]
    event = example("course.finished", data=data, id="", time="вчера", subject="s2")
    assert refusals(event) == {
        "id": ["от 1 до 256 печатных знаков (получено: «»)"],
        "time": ["время по RFC 3339 со смещением, например 2020-12-18T15:00:00+03:00 (получено: «вчера»)"],
        "data.hours": ["ожидалось целое число (получено: «72»)"],
        "data.finished_on": ["такой даты нет в календаре (получено: «2021-02-30»)"],
        "data.role": ["допустимые значения: teacher, manager (получено: «director»)"],
        "data.more": ["неизвестное поле (получено: «[1]»)"],
        "data.provider": ["обязательное поле отсутствует"],
        "subject": ["должно совпадать с data.organisation («s1») (получено: «s2»)"],
    }


def test_errors_inside_lists_and_objects_name_their_place() -> None:
    findings = data_of("analysis.published")["findings"]
    findings[0]["figures"].append({**findings[0]["figures"][0], "numerator": "1,5", "as_of": None})
    findings.append("не объект")
    found = refusals(example("analysis.published", data=data_of("analysis.published", findings=findings)))
    assert found == {
        "data.findings[0].figures[1].numerator": ["целое число или десятичное число строкой (получено: «1,5»)"],
        "data.findings[0].figures[1].as_of": ["значение не может быть null (получено: «null»)"],
        "data.findings[1]": ["ожидался объект (получено: «не объект»)"],
    }


def test_a_long_value_is_shown_cut() -> None:
    found = refusals(example("risk.assessed", data=data_of("risk.assessed", factor="ж" * 500)))
    assert found["data.factor"] == [f"длина должна быть от 1 до 64 знаков (получено: «{'ж' * 80}…»)"]


RULES = [
    ("cohort.defined", {"period": {"start": "2021-01-02", "end": "2021-01-01"}}, "period.end", "конец раньше начала"),
    ("activity.planned", {"timing": {"raw": "", "kind": "day", "start": "2021-02-02", "end": "2021-02-01"}},
     "timing.end", "конец раньше начала"),
    ("agreement.signed", {"to": "2019-01-01"}, "to", "конец раньше начала"),
    ("assessment.imported", {"marks": {}}, "marks", "отметки не указаны"),
    ("assessment.imported", {"participants": 21}, "marks", "сумма отметок не равна числу участников"),
    ("assessment.corrected", {"below_minimum": 21}, "below_minimum", "ниже минимума больше, чем участников"),
    ("assessment.withdrawn", {"year": "2020/2022"}, "year", "учебный год состоит из двух соседних лет"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "more", "path", "message"), RULES)
def test_what_a_schema_cannot_say_is_checked_too(type_: str, more: dict[str, Any], path: str, message: str) -> None:
    found = refusals(example(type_, data=data_of(type_, **more)))
    assert message in "".join(found.pop(f"data.{path}"))
    assert set(found) <= {"data.marks"}  # an empty distribution does not sum up either


def test_a_rule_is_not_asked_about_fields_that_are_wrong_themselves() -> None:
    found = refusals(example("cohort.defined", data=data_of("cohort.defined", period={"start": "2021", "end": "0"})))
    assert set(found) == {"data.period.start", "data.period.end"}


def test_an_unknown_type_is_named() -> None:
    event = example("risk.assessed", type="risk.guessed")
    assert refusals(event) == {"type": ["неизвестный тип события (получено: «risk.guessed»)"]}


@pytest.mark.parametrize("path", ["/contracts/risk.assessed/2", "/contracts/goal.set/1"])
def test_an_unknown_version_names_the_published_ones(path: str) -> None:
    message = f"неизвестная версия, опубликованы: /contracts/risk.assessed/1 (получено: «{path}»)"
    assert refusals(example("risk.assessed", dataschema=path)) == {"dataschema": [message]}


@pytest.mark.parametrize("path", ["risk.assessed/1", None, 1, "/contracts/risk.assessed/01"])
def test_what_is_no_address_of_a_contract_is_refused(path: Any) -> None:
    assert list(refusals(example("risk.assessed", dataschema=path))) == ["dataschema"]


@pytest.mark.parametrize("event", [None, [], "событие", 1, True])
def test_what_is_no_object_is_no_event(event: Any) -> None:
    assert list(refusals(event)) == [""]
    assert "событие должно быть объектом JSON" in refusals(event)[""][0]


@pytest.mark.parametrize("data", [None, [], "x", 1])
def test_data_must_be_an_object(data: Any) -> None:
    event = {**example("risk.assessed"), "data": data}
    assert "ожидался объект" in refusals(event)["data"][0]


@pytest.mark.parametrize("nest", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_nesting_deeper_than_32_says_so(nest: Any) -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: Any = []
        for _ in range(levels - 2):  # the event itself is a level, the innermost list another
            value = nest(value)
        return {**example("risk.assessed"), "data": value}

    message = f"вложенность больше {NESTING_MAX} уровней"
    assert refusals(nested(NESTING_MAX + 1)) == {"": [message]}
    assert refusals(nested(100_000)) == {"": [message]}
    assert message not in str(refusals(nested(NESTING_MAX)))


# Publication


def test_published_files_are_what_the_code_generates() -> None:
    """If this fails after a change of a contract: ``make publish``, and look at what the next test says."""
    written = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in publish.FOLDER.iterdir()}
    assert written == publish.documents()


@pytest.mark.parametrize("name", sorted(name for name in publish.documents() if name != "asyncapi.json"))
def test_a_published_schema_keeps_every_revision_of_itself(name: str) -> None:
    path = (publish.FOLDER / name).relative_to(ROOT).as_posix()
    current = publish.documents()[name]
    for revision in _git("log", "--format=%H", "--", path).split():
        if _git("ls-tree", "--name-only", revision, "--", path):
            old = json.loads(_git("show", f"{revision}:{path}"))
            assert list(breaking(old, current)) == [], f"breaks {revision}"


def _git(*arguments: str) -> str:
    """What git answers; nothing where there is no history."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _published() -> dict[str, Any]:
    return deepcopy(published_schema(CATALOGUE.newest["assessment.imported"]))


def test_breaking_sees_nothing_in_a_new_optional_field_and_another_description() -> None:
    new = _published()
    new["properties"]["observers"] = {"type": "integer"}
    new["title"] = "Иначе"
    new["x-senders"].append("auditor")
    assert list(breaking(_published(), new)) == []


BREAKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a removed field": (
        lambda new: new["properties"]["marks"]["properties"].pop("2"),
        "/properties/marks/properties/2",
    ),
    "a tightened pattern": (
        lambda new: new["properties"]["school"].update(pattern="^a$"),
        "/properties/school/pattern",
    ),
    "a new required field": (lambda new: new["required"].append("observed"), "/required"),
    "a word less": (lambda new: new["properties"]["procedure"]["enum"].remove("ege"), "/properties/procedure/enum"),
    "unknown fields let in": (lambda new: new.update(additionalProperties=True), "/additionalProperties"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_breaking_sees(what: str) -> None:
    change, path = BREAKS[what]
    new = _published()
    change(new)
    assert [found.partition(":")[0] for found in breaking(_published(), new)] == [path]


def test_asyncapi_has_every_message_and_all_its_references_resolve() -> None:
    document = publish.asyncapi()
    messages = document["components"]["messages"]
    assert document["asyncapi"] == "3.0.0"
    named = {name: list(channel["messages"]) for name, channel in document["channels"].items()}
    assert named["refused"] + named["log"] == ["refused", "recorded", "watermark"]
    assert {*named["inbox"], *named["refused"], *named["log"]} == set(messages)
    assert {messages[name]["name"] for name in named["inbox"]} == set(CATALOGUE.newest)
    for reference in [at(document, path) for path in places(document) if path[-1] == "$ref"]:
        assert at(document, tuple(reference.removeprefix("#/").split("/")))


# Versions


class Provided2(Record):
    """``times`` became required; ``participants`` and ``subject`` are left out to keep the example short."""

    support = Code()
    organisations = Many(Code())
    held_on = Date()
    times = Count()


def upcast_provided(data: dict[str, Any]) -> dict[str, Any]:
    kept = {name: data[name] for name in ("support", "organisations", "held_on")}
    return {**kept, "times": data.get("times", 1)}


FIRST = CATALOGUE.newest["support.provided"]
SECOND = replace(FIRST, schema=Provided2, version=2, upcast=upcast_provided)
VERSIONS = Catalogue((FIRST, SECOND))
NEW_DATA = {"support": "sup1", "organisations": ["s1"], "held_on": "2020-11-10", "times": 1}
OLD_DATA = {key: value for key, value in EXAMPLES["support.provided"].items() if key != "times"}


def provided(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return example("support.provided", data=data, **more)


def test_each_version_is_checked_against_its_own_schema() -> None:
    def kept(data: dict[str, Any], contract: Contract) -> Contract | None:
        return VERSIONS.check(provided(data, dataschema=contract.path))[0]

    assert kept(OLD_DATA, FIRST) is FIRST
    assert kept(NEW_DATA, SECOND) is SECOND
    assert kept(OLD_DATA, SECOND) is None
    assert kept(NEW_DATA, FIRST) is None


def test_an_absent_dataschema_means_the_newest_version() -> None:
    event = provided(NEW_DATA)
    del event["dataschema"]
    assert VERSIONS.check(event) == (SECOND, {})
    event["data"] = OLD_DATA
    assert "data.times" in VERSIONS.check(event)[1]
    assert VERSIONS.find("support.provided") is SECOND
    assert VERSIONS.find("support.provided", 1) is FIRST
    assert VERSIONS.find("support.provided", 3) is None
    assert VERSIONS.find("support.refused") is None


def test_upcasting_brings_an_old_event_to_the_newest_form() -> None:
    old = provided(OLD_DATA, dataschema=FIRST.path)
    new = VERSIONS.upcast(old)
    assert new["data"] == {**NEW_DATA, "organisations": ["s1", "s2"]}
    assert new["dataschema"] == SECOND.path
    assert old["data"] == OLD_DATA
    assert VERSIONS.check(new) == (SECOND, {})


def test_upcasting_leaves_a_new_event_as_it_is() -> None:
    event = provided(NEW_DATA, dataschema=SECOND.path)
    assert VERSIONS.upcast(event) is event
