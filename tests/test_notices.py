"""Notices: who subscribed learns of every change of an inbox, signed, in order, and knows the same delivery again."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.conftest import MASTER, Vertikal
from tests.receivers import Receiver, receiver
from tests.terminal import Terminal
from tests.test_append_only import attempt
from tests.test_figures import mark, plan
from tests.test_persons import every_byte
from vertikal.events.database import connect, reading, writing
from vertikal.events.sealing import MasterKey
from vertikal.projections.tables import volumes
from vertikal.services.notices import deliveries, running, signing, subscriptions, webhook
from vertikal.services.notices.changes import Item, after, difference
from vertikal.services.notices.mail import Mail
from vertikal.services.notices.running import Notices
from vertikal.services.notices.tables import deliveries as deliveries_table
from vertikal.services.notices.tables import subscriptions as subscriptions_table
from vertikal.services.settings import read_settings

PAGE = Path(__file__).parent.parent / "docs" / "notices.md"
START = datetime(2020, 9, 1, 9, 0, tzinfo=UTC)


def item(proposal: str, urgency: int = 50, **more: Any) -> Item:
    """A proposal in the shape of the inbox."""
    said = {"rule": "activity_overdue", "version": "1", "organisation": "s1", "about": {"roadmap": "rm"}}
    told = {"since": "2020-08-20", "text": f"просрочено: «{proposal}»", "event": None}
    return {"proposal": proposal, **said, **told, "urgency": urgency, **more}


@dataclass
class Office:
    """An inbox whose proposals are given, and its notices; every step is one of a new process."""

    store: Vertikal
    items: list[Item] = field(default_factory=list)
    mail: Mail | None = None
    master: MasterKey | None = MASTER
    now: datetime = START

    def clock(self) -> datetime:
        return self.now

    def notices(self) -> Notices:
        timezone = self.store.settings.timezone
        return Notices(self.store.engine, self.awaiting, self.clock, timezone, self.master, self.mail)

    def awaiting(self, _ledger: Any, organisation: str, _as_of: str, _known_at: int) -> list[Item]:
        return [each for each in self.items if organisation != "chemal" or each["organisation"] == "s3"]

    def step(self, **given: Any) -> dict[str, int]:
        """The counts of a step that are not nought."""
        return {name: count for name, count in self.notices().step(**given).items() if count}

    def subscribe(self, url: str, organisation: str = "gorodets") -> tuple[int, str]:
        with writing(self.store.engine) as connection:
            return subscriptions.subscribe_webhook(connection, organisation, url, MASTER, self.now)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def log(self) -> list[dict[str, Any]]:
        """The oldest first."""
        with reading(self.store.engine) as connection:
            return deliveries.log(connection, 1_000)[::-1]

    def listed(self) -> list[dict[str, Any]]:
        with reading(self.store.engine) as connection:
            return subscriptions.listed(connection)


@pytest.fixture
def office(vertical: Vertikal) -> Office:
    return Office(vertical, [item("p1")])


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def verified() -> Callable[..., bool]:
    """What docs/notices.md shows to receivers."""
    found: dict[str, Any] = {}
    shown = re.search(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert shown is not None
    exec(shown.group(1), found)  # noqa: S102  # our own page
    return partial(found["verified"], now=START.timestamp())


# What is told


def test_a_subscriber_is_told_what_waits_and_then_only_what_is_new(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    assert office.step() == {"made": 1, "delivered": 1}
    office.items.append(item("p2"))
    assert office.step() == {"made": 1, "delivered": 1}
    assert [[each["proposal"] for each in request.said["appeared"]] for request in hook.requests] == [["p1"], ["p2"]]
    assert hook.requests[0].said["appeared"] == [item("p1")]


def test_where_nothing_changed_nothing_is_sent(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    office.step()
    office.later(days=1)
    assert office.step() == {}
    assert len(hook.requests) == 1


def test_an_empty_inbox_is_not_told(office: Office, hook: Receiver) -> None:
    office.items.clear()
    office.subscribe(hook.url)
    assert office.step() == {}


def test_what_is_settled_is_told_as_ended_and_comes_back_as_new(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    office.step()
    gone = office.items.pop()
    office.step()
    said = hook.requests[1].said
    assert said["appeared"] == []
    assert said["ended"] == [{name: gone[name] for name in ("proposal", "organisation", "text")}]
    office.items.append(gone)
    office.step()
    assert hook.requests[2].said["appeared"] == [gone]


def test_the_message_says_whose_inbox_it_is_and_when_it_was_looked_at(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    office.now = datetime(2020, 8, 31, 21, 30, tzinfo=UTC)  # the first of September in Moscow
    office.step()
    said = hook.requests[0].said
    assert said["id"] == hook.requests[0].id
    assert (said["organisation"], said["as_of"], said["known_at"]) == ("gorodets", "2020-09-01", 7)


def test_the_most_urgent_comes_first(office: Office, hook: Receiver) -> None:
    office.items = [item("p1", 10), item("p2", 90), item("p3", 50), item("p4", 90)]
    office.subscribe(hook.url)
    office.step()
    assert [each["proposal"] for each in hook.requests[0].said["appeared"]] == ["p2", "p4", "p3", "p1"]


def test_everyone_is_told_of_the_own_organisation(office: Office, hook: Receiver) -> None:
    office.items.append(item("p3", organisation="s3"))
    office.subscribe(f"{hook.url}/gorodets")
    office.subscribe(f"{hook.url}/chemal", "chemal")
    office.step()
    told = {request.path: [each["proposal"] for each in request.said["appeared"]] for request in hook.requests}
    assert told == {"/gorodets": ["p1", "p3"], "/chemal": ["p3"]}


def test_figures_that_were_put_back_end_nothing(office: Office, hook: Receiver) -> None:
    """While they are made anew the inbox is empty, but nobody has settled anything."""
    office.subscribe(hook.url)
    office.step()
    office.items.clear()
    with writing(office.store.engine) as connection:
        connection.execute(update(volumes).where(volumes.c.live == 1).values(position=3))
    assert office.step() == {}
    with writing(office.store.engine) as connection:  # the control
        connection.execute(update(volumes).where(volumes.c.live == 1).values(position=7))
    assert office.step() == {"made": 1, "delivered": 1}


@given(st.lists(st.sets(st.integers(0, 8)), max_size=6))
def test_whoever_hears_of_every_change_knows_what_waits(inboxes: list[set[int]]) -> None:
    told: list[Item] = []
    for inbox in inboxes:
        items = [item(str(number), number) for number in inbox]
        change = difference(told, items)
        told = after(told, change)
        assert {each["proposal"] for each in told} == {each["proposal"] for each in items}
        assert len(told) == len(inbox)
        assert not difference(told, items)


# The signature


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of https://docs.svix.com/receiving/verifying-payloads/how-manual."""
    secret = signing.PREFIX + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    key = b"1\xf2\x90\xf6\xbf\x06)\x8a\xabO\x08\xd4<?\x08,\xf6H\xa3b\xda-\xa4\xb0"
    assert signing.shown(key) == secret
    found = signing.headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_receiver_verifies_it_as_the_page_says(
    office: Office, hook: Receiver, verified: Callable[..., bool]
) -> None:
    _, secret = office.subscribe(hook.url)
    office.step()
    got = hook.requests[0]
    assert verified(secret, got.headers, got.body)
    late = START.timestamp() + 301
    assert not verified(secret, got.headers, got.body, now=late)


