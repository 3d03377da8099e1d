"""Personal data sealed per person: nothing opens elsewhere, altered, or without the key. Keys on both databases."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select, update

from tests.examples import example
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.events.database import connect, reading, writing
from vertikal.events.sealing import (
    CannotUnseal,
    MasterKey,
    destroy_key,
    find_keys,
    make_keys,
    matches,
    seal,
    sealed_event,
    unseal,
)
from vertikal.events.tables import person_keys

KEY, OTHER_KEY, MASTER = b"k" * 32, b"o" * 32, MasterKey(b"m" * 32)
EVENT, OTHER_EVENT = ("/schools/s1", "e1"), ("/schools/s1", "e2")
PERSON, OTHER_PERSON = "t-17", "t-18"
PERSONAL = {"full_name": "Примерова Проба Образцовна", "post": "учитель", "phone": "+7 000 000-00-00"}
NOW = "2024-03-12T09:15:30.000000Z"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
personals = st.dictionaries(st.sampled_from(["full_name", "post", "phone", "email"]), texts)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database that holds the table of keys only."""
    made = connect(database_url)
    with writing(made) as connection:
        person_keys.create(connection)
    yield made
    made.dispose()


def flips(sealed: bytes) -> Iterator[bytes]:
    """The bytes with one bit changed, for every bit of them."""
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def opens(sealed: Mapping[str, Any], key: bytes = KEY) -> bool:
    try:
        unseal(key, EVENT, PERSON, sealed)
    except CannotUnseal:
        return False
    return True


def with_field(sealed: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**sealed, "fields": {**sealed["fields"], name: value}}


# The master key


def test_the_text_of_a_master_key_is_read_back() -> None:
    master = MasterKey.generate()
    assert MasterKey.parse(f"{master.text()}\n") == master


def test_two_master_keys_are_unlike() -> None:
    assert MasterKey.generate() != MasterKey.generate()


def test_the_text_of_a_master_key_is_one_line_of_url_safe_base64() -> None:
    assert MasterKey(b"\xfb\xff" * 16).text() == base64.b64encode(b"\xfb\xff" * 16).decode().replace("+", "-").replace(
        "/", "_"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "ключ",
        MASTER.text()[:-2],
        base64.urlsafe_b64encode(b"m" * 31).decode(),
        base64.urlsafe_b64encode(b"m" * 33).decode(),
        base64.b64encode(b"\xfb\xff" * 16).decode(),
        MASTER.text()[:20] + "\n" + MASTER.text()[20:],
        MASTER.text()[:20] + "!" + MASTER.text()[20:],
        MASTER.text()[:-2] + "1=",
        f"{MASTER.text()}\n{MASTER.text()}",
    ],
)
def test_what_is_no_master_key_is_refused_with_the_form_it_should_have(text: str) -> None:
    with pytest.raises(ValueError, match="one line: 32 bytes in URL-safe base64"):
        MasterKey.parse(text)


def test_the_refusal_of_a_master_key_does_not_print_it() -> None:
    with pytest.raises(ValueError, match="master key") as refused:
        MasterKey.parse(MASTER.text() + "AAAA")
    assert MASTER.text()[:8] not in str(refused.value)


def test_a_master_key_does_not_show_itself() -> None:
    assert repr(MASTER) == "MasterKey()"


def test_a_wrapped_key_is_unwrapped() -> None:
    assert MASTER.unwrap(PERSON, MASTER.wrap(PERSON, KEY)) == KEY


def test_a_key_is_wrapped_with_a_nonce_of_its_own_each_time() -> None:
    assert MASTER.wrap(PERSON, KEY)[:12] != MASTER.wrap(PERSON, KEY)[:12]


def test_a_wrapped_key_does_not_hold_the_key() -> None:
    assert KEY not in MASTER.wrap(PERSON, KEY)


@pytest.mark.parametrize(
    ("master", "person"), [(MasterKey(b"x" * 32), PERSON), (MASTER, OTHER_PERSON)], ids=["master", "person"]
)
def test_a_key_wrapped_by_another_or_for_another_is_refused(master: MasterKey, person: str) -> None:
    with pytest.raises(CannotUnseal):
        master.unwrap(person, MASTER.wrap(PERSON, KEY))