def test_with_any_bit_flipped_it_does_not_verify(office: Office, hook: Receiver, verified: Callable[..., bool]) -> None:
    _, secret = office.subscribe(hook.url)
    office.step()
    got = hook.requests[0]
    for bit in range(8 * len(got.body)):
        body = bytearray(got.body)
        body[bit // 8] ^= 1 << bit % 8
        assert not verified(secret, got.headers, bytes(body))
    for name in ("webhook-id", "webhook-timestamp"):
        changed = got.headers[name][:-1] + chr(ord(got.headers[name][-1]) ^ 1)
        assert not verified(secret, {**got.headers, name: changed}, got.body)
    _, other = office.subscribe(hook.url)
    assert not verified(other, got.headers, got.body)


def test_every_attempt_is_signed_for_its_own_time(
    office: Office, hook: Receiver, verified: Callable[..., bool]
) -> None:
    """Else receivers would take a late attempt for an old message that somebody plays back."""
    _, secret = office.subscribe(hook.url)
    hook.answer = 503
    office.step()
    office.later(hours=1)
    office.step()
    first, second = hook.requests
    assert first.body == second.body
    assert not verified(secret, first.headers, first.body, now=office.now.timestamp())
    assert verified(secret, second.headers, second.body, now=office.now.timestamp())


# Where the secret lives


def test_the_secret_is_shown_once_and_stands_nowhere_in_the_clear(vertical: Vertikal, terminal: Terminal) -> None:
    url = "https://gorodets.example/notices?token=keep"
    made = terminal.json(
        "notices", "subscribe", "--organisation", "gorodets", "--webhook", url, VERTIKAL_MASTER_KEY=MASTER.text()
    )
    secret = made["secret"]
    shown = "".join(terminal.run("notices", what, *how).output for what in ("list", "log") for how in ((), ("--json",)))
    assert "gorodets.example" in shown
    assert secret.removeprefix("whsec_") not in shown
    assert "keep" not in shown
    assert secret.removeprefix("whsec_").encode() not in every_byte(vertical)
    with reading(vertical.engine) as connection:
        wrapped = bytes(connection.execute(select(subscriptions_table.c.secret)).scalar_one())
    assert signing.shown(signing.unwrap(MASTER, url, wrapped)) == secret  # the control: it is there, but wrapped


def test_nothing_is_signed_for_an_address_that_was_put_in_the_place_of_another(office: Office, hook: Receiver) -> None:
    number, _ = office.subscribe("https://gorodets.example/")
    office.notices().look()
    with writing(office.store.engine) as connection:
        changed = update(subscriptions_table).where(subscriptions_table.c.id == number)
        connection.execute(changed.values(address=f"{hook.url}/"))
    assert office.notices().send() == ["under_way"]
    assert hook.requests == []
    assert "does not open" in office.log()[0]["last_error"]


def test_without_the_master_key_nothing_is_sent_and_the_log_says_why(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    office.master = None
    assert office.step() == {"made": 1, "failed": 1}
    assert "VERTIKAL_MASTER_KEY" in office.log()[0]["last_error"]
    office.master = MASTER
    office.later(minutes=1)
    assert office.step() == {"delivered": 1}


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("ingest", "INSERT INTO subscriptions SELECT * FROM subscriptions"),
        ("ingest", "UPDATE subscriptions SET address = 'https://evil.example'"),
        ("ingest", "DELETE FROM deliveries"),
        ("reader", "SELECT * FROM subscriptions"),
        ("projector", "SELECT * FROM subscriptions"),
    ],
)
def test_only_administrators_say_where_notices_go(
    vertical: Vertikal, database_url: str, role: str, statement: str
) -> None:
    refusal = attempt(connect(database_url, role), statement)  # type: ignore[arg-type]
    assert refusal is not None
    assert "permission denied" in refusal


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_the_role_that_sends_can_do_its_work(office: Office, database_url: str, hook: Receiver) -> None:
    """Cancelling among it, which an answer of 410 does."""
    office.subscribe(hook.url)
    office.store.engine = connect(database_url, "ingest")
    assert office.step() == {"made": 1, "delivered": 1}
    hook.answer, office.items = 410, []
    assert office.step() == {"made": 1, "given_up": 1}


# Failures


def test_a_receiver_that_was_down_is_told_once_after_the_pause(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    hook.answer = 503
    assert office.step() == {"made": 1, "failed": 1}
    hook.answer = 200
    office.later(seconds=59)
    assert office.step() == {}
    office.later(seconds=1)
    assert office.step() == {"delivered": 1}
    office.later(days=1)
    assert office.step() == {}
    assert len(set(hook.ids)) == 1
    assert len(hook.ids) == 2
    (logged,) = office.log()
    assert (logged["state"], logged["attempts"], logged["last_status"]) == ("delivered", 2, 200)


def test_a_receiver_that_nobody_runs_is_tried_again(office: Office) -> None:
    with receiver() as gone:
        office.subscribe(gone.url)
    assert office.step() == {"made": 1, "failed": 1}
    assert "refused" in office.log()[0]["last_error"]


def test_what_changes_while_a_delivery_is_under_way_goes_into_the_next(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    hook.answer = 503
    office.step()
    office.items = [item("p2")]
    assert office.step() == {}
    office.later(minutes=1)
    hook.answer = 200
    assert office.step() == {"delivered": 1}
    assert office.step() == {"made": 1, "delivered": 1}
    told = [(len(r.said["appeared"]), len(r.said["ended"])) for r in hook.requests]
    assert told == [(1, 0), (1, 0), (1, 1)]


def test_after_five_days_it_is_given_up_and_later_told_again(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    hook.answer = 500
    office.step()
    attempts = 1
    while office.log()[0]["state"] == "under_way":
        office.later(hours=6)
        office.notices().send()
        attempts += 1
        assert attempts < 30
    assert timedelta(days=4) < office.now - START <= timedelta(days=5)
    hook.answer = 200
    assert office.step() == {"made": 1, "delivered": 1}
    assert hook.requests[-1].said["appeared"] == [item("p1")]
    assert hook.ids[-1] != hook.ids[0]


def test_an_answer_of_410_cancels_the_subscription(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    hook.answer = 410
    assert office.step() == {"made": 1, "given_up": 1}
    assert office.listed()[0]["cancelled_at"] is not None
    office.later(days=1)
    office.items.append(item("p2"))
    assert office.step() == {}
    assert len(hook.requests) == 1


def test_control_an_answer_of_404_does_not(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    hook.answer = 404
    assert office.step() == {"made": 1, "failed": 1}
    assert office.listed()[0]["cancelled_at"] is None


def test_a_cancelled_subscription_is_not_told_what_was_under_way(office: Office, hook: Receiver) -> None:
    number, _ = office.subscribe(hook.url)
    hook.answer = 503
    office.step()
    with writing(office.store.engine) as connection:
        assert subscriptions.cancel(connection, number, office.now)
        assert not subscriptions.cancel(connection, number, office.now)
    office.later(days=1)
    assert office.step() == {}
    assert office.log()[0]["state"] == "given_up"


def test_a_redirect_is_not_followed(office: Office, hook: Receiver) -> None:
    """It would lead the service to addresses that no administrator has given."""
    office.subscribe(hook.url)
    hook.answer = 302
    assert office.step() == {"made": 1, "failed": 1}
    assert [request.path for request in hook.requests] == ["/"]


def test_a_failing_and_a_slow_receiver_delay_nobody(office: Office, hook: Receiver) -> None:
    assert arrival_beside_a_slow_one(office, hook) < 1.0


def test_control_one_at_a_time_they_would(office: Office, hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SENDERS", 1)
    assert arrival_beside_a_slow_one(office, hook) >= 1.0


def arrival_beside_a_slow_one(office: Office, hook: Receiver) -> float:
    """When a good receiver is told, in seconds, beside one that does not answer and one that is away."""
    arrived: list[float] = []
    released = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/slow":
            released.wait(1.2)
        else:
            arrived.append(time.monotonic() - begun)
            released.set()
        handler.send_response(200)
        handler.end_headers()

    hook.instead = answer
    with receiver() as away:
        office.subscribe(away.url)
    office.subscribe(f"{hook.url}/slow")
    office.subscribe(f"{hook.url}/good")
    begun = time.monotonic()
    assert office.step() == {"made": 3, "delivered": 2, "failed": 1}
    return arrived[0]


@pytest.mark.parametrize(
    ("first", "drop", "outcome"),
    [(b"", b"H", "failed"), (b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n", "delivered")],
    ids=["before its status", "behind its status"],
)
def test_an_answer_that_comes_drop_by_drop_is_cut_off(
    office: Office, hook: Receiver, monkeypatch: pytest.MonkeyPatch, first: bytes, drop: bytes, outcome: str
) -> None:
    """Every drop comes in time, so that only the whole takes too long; what was said before counts."""
    monkeypatch.setattr(webhook, "WHOLE_S", 0.3)
    hook.instead = partial(drip, first, drop)
    office.subscribe(hook.url)
    begun = time.monotonic()
    assert office.step() == {"made": 1, outcome: 1}
    assert time.monotonic() - begun < 2.0


def drip(first: bytes, drop: bytes, handler: BaseHTTPRequestHandler) -> None:
    try:
        handler.wfile.write(first)
        for _ in range(40):
            handler.wfile.write(drop)
            time.sleep(0.1)
    except OSError:
        handler.close_connection = True


# Killed in between


def act(url: str, items: list[Item], master: str, only_write: bool) -> None:
    """A process that writes and is killed before it sends; or that sends, and is killed by the receiver."""
    store = Vertikal(connect(url), read_settings({"VERTIKAL_DATABASE_URL": url}))
    notices = Office(store, items, master=MasterKey.parse(master)).notices()
    if only_write:
        notices.look()
        os.kill(os.getpid(), signal.SIGKILL)
    notices.step()


def killed(office: Office, url: str, hook: Receiver, *, only_write: bool) -> None:
    """Run such a process to its end."""
    process = get_context("spawn").Process(target=act, args=(url, office.items, MASTER.text(), only_write))

    hook.instead = lambda _: process.kill()
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    hook.instead = None


def test_killed_after_writing_and_before_sending_it_is_sent_by_the_next(
    office: Office, database_url: str, hook: Receiver
) -> None:
    office.subscribe(hook.url)
    killed(office, database_url, hook, only_write=True)
    written = office.log()[0]["id"]
    assert hook.requests == []
    assert office.step() == {"delivered": 1}
    assert hook.ids == [written]


def test_killed_after_sending_and_before_noting_it_is_sent_again_under_its_id(
    office: Office, database_url: str, hook: Receiver
) -> None:
    office.subscribe(hook.url)
    killed(office, database_url, hook, only_write=False)
    office.items.append(item("p2"))  # what changes meanwhile does not change what was written
    assert office.step() == {}
    office.later(minutes=1)
    assert office.step() == {"delivered": 1}
    first, second = hook.requests
    assert first.id == second.id
    assert first.body == second.body


def test_control_with_an_id_made_on_sending_the_receiver_could_not_know_it_again(
    office: Office, database_url: str, hook: Receiver
) -> None:
    """As it would be without a delivery that is written first: made and sent in one, and rolled back by the kill."""
    office.subscribe(hook.url)
    killed(office, database_url, hook, only_write=False)
    with writing(office.store.engine) as connection:
        connection.execute(text("DELETE FROM deliveries"))
    assert office.step() == {"made": 1, "delivered": 1}
    assert len(set(hook.ids)) == 2


# Two at once


def test_two_processes_that_find_the_same_change_tell_it_once(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    both = [threading.Thread(target=office.step) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert len(hook.requests) == 1
    assert len(office.log()) == 1


def test_of_two_that_begin_the_same_attempt_one_does(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    office.notices().look()
    id_ = office.log()[0]["id"]
    with writing(office.store.engine) as connection:
        assert deliveries.begin(connection, id_, office.now) is not None
        assert deliveries.begin(connection, id_, office.now) is None


def test_the_database_itself_refuses_a_second_delivery_under_way(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    office.notices().look()
    with reading(office.store.engine) as connection:
        row = dict(connection.execute(select(deliveries_table)).mappings().one())
    with pytest.raises(IntegrityError), writing(office.store.engine) as connection:
        connection.execute(deliveries_table.insert().values({**row, "id": "another"}))
    with writing(office.store.engine) as connection:  # the control
        connection.execute(deliveries_table.insert().values({**row, "id": "another", "next_attempt_at": None}))


def test_an_outcome_that_is_noted_twice_counts_once(office: Office, hook: Receiver) -> None:
    """Two processes may send the same delivery, when the first took longer than its pause."""
    office.subscribe(hook.url)
    office.notices().look()
    id_ = office.log()[0]["id"]
    with writing(office.store.engine) as connection:
        delivery = deliveries.begin(connection, id_, office.now)
        assert delivery is not None
        for outcome in (deliveries.Outcome(200), deliveries.Outcome(200), deliveries.Outcome(500, "late")):
            deliveries.end(connection, delivery, outcome, office.now)
    (logged,) = office.log()
    assert (logged["state"], logged["last_status"]) == ("delivered", 200)
    with reading(office.store.engine) as connection:
        told = connection.execute(select(subscriptions_table.c.told)).scalar_one()
    assert told.count('"p1"') == 1


# With the inbox of the service, on the command line


def test_what_the_rules_find_is_told_until_somebody_acts(
    vertical: Vertikal, terminal: Terminal, hook: Receiver
) -> None:
    plan(vertical)
    master = MASTER.text()
    subscribe = ("notices", "subscribe", "--organisation", "gorodets", "--webhook", hook.url)
    terminal.run(*subscribe, VERTIKAL_MASTER_KEY=master)
    counts = terminal.json("notices", "run", VERTIKAL_MASTER_KEY=master)
    assert counts == {"made": 1, "delivered": 1, "failed": 0, "given_up": 0}
    waiting = terminal.json("inbox", "--organisation", "gorodets")["items"]
    assert {each["rule"] for each in waiting} == {"activity_overdue"}
    assert hook.requests[0].said["appeared"] == waiting
    mark(vertical, "completed", "s1", "2020-10-30")
    assert "delivered 1" in terminal.run("notices", "run", VERTIKAL_MASTER_KEY=master).stdout
    assert [each["organisation"] for each in hook.requests[1].said["ended"]] == ["s1"]
    assert hook.requests[1].said["appeared"] == []


def test_a_run_in_which_a_delivery_fails_ends_with_4(vertical: Vertikal, terminal: Terminal, hook: Receiver) -> None:
    plan(vertical)
    master = MASTER.text()
    subscribe = ("notices", "subscribe", "--organisation", "gorodets", "--webhook", hook.url)
    terminal.run(*subscribe, VERTIKAL_MASTER_KEY=master)
    hook.answer = 503
    assert "failed 1" in terminal.run("notices", "run", code=4, VERTIKAL_MASTER_KEY=master).stdout
    assert "HTTP 503" in terminal.run("notices", "log").stdout
    assert terminal.run("notices", "run", code=0, VERTIKAL_MASTER_KEY=master)  # it is not due yet


# The log


def test_what_was_said_is_kept_no_longer_than_it_is_needed(office: Office, hook: Receiver) -> None:
    """The log keeps ids and a digest of the bytes, which proves what a receiver holds."""
    office.subscribe(hook.url)
    office.step()
    with reading(office.store.engine) as connection:
        row = connection.execute(select(deliveries_table.c.body, deliveries_table.c.digest)).one()
    assert row.body is None
    assert row.digest == hashlib.sha256(hook.requests[0].body).hexdigest()
    assert office.log()[0]["appeared"] == ["p1"]


def test_a_follower_sends_until_it_is_stopped(office: Office, hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LOOK_EVERY_S", 0.02)
    office.subscribe(hook.url)
    stop = threading.Event()
    thread = threading.Thread(target=office.notices().follow, args=(stop,))
    thread.start()
    until = time.monotonic() + 10
    while not hook.requests and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    thread.join(10)
    assert len(hook.requests) == 1
    assert not thread.is_alive()


def test_an_inbox_is_asked_once_while_its_figures_stand(office: Office, hook: Receiver) -> None:
    asked: list[str] = []

    def awaiting(_ledger: Any, organisation: str, _as_of: str, _known_at: int) -> list[Item]:
        asked.append(organisation)
        return []

    office.subscribe(hook.url)
    office.subscribe(hook.url)
    notices = Notices(office.store.engine, awaiting, office.clock, office.store.settings.timezone, MASTER, None)
    notices.step()
    notices.step()
    assert asked == ["gorodets"]
    office.store.register("s4", "school", "gorodets")
    notices.step()
    office.later(days=1)
    notices.step()
    assert asked == ["gorodets"] * 3


def test_a_broken_database_is_not_taken_for_a_failed_attempt(office: Office, hook: Receiver) -> None:
    office.subscribe(hook.url)
    office.notices().look()
    with writing(office.store.engine) as connection:
        connection.execute(text("ALTER TABLE deliveries RENAME TO lost"))
    with pytest.raises(DBAPIError):
        office.notices().send()