def test_no_bit_of_a_wrapped_key_can_be_changed() -> None:
    for changed in flips(MASTER.wrap(PERSON, KEY)):
        with pytest.raises(CannotUnseal):
            MASTER.unwrap(PERSON, changed)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27])
def test_a_wrapped_key_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(CannotUnseal):
        MASTER.unwrap(PERSON, MASTER.wrap(PERSON, KEY)[:length])


def test_what_is_sealed_for_an_event_is_no_wrapped_key() -> None:
    sealed = seal(MASTER.key, EVENT, PERSON, {"full_name": "k" * 32})
    with pytest.raises(CannotUnseal):
        MASTER.unwrap(PERSON, base64.b64decode(sealed["fields"]["full_name"]))


# Sealing


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.tuples(texts, texts), texts, personals)
def test_what_was_sealed_is_unsealed(
    key: bytes, identity: tuple[str, str], person: str, personal: dict[str, str]
) -> None:
    assert unseal(key, identity, person, seal(key, identity, person, personal)) == personal


@settings(max_examples=150, deadline=None)
@given(personals, personals)
def test_personal_data_match_exactly_when_they_are_the_same(sent: dict[str, str], again: dict[str, str]) -> None:
    assert matches(KEY, EVENT, PERSON, again, seal(KEY, EVENT, PERSON, sent)) == (sent == again)


def words_in(place: bytes) -> list[str]:
    """Which of the personal data stand there, whole or by their words.

    Words of eight bytes or more: shorter ones come about by chance, as the "+7" of a phone number does in base64.
    """
    words = {*PERSONAL.values(), *" ".join(PERSONAL.values()).split()}
    return sorted(word for word in words if len(word.encode()) >= 8 and word.encode() in place)


def test_sealed_data_hold_no_word_of_what_was_sealed() -> None:
    sealed = seal(KEY, EVENT, PERSON, PERSONAL)
    opened = b"".join(base64.b64decode(value) for value in [*sealed["fields"].values(), sealed["match"]])
    assert words_in(str(sealed).encode() + opened) == []


def test_control_every_field_would_be_found_in_the_clear() -> None:
    assert set(words_in(str(PERSONAL).encode())) > set(PERSONAL.values())


@pytest.mark.parametrize("name", PERSONAL)
def test_a_field_does_not_open_with_another_key_even_under_that_keys_match(name: str) -> None:
    only = {name: PERSONAL[name]}
    sealed, others = (seal(key, EVENT, PERSON, only) for key in (KEY, OTHER_KEY))
    assert not opens({**others, "fields": sealed["fields"]}, OTHER_KEY)
    assert opens(others, OTHER_KEY)


def test_each_field_is_a_nonce_the_ciphertext_and_a_tag() -> None:
    sealed = seal(KEY, EVENT, PERSON, PERSONAL)
    lengths = {name: len(base64.b64decode(value)) for name, value in sealed["fields"].items()}
    assert lengths == {name: 12 + len(value.encode()) + 16 for name, value in PERSONAL.items()}


def test_the_same_data_are_sealed_with_another_nonce_each_time() -> None:
    once, twice = (seal(KEY, EVENT, PERSON, PERSONAL)["fields"]["post"] for _ in range(2))
    assert base64.b64decode(once)[:12] != base64.b64decode(twice)[:12]


def test_the_fields_of_one_event_have_nonces_of_their_own() -> None:
    fields = seal(KEY, EVENT, PERSON, {"full_name": "а", "post": "а"})["fields"]
    assert base64.b64decode(fields["full_name"])[:12] != base64.b64decode(fields["post"])[:12]


@pytest.mark.parametrize("name", [*PERSONAL, "match"])
def test_no_bit_of_sealed_data_can_be_changed(name: str) -> None:
    sealed = seal(KEY, EVENT, PERSON, PERSONAL)
    original = sealed["match"] if name == "match" else sealed["fields"][name]
    for changed in flips(base64.b64decode(original)):
        text = base64.b64encode(changed).decode()
        assert not opens({**sealed, "match": text} if name == "match" else with_field(sealed, name, text))


def test_no_sign_of_the_text_of_sealed_data_can_be_changed() -> None:
    sealed = seal(KEY, EVENT, PERSON, PERSONAL)
    for name in ("post", "match"):
        text = sealed["match"] if name == "match" else sealed["fields"][name]
        for place, sign in enumerate(text):
            for other in {"A", "B", "E", "/", "=", " ", "\n"} - {sign}:
                changed = text[:place] + other + text[place + 1 :]
                assert not opens({**sealed, "match": changed} if name == "match" else with_field(sealed, name, changed))


def test_the_unused_bits_at_the_end_of_base64_cannot_be_changed() -> None:
    sealed = seal(KEY, EVENT, PERSON, PERSONAL)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(sealed["match"][-2]) ^ 1]
    changed = {**sealed, "match": f"{sealed['match'][:-2]}{last}="}
    assert base64.b64decode(changed["match"]) == base64.b64decode(sealed["match"])
    assert not opens(changed)


@pytest.mark.parametrize(
    ("key", "identity", "person"),
    [
        (OTHER_KEY, EVENT, PERSON),
        (KEY, OTHER_EVENT, PERSON),
        (KEY, ("/schools/s2", EVENT[1]), PERSON),
        (KEY, (EVENT[0] + EVENT[1], ""), PERSON),
        (KEY, EVENT, OTHER_PERSON),
        (b"short", EVENT, PERSON),
    ],
    ids=["key", "id", "source", "border", "person", "length"],
)
def test_sealed_data_open_only_with_their_key_in_their_event_for_their_person(
    key: bytes, identity: tuple[str, str], person: str
) -> None:
    sealed = seal(KEY, EVENT, PERSON, PERSONAL)
    with pytest.raises(CannotUnseal):
        unseal(key, identity, person, sealed)


@pytest.mark.parametrize(
    ("identity", "person"), [(OTHER_EVENT, PERSON), (EVENT, OTHER_PERSON)], ids=["event", "person"]
)
def test_a_field_is_bound_by_itself_whatever_the_match_says(identity: tuple[str, str], person: str) -> None:
    elsewhere = seal(KEY, identity, person, PERSONAL)
    here = seal(KEY, EVENT, PERSON, PERSONAL)
    assert not opens({"fields": elsewhere["fields"], "match": here["match"]})


def test_a_field_put_in_the_place_of_another_does_not_open() -> None:
    sealed = seal(KEY, EVENT, PERSON, {"full_name": "одно", "post": "одно"})
    assert not opens(with_field(sealed, "post", sealed["fields"]["full_name"]))


def test_a_field_that_was_taken_away_is_noticed() -> None:
    sealed = seal(KEY, EVENT, PERSON, PERSONAL)
    fields = {name: value for name, value in sealed["fields"].items() if name != "phone"}
    assert not opens({**sealed, "fields": fields})


def test_a_field_of_an_older_sealing_of_the_event_is_noticed() -> None:
    sealed, older = (seal(KEY, EVENT, PERSON, {**PERSONAL, "post": post}) for post in ("завуч", "учитель"))
    assert not opens(with_field(sealed, "post", older["fields"]["post"]))


@pytest.mark.parametrize(
    "sealed",
    [{}, {"fields": {}}, {"fields": {}, "match": None}, {"fields": [], "match": ""}, {"fields": {"post": 1}}],
    ids=str,
)
def test_what_is_not_sealed_data_at_all_does_not_open(sealed: dict[str, Any]) -> None:
    assert not opens(sealed)


@pytest.mark.parametrize("sealed", [{}, {"match": None}, {"match": "…"}, {"match": ""}], ids=str)
def test_nothing_matches_what_is_not_sealed_data_at_all(sealed: dict[str, Any]) -> None:
    assert not matches(KEY, EVENT, PERSON, {}, sealed)


@pytest.mark.parametrize(
    ("key", "identity", "person"),
    [(OTHER_KEY, EVENT, PERSON), (KEY, OTHER_EVENT, PERSON), (KEY, EVENT, OTHER_PERSON)],
    ids=["key", "event", "person"],
)
def test_equal_data_elsewhere_do_not_match(key: bytes, identity: tuple[str, str], person: str) -> None:
    assert not matches(key, identity, person, PERSONAL, seal(KEY, EVENT, PERSON, PERSONAL))


def test_equal_names_in_two_events_cannot_be_linked() -> None:
    one, two = (seal(KEY, event, PERSON, PERSONAL)["match"] for event in (EVENT, OTHER_EVENT))
    assert one != two


def test_the_same_event_sent_again_gives_the_same_match() -> None:
    one, two = (seal(KEY, EVENT, PERSON, PERSONAL)["match"] for _ in range(2))
    assert one == two


def test_the_order_of_the_fields_does_not_matter_to_the_match() -> None:
    again = dict(reversed(PERSONAL.items()))
    assert matches(KEY, EVENT, PERSON, again, seal(KEY, EVENT, PERSON, PERSONAL))


# Events


PERSONAL_TYPES = [contract.type for contract in CATALOGUE.contracts if contract.person is not None]


def personal_event(type_: str) -> dict[str, Any]:
    event, field = example(type_), str(CATALOGUE.newest[type_].person)
    return {**event, "data": {**event["data"], field: PERSON, "personal": PERSONAL}}


def test_three_types_of_events_carry_personal_data() -> None:
    assert sorted(PERSONAL_TYPES) == ["competence.assessed", "course.finished", "mentor.assigned"]


def test_every_type_with_a_field_for_personal_data_says_whose_they_are() -> None:
    carriers = [contract.type for contract in CATALOGUE.contracts if "personal" in contract.schema().fields]
    assert sorted(carriers) == sorted(PERSONAL_TYPES)


@pytest.mark.parametrize("type_", PERSONAL_TYPES)
def test_a_sealed_event_differs_from_what_was_sent_in_its_personal_data_only(type_: str) -> None:
    event = personal_event(type_)
    sealed = sealed_event(event, KEY)
    assert "personal" not in sealed["data"]
    left = {name: value for name, value in sealed["data"].items() if name != "sealed"}
    assert {**sealed, "data": {**left, "personal": PERSONAL}} == event


@pytest.mark.parametrize("type_", PERSONAL_TYPES)
def test_a_sealed_event_opens_for_the_person_that_it_names(type_: str) -> None:
    event = personal_event(type_)
    sealed = sealed_event(event, KEY)["data"]["sealed"]
    assert unseal(KEY, (event["source"], event["id"]), PERSON, sealed) == PERSONAL


def test_sealing_leaves_the_event_as_it_was_sent() -> None:
    event = personal_event("course.finished")
    sealed_event(event, KEY)
    assert event == personal_event("course.finished")


def test_an_event_without_personal_data_stays_as_it_is() -> None:
    event = example("staff.reported")
    assert sealed_event(event, KEY) == event


def test_a_type_that_carries_no_personal_data_is_not_sealed() -> None:
    event = example("staff.reported")
    with pytest.raises(ValueError, match=re.escape("staff.reported carries no personal data")):
        sealed_event({**event, "data": {**event["data"], "personal": PERSONAL}}, KEY)


# Keys


def make(engine: Engine, *persons: str) -> dict[str, bytes]:
    with writing(engine) as connection:
        return make_keys(connection, persons, MASTER, NOW)


def find(engine: Engine, *persons: str, master: MasterKey = MASTER) -> dict[str, bytes]:
    with reading(engine) as connection:
        return find_keys(connection, persons, master)


def destroy(engine: Engine, person: str) -> bool:
    with writing(engine) as connection:
        return destroy_key(connection, person)


def test_each_person_has_a_key_of_their_own(engine: Engine) -> None:
    keys = make(engine, PERSON, OTHER_PERSON)
    assert {len(key) for key in keys.values()} == {32}
    assert keys[PERSON] != keys[OTHER_PERSON]


def test_keys_that_were_made_are_found(engine: Engine) -> None:
    made = make(engine, PERSON, OTHER_PERSON)
    assert find(engine, PERSON, OTHER_PERSON, "t-99") == made


def test_the_time_of_making_is_kept(engine: Engine) -> None:
    make(engine, PERSON)
    with reading(engine) as connection:
        assert connection.execute(select(person_keys.c.created_at)).scalar() == NOW


def test_a_key_that_exists_is_not_made_again(engine: Engine) -> None:
    first = make(engine, PERSON)
    assert make(engine, PERSON, OTHER_PERSON)[PERSON] == first[PERSON]


def test_no_key_is_made_for_nobody(engine: Engine) -> None:
    assert make(engine) == {}
    assert find(engine) == {}


def test_a_person_named_twice_has_one_key(engine: Engine) -> None:
    assert make(engine, PERSON, PERSON).keys() == {PERSON}


def test_more_keys_are_found_than_one_statement_asks_for(engine: Engine) -> None:
    persons = [f"t-{number}" for number in range(1_201)]
    made = make(engine, *persons)
    assert find(engine, *persons) == made
    assert len(made) == len(persons)


def test_the_database_holds_no_key_in_the_clear(engine: Engine) -> None:
    key = make(engine, PERSON)[PERSON]
    with reading(engine) as connection:
        wrapped = bytes(connection.execute(select(person_keys.c.wrapped)).scalar_one())
    assert key not in wrapped
    assert MASTER.unwrap(PERSON, wrapped) == key


def test_keys_do_not_open_under_another_master_key(engine: Engine) -> None:
    make(engine, PERSON)
    with pytest.raises(CannotUnseal):
        find(engine, PERSON, master=MasterKey.generate())


def test_a_key_written_over_another_persons_does_not_open(engine: Engine) -> None:
    make(engine, PERSON, OTHER_PERSON)
    with writing(engine) as connection:
        wrapped = connection.execute(select(person_keys.c.wrapped).where(person_keys.c.person == PERSON)).scalar()
        connection.execute(update(person_keys).where(person_keys.c.person == OTHER_PERSON).values(wrapped=wrapped))
    with pytest.raises(CannotUnseal):
        find(engine, OTHER_PERSON)


def test_two_senders_agree_on_the_keys_whatever_the_order_they_name_people_in(engine: Engine) -> None:
    with ThreadPoolExecutor(2) as senders:
        for attempt in range(10):
            persons = [f"t-{attempt}-{number}" for number in range(60)]
            one = senders.submit(make, engine, *persons)
            two = senders.submit(make, engine, *reversed(persons))
            assert one.result(30) == two.result(30)


def test_a_sender_takes_the_key_of_another_who_has_not_committed_yet(engine: Engine) -> None:
    with ThreadPoolExecutor(1) as senders:
        with writing(engine) as connection:
            first = make_keys(connection, [PERSON], MASTER, NOW)
            second = senders.submit(make, engine, PERSON)
            with pytest.raises(TimeoutError):
                second.result(0.3)
        assert second.result(30) == first


def test_a_key_that_was_rolled_back_is_nobodys(engine: Engine) -> None:
    with writing(engine) as connection:
        make_keys(connection, [PERSON], MASTER, NOW)
        connection.rollback()
    assert find(engine, PERSON) == {}


def test_a_destroyed_key_is_gone(engine: Engine) -> None:
    make(engine, PERSON)
    assert destroy(engine, PERSON)
    assert find(engine, PERSON) == {}


def test_destroying_says_whether_there_was_a_key(engine: Engine) -> None:
    make(engine, PERSON)
    assert [destroy(engine, PERSON), destroy(engine, PERSON), destroy(engine, "t-99")] == [True, False, False]


def test_destroying_one_key_leaves_those_of_others(engine: Engine) -> None:
    made = make(engine, PERSON, OTHER_PERSON)
    destroy(engine, PERSON)
    assert find(engine, PERSON, OTHER_PERSON) == {OTHER_PERSON: made[OTHER_PERSON]}


def test_nothing_opens_or_matches_once_the_key_is_destroyed_even_under_a_new_one(engine: Engine) -> None:
    sealed = seal(make(engine, PERSON)[PERSON], EVENT, PERSON, PERSONAL)
    destroy(engine, PERSON)
    new = make(engine, PERSON)[PERSON]
    assert not opens(sealed, new)
    assert not matches(new, EVENT, PERSON, PERSONAL, sealed)


def test_a_master_key_alone_opens_nothing_that_was_sealed(engine: Engine) -> None:
    sealed = seal(make(engine, PERSON)[PERSON], EVENT, PERSON, PERSONAL)
    assert not opens(sealed, MASTER.key)


def test_a_destroyed_key_leaves_no_bytes_in_a_sqlite_file(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps the bytes until VACUUM and in its WAL: they are wrapped")
    mark = b"\xabwrapped-key-of-a-person\xcd" * 2
    with writing(engine) as connection:
        connection.execute(insert(person_keys).values(person=PERSON, wrapped=mark, created_at=NOW))
    assert mark in bytes_of(engine)
    destroy(engine, PERSON)
    assert mark not in bytes_of(engine)


def bytes_of(engine: Engine) -> bytes:
    """The SQLite file, with what was committed last."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(str(engine.url.database)).read_bytes()
