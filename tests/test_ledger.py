"""The ledger always equals a refold of the log, at every position, level and date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests.conftest import Vertikal
from tests.databases import Databases, PostgreSQL
from tests.ledgers import balanced, posted
from tests.refold import refold, rolled_up
from vertikal.events import log
from vertikal.events.database import connect, reading
from vertikal.projections.engine import Engine
from vertikal.projections.tables import VOLUMES, accounts, places
from vertikal.services import projector
from vertikal.services import store as stores
from vertikal.services.access import Party
from vertikal.services.settings import read_settings

A = VOLUMES["a"]
postings, balances = A.postings, A.balances
SCHOOLS = ("s1", "s2", "s3", "s9", "s5")  # the last comes with the history, if at all
UNITS = (*SCHOOLS, "gorodets", "chemal", "obr")
DATES = tuple(f"{year}-{month:02}-15" for year in (2020, 2021) for month in (1, 5, 9, 12))
ORGANISATIONS = (
    ("obr", "region", None),
    ("gorodets", "municipality", "obr"),
    ("chemal", "municipality", "obr"),
    ("s1", "school", "gorodets"),
    ("s2", "school", "gorodets"),
    ("s3", "school", "chemal"),
    ("s9", "school", "obr"),
)
Step = tuple[str, str, dict[str, Any]]  # type, subject, data

dates, schools, units = st.sampled_from(DATES), st.sampled_from(SCHOOLS), st.sampled_from(UNITS)
counts = st.integers(0, 30)


@st.composite
def staff(draw: st.DrawFn) -> Step:
    organisation = draw(units)
    data = {"organisation": organisation, "on": draw(dates), "teachers": draw(counts), "managers": draw(counts)}
    positions = draw(st.sampled_from(({}, {"positions": "14"}, {"positions": "14", "positions_filled": "12.5"})))
    return "staff.reported", organisation, data | positions


@st.composite
def course(draw: st.DrawFn) -> Step:
    organisation = draw(units)
    data = {
        "person": draw(st.sampled_from(("p1", "p2"))),
        "role": draw(st.sampled_from(("teacher", "manager"))),
        "organisation": organisation,
        "programme": "Программа",
        "provider": "iro",
        "hours": 72,
        "finished_on": draw(dates),
    }
    return "course.finished", organisation, data


@st.composite
def courses(draw: st.DrawFn) -> Step:
    organisation, start = draw(units), draw(dates)
    data = {
        "report": draw(st.sampled_from(("r1", "r2"))),
        "organisation": organisation,
        "role": "teacher",
        "people": draw(counts),
        "period": {"start": start, "end": max(start, draw(dates))},
    }
    return "courses.reported", organisation, data


@st.composite
def competences(draw: st.DrawFn) -> Step:
    organisation = draw(units)
    data = {
        "assessment": draw(st.sampled_from(("k1", "k2"))),
        "organisation": organisation,
        "people": draw(counts),
        "kind": draw(st.sampled_from(("subject", "ict"))),
        "on": draw(dates),
    }
    return "competence.assessed", organisation, data


@st.composite
def risk(draw: st.DrawFn) -> Step:
    school = draw(schools)
    data = {
        "school": school,
        "factor": draw(st.sampled_from(("teachers_lacking", "Дефицит педагогических кадров", "Своё"))),
        "significance": draw(st.sampled_from(("low", "high"))),
        "on": draw(dates),
        "activated": draw(st.booleans()),
    }
    return "risk.assessed", school, data


@st.composite
def result(draw: st.DrawFn) -> Step:
    school, participants = draw(schools), draw(counts)
    procedure, grade = draw(st.sampled_from((("vpr", 5), ("oge", 9))))
    data: dict[str, Any] = {"school": school, "procedure": procedure, "subject": "math", "grade": grade}
    data["year"] = draw(st.sampled_from(("2019/2020", "2020/2021")))
    kind = draw(st.sampled_from(("imported", "imported", "corrected", "withdrawn")))
    if kind == "withdrawn":
        data["reason"] = "ошибка"
    else:
        below = draw(st.integers(0, participants))
        data |= {"participants": participants, "below_minimum": below}
        data |= {"marks": {"2": below, "4": participants - below}} if draw(st.booleans()) else {}
        data |= {"reason": "appeal"} if kind == "corrected" else {"held_on": draw(dates)}
    return f"assessment.{kind}", school, data


@st.composite
def mark(draw: st.DrawFn) -> Step:
    kind, on, organisation = draw(st.sampled_from(MARKS)), draw(dates), draw(st.sampled_from(("s1", "s2", "s3", "obr")))
    activity = {"roadmap": "rm", "activity": "a2" if organisation == "obr" else "a1"}
    if kind == "cancelled":
        return "activity.cancelled", "obr", {**activity, "on": on, "reason": ""}
    if kind == "rescheduled":
        timing = {"raw": on, "kind": "deadline", "end": on}
        return "activity.rescheduled", "obr", {**activity, "timing": timing}
    data = {**activity, "organisation": organisation}
    extra: dict[str, dict[str, Any]] = {"completed": {"completed_on": on}, "not_held": {"on": on, "organised": True}}
    return f"activity.{kind}", organisation, data | extra.get(kind, {"on": on})


MARKS = ("rescheduled", "cancelled", "not_held", "completed", "started")


@st.composite
def membership(draw: st.DrawFn) -> Step:
    school, included = draw(st.sampled_from(("s1", "s3", "s9"))), draw(st.booleans())
    data = {"cohort": draw(st.sampled_from(COHORTS)), "school": school, "from" if included else "to": draw(dates)}
    return "school.included" if included else "school.excluded", school, data


@st.composite
def claim(draw: st.DrawFn) -> Step:
    organisation = draw(units)
    data = {"claim": draw(st.sampled_from(("cl1", "cl2"))), "organisation": organisation, "text": "Выполнено"}
    about = draw(st.sampled_from(({"roadmap": "rm"}, {"cohort": "c1"}, {})))
    return "claim.made", organisation, data | {"about": about, "on": draw(dates)}


@st.composite
def expectation(draw: st.DrawFn) -> Step:
    listed, start = draw(st.lists(units, min_size=1, max_size=3)), draw(dates)
    data = {"expectation": draw(st.sampled_from(("ex1", "ex2"))), "organisations": listed, "due": draw(dates)}
    data["type"] = draw(st.sampled_from(("staff.reported", "assessment.imported", "course.finished")))
    return "reporting.expected", "obr", data | {"period": {"start": start, "end": max(start, draw(dates))}}


COHORTS = ("c1", "c2")
ACTIVITIES = st.sampled_from(("a1", "a2"))


def definition(cohort: str) -> dict[str, Any]:
    period = {"start": "2020-01-01", "end": "2021-12-31"}
    return {"cohort": cohort, "title": "Группа", "kind": "shnor", "owner": "obr", "period": period}


UNHEARD = {"indicator": "quality", "organisation": "s1", "period": "2020", "as_of": "2020-12-31", "known_at": 0}
UNHEARD |= {"numerator": 0, "denominator": 0}  # a figure that holds whatever came before: nothing was known yet


@st.composite
def cycle(draw: st.DrawFn) -> Step:
    """What is said of the cycle of s1, in answer to its recommendation, or decided on it in the cycle of s3."""
    school, figures = draw(st.sampled_from(("s1", "s3"))), draw(st.sampled_from(([UNHEARD], [UNHEARD], [])))
    said = sayings(draw(dates), draw(ACTIVITIES), school, draw(st.sampled_from(("", "К"))), figures)
    often = ("analysis.published", "recommendation.issued", "decision.taken", "decision.taken")
    type_ = draw(st.sampled_from((*said, *often)))
    of = draw(st.sampled_from(("cy", "cy3"))) if type_ == "decision.taken" else "cy"
    data = said[type_] if type_ == "recommendation.answered" else {"cycle": of, **said[type_]}
    return type_, data.get("organisation", "obr"), data


def sayings(
    on: str, activity_: str, school: str, method: str, figures: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What may be said of a cycle, by type."""
    act, activity = {"number": "1", "date": "2021-01-15"}, {"roadmap": "rm", "activity": activity_}
    return {
        "goal.set": {"goal": "g1", "text": "Цель"},
        "indicator.adopted": {"goal": "g1", "indicator": "own", "method": method},
        "monitoring.recorded": {"indicator": "own", "organisation": school, "on": on, "origin": "Карты"}
        | {"numerator": 1, "denominator": 2},
        "analysis.published": {"analysis": "1", "findings": [{"finding": "f1", "text": "Вывод", "figures": figures}]},
        "recommendation.issued": {"recommendation": "r1", "finding": "f1", "addressees": [school], "text": "Совет"},
        "recommendation.answered": {"recommendation": "r1", "organisation": school, "answer": "accepted"},
        "decision.taken": {"decision": "1", "recommendations": ["r1"], "act": act, "text": "Решение"}
        | {"activities": [activity]},
        "effectiveness.assessed": {"effectiveness": "1", "activities": [activity], "outcome": "partly", "text": "Итог"},
        "cycle.closed": {"next": "cy2"},
    }


def opening(cycle: str, organisation: str) -> dict[str, Any]:
    period = {"start": "2020-01-01", "end": "2021-12-31"}
    return {"cycle": cycle, "organisation": organisation, "direction": "Поддержка школ", "period": period}


@st.composite
def support(draw: st.DrawFn) -> Step:
    data = {
        "support": draw(st.sampled_from(("h1", "h2"))),
        "kind": draw(st.sampled_from(("seminar", "visit"))),
        "level": "region",
        "organisations": draw(st.lists(units, max_size=2)),
        "held_on": draw(dates),
        "times": draw(st.integers(0, 2)),
    }
    return "support.provided", draw(units), data


@st.composite
def partner(draw: st.DrawFn) -> Step:
    """A mentor comes or goes, or an agreement is signed."""
    school, kind, on = draw(st.sampled_from(("s1", "s3"))), draw(st.sampled_from(PARTNERS)), draw(dates)
    mentorship, agreement = f"{school}-{draw(st.integers(1, 2))}", draw(st.sampled_from(("d1", "d2")))
    if kind == "mentor.released":
        return kind, school, {"mentorship": mentorship, "to": on}
    if kind == "mentor.assigned":
        return kind, school, {"mentorship": mentorship, "school": school, "mentor": "p", "kind": "curator", "from": on}
    ends = {"to": max(on, draw(dates))} if draw(st.booleans()) else {}
    return kind, school, {"agreement": agreement, "school": school, "partner": "Лицей", "from": on, **ends}


PARTNERS = ("mentor.assigned", "mentor.released", "agreement.signed")


@st.composite
def contest(draw: st.DrawFn) -> Step:
    organisation = draw(units)
    data = {"entry": draw(st.sampled_from(("en1", "en2"))), "organisation": organisation, "contest": "Учитель года"}
    level = draw(st.sampled_from(("municipal", "regional")))
    return "contest.entered", organisation, data | {"level": level, "people": draw(counts), "on": draw(dates)}


@st.composite
def registration(draw: st.DrawFn) -> Step:
    parent = draw(st.sampled_from(("gorodets", "chemal", "obr")))
    return "organisation.registered", "s5", {**_school("s5"), "parent": parent, "valid_from": draw(dates)}


@st.composite
def renaming(draw: st.DrawFn) -> Step:
    code = draw(units)
    return "organisation.renamed", code, {"code": code, "name": code.upper(), "valid_from": draw(dates)}


@st.composite
def move(draw: st.DrawFn) -> Step:
    code, parent = draw(st.sampled_from((*SCHOOLS, "chemal"))), draw(st.sampled_from(("gorodets", "chemal", "obr")))
    return "organisation.moved", code, {"code": code, "parent": parent, "valid_from": draw(dates)}


@st.composite
def merger(draw: st.DrawFn) -> Step:
    codes, into = draw(st.lists(schools, min_size=1, max_size=2, unique=True)), draw(schools)
    return "organisation.merged", into, {"codes": codes, "into": into, "valid_from": draw(dates)}


@st.composite
def closure(draw: st.DrawFn) -> Step:
    code = draw(schools)
    return "organisation.closed", code, {"code": code, "valid_from": draw(dates)}


def _school(code: str) -> dict[str, Any]:
    return {"code": code, "kind": "school", "name": code}


turns = st.one_of(move(), move(), closure(), merger(), renaming(), registration())
retractions = st.integers(0, 30).map(lambda back: ("event.retracted", "obr", {"back": back}))
histories = st.lists(
    st.one_of(
        staff(),
        course(),
        courses(),
        competences(),
        risk(),
        result(),
        mark(),
        membership(),
        claim(),
        expectation(),
        cycle(),
        support(),
        partner(),
        contest(),
        turns,
        retractions,
    ),
    min_size=6,
    max_size=25,
)


@pytest.fixture
def fresh(databases: Databases, tmp_path: Path) -> Callable[[], AbstractContextManager[Vertikal]]:
    """Makes an empty Vertikal for each example of a property."""
    return partial(emptied, databases, tmp_path)


@contextmanager
def emptied(databases: Databases, folder: Path) -> Iterator[Vertikal]:
    """An empty Vertikal."""
    with databases.fresh(folder / f"{uuid4().hex}.db", unsigned) as url:
        engine = connect(url)
        yield Vertikal(engine, read_settings({"VERTIKAL_DATABASE_URL": url}))
        engine.dispose()


def unsigned(url: str) -> None:
    """A made database that has no keys."""
    engine = connect(url)
    stores.create(engine)
    engine.dispose()


def play(store: Vertikal, history: list[Step], batch: int) -> None:
    """Send a history, and project it in batches of a given size."""
    tell(store, history)
    projector.catch_up(store.engine, batch)


def tell(store: Vertikal, history: list[Step]) -> None:
    """Send a history; what the log refuses is not part of it."""
    for code, kind, parent in ORGANISATIONS:
        data = {"code": code, "kind": kind, "name": code, "valid_from": "2019-09-01"}
        store.submit(store.event("organisation.registered", code, data | ({"parent": parent} if parent else {})))
    plan = {"roadmap": "rm", "owner": "obr", "title": "ДК", "period": {"start": "2020-01-01", "end": "2021-12-31"}}
    sent = [store.event("roadmap.adopted", "obr", plan, time="2020-01-10T10:00:00+03:00")]
    sent += [store.event("cohort.defined", "obr", definition(cohort)) for cohort in COHORTS]
    for of, code in (("s1", "cy"), ("s3", "cy3")):
        sent.append(store.event("cycle.opened", of, opening(code, of), time="2020-02-10T10:00:00+03:00"))
    for activity, targets in (("a1", ["s1", "s2", "s3"]), ("a2", [])):
        timing = {"raw": "до 1 мая", "kind": "deadline", "end": "2020-05-01"}
        what: dict[str, Any] = {"roadmap": "rm", "activity": activity, "number": "1", "title": "М", "timing": timing}
        what["responsible"] = []
        if targets:
            what["organisations"] = targets
        sent.append(store.event("activity.planned", "obr", what, time="2020-01-10T10:00:00+03:00"))
    for code, type_ in (
        ("cy", "analysis.published"),
        ("cy", "recommendation.issued"),
        ("cy", "decision.taken"),
        ("cy3", "decision.taken"),
    ):
        said = {"cycle": code, **sayings("2020-05-15", "a1", "s3", "", [UNHEARD])[type_]}
        sent.append(store.event(type_, "obr", said, time="2020-06-10T10:00:00+03:00"))
    for number, (type_, subject, said) in enumerate(history):
        target = sent[-1 - said.get("back", 0) % len(sent)]
        retraction = {"source": target["source"], "id": target["id"], "reason": "ошибка"}
        data = retraction if type_ == "event.retracted" else said
        sent.append(store.event(type_, subject, data, time=f"2021-{number % 4 * 3 + 3:02}-20T10:00:00+03:00"))
    for role, events in groupby(sent, key=lambda event: SENDERS.get(event["type"], "region")):
        store.submit(*events, party=Party("obr", role))


MUNICIPAL = ("course.finished", "competence.assessed", "support.provided", "agreement.signed", "contest.entered")
SENDERS = dict.fromkeys(MUNICIPAL, "municipality")


def recorded(store: Vertikal) -> list[log.Recorded]:
    with reading(store.engine) as connection:
        return log.read(connection, 0, 1_000)


PROPERTY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@PROPERTY
@given(history=histories, batch=st.integers(1, 12))
def test_the_ledger_equals_a_refold_of_the_log_at_every_position_level_and_date(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step], batch: int
) -> None:
    with fresh() as store:
        play(store, history, batch)
        events = recorded(store)
        for position in range(len(events) + 1):
            assert posted(store.engine, position) == refold(events, position)
        assert balanced(store.engine) == rolled_up(refold(events, len(events)))


@pytest.fixture
def often(databases: Databases) -> settings:
    """How many examples a property of many questions gets: fewer of the database that answers each more slowly."""
    return settings(PROPERTY, max_examples=10 if isinstance(databases, PostgreSQL) else 25)


def test_a_region_is_the_sum_of_its_parts_and_of_what_was_reported_above_them(
    fresh: Callable[[], AbstractContextManager[Vertikal]], often: settings
) -> None:
    @often
    @given(history=histories)
    def check(history: list[Step]) -> None:
        with fresh() as store:
            play(store, history, 1_000)
            head = len(recorded(store))
            for indicator in PARTED:
                for as_of in ("2020-06-01", "2021-12-31"):
                    for known_at in (head // 2, head):
                        check_parts(store, indicator, as_of, known_at)

    check()


PARTED = ("trained_teachers", "roadmap_overdue", "roadmap_done", "below_minimum", "decisions_executed")


def check_parts(store: Vertikal, indicator: str, as_of: str, known_at: int) -> None:
    for organisation in ("obr", "gorodets"):
        for by in ("municipality", "school"):
            answer = store.ask(indicator, organisation, as_of=as_of, known_at=known_at, by=by)
            for side in ("numerator", "denominator"):
                assert sum(row[side] for row in answer["rows"]) == answer[side]
        items = store.postings(indicator, organisation, as_of=as_of, known_at=known_at)
        for side in ("numerator", "denominator"):
            assert sum(item["delta"] for item in items if item["side"] == side) == answer[side]


def test_the_refold_notices_a_missing_posting(vertical: Vertikal) -> None:
    """The control of the property above: a ledger that lost one line differs."""
    vertical.send("staff.reported", "s1", {"organisation": "s1", "on": "2020-09-01", "teachers": 5, "managers": 1})
    events = recorded(vertical)
    assert posted(vertical.engine, len(events)) == refold(events, len(events))
    with vertical.engine.begin() as connection:
        connection.execute(postings.delete().where(postings.c.amount == 5))
    assert posted(vertical.engine, len(events)) != refold(events, len(events))


def test_a_projector_that_lost_the_race_writes_nothing(vertical: Vertikal) -> None:
    vertical.submit(
        vertical.event("staff.reported", "s1", {"organisation": "s1", "on": "2020-09-01", "teachers": 5, "managers": 1})
    )
    first, second = Engine(), Engine()
    assert projector.project(vertical.engine, first) == 1
    assert projector.project(vertical.engine, second) == 0
    assert vertical.figure("trained_teachers", "s1") == (0, 5)


def report(vertical: Vertikal, school: str, teachers: int, on: str = "2020-09-01") -> int:
    data = {"organisation": school, "on": on, "teachers": teachers, "managers": 1}
    return vertical.send("staff.reported", school, data)


@pytest.mark.usefixtures("thirteen_fails")
def test_an_event_that_cannot_be_applied_stops_its_entity_only(vertical: Vertikal) -> None:
    report(vertical, "s1", 13)
    report(vertical, "s2", 7)
    assert vertical.figure("trained_teachers", "gorodets") == (0, 7)
    assert vertical.ask("trained_teachers", "gorodets")["incomplete"] == 1
    assert vertical.ask("trained_teachers", "s2")["incomplete"] == 0


@pytest.mark.usefixtures("thirteen_fails")
def test_what_follows_for_a_blocked_entity_is_kept_and_counted_as_missing(vertical: Vertikal) -> None:
    report(vertical, "s1", 13)
    report(vertical, "s1", 9, on="2021-09-01")
    assert vertical.figure("trained_teachers", "obr") == (0, 0)
    assert vertical.ask("trained_teachers", "obr")["incomplete"] == 2


@pytest.mark.usefixtures("thirteen_fails")
def test_retracting_the_event_that_blocks_releases_the_entity(vertical: Vertikal) -> None:
    report(vertical, "s1", 13)
    bad = f"e{vertical._ids}"
    report(vertical, "s1", 9, on="2021-09-01")
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": bad, "reason": "ошибка"})
    assert vertical.figure("trained_teachers", "obr") == (0, 9)
    assert vertical.ask("trained_teachers", "obr")["incomplete"] == 0


def test_a_database_that_fails_during_a_refold_stops_no_entity(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its failure says nothing of the event: the projector tries the batch again."""

    def fail(*_: Any) -> None:
        raise OperationalError("SELECT", None, Exception("disk I/O error"))

    report(vertical, "s1", 5)
    retraction = {"source": "/regions/obr", "id": f"e{vertical._ids}", "reason": "ошибка"}
    report(vertical, "s1", 9, on="2021-09-01")
    vertical.submit(vertical.event("event.retracted", "obr", retraction))
    with monkeypatch.context() as patched:
        patched.setattr(log, "read_at", fail)
        with pytest.raises(OperationalError):
            projector.catch_up(vertical.engine)
    projector.catch_up(vertical.engine)
    assert vertical.figure("trained_teachers", "obr") == (0, 9)
    assert vertical.ask("trained_teachers", "obr")["incomplete"] == 0


@pytest.mark.usefixtures("thirteen_fails")
def test_a_released_entity_is_stored_as_it_stands(vertical: Vertikal) -> None:
    """The next projector goes on from the database, not from the memory of this one."""
    report(vertical, "s1", 13)
    bad = f"e{vertical._ids}"
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": bad, "reason": "ошибка"})
    report(vertical, "s1", 9)
    report(vertical, "s1", 8, on="2021-09-01")
    assert vertical.figure("trained_teachers", "obr") == (0, 8)
    assert vertical.figure("trained_teachers", "obr", as_of="2020-12-31") == (0, 9)


def test_the_owner_of_a_road_map_does_not_depend_on_what_the_projector_remembers(vertical: Vertikal) -> None:
    """A retraction that a fresh projector folds finds the target that the plan had: the owner of the road map."""
    plan = {"roadmap": "rm", "owner": "gorodets", "title": "ДК", "period": {"start": "2020-09-01", "end": "2021-08-31"}}
    vertical.send("roadmap.adopted", "gorodets", plan)
    timing = {"raw": "", "kind": "missing"}
    activity = {"roadmap": "rm", "activity": "a1", "number": "1", "title": "М", "timing": timing, "responsible": []}
    vertical.send("activity.planned", "s2", activity)
    done = {"roadmap": "rm", "activity": "a1", "organisation": "gorodets", "completed_on": "2020-10-01"}
    vertical.send("activity.completed", "gorodets", done)
    mark = f"e{vertical._ids}"
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": mark, "reason": "ошибка"})
    assert vertical.figure("roadmap_done", "gorodets") == (0, 1)
    assert vertical.figure("roadmap_done", "s2") == (0, 0)


@pytest.mark.usefixtures("thirteen_fails")
def test_a_retraction_beside_a_blocked_event_does_not_stop_the_flow(vertical: Vertikal) -> None:
    report(vertical, "s1", 9)
    good = f"e{vertical._ids}"
    report(vertical, "s1", 13, on="2021-09-01")
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": good, "reason": "ошибка"})
    report(vertical, "s2", 7)
    assert vertical.figure("trained_teachers", "s2") == (0, 7)
    assert vertical.ask("trained_teachers", "s1")["incomplete"] == 2  # the event that blocks, and the retraction


def test_summaries_above_the_schools_are_the_sums_of_their_accounts(vertical: Vertikal) -> None:
    """What most questions read is never a figure of its own: per place, date and kept dimensions it is a sum."""
    result = {"procedure": "vpr", "grade": 5, "year": "2020/2021", "held_on": "2021-03-15", "participants": 20}
    for school, subject, below in (("s1", "math", 5), ("s1", "russian", 3), ("s9", "math", 4)):
        data = {"school": school, "subject": subject, "below_minimum": below, **result}
        vertical.send("assessment.imported", school, data)
    statement = select(places.c.path, accounts.c.summary, balances.c.amount)
    statement = statement.join(places, places.c.id == balances.c.place)
    statement = statement.join(accounts, accounts.c.id == balances.c.account)
    sums: defaultdict[tuple[str, int], int] = defaultdict(int)
    with reading(vertical.engine) as connection:
        for path, summary, amount in connection.execute(statement.where(accounts.c.measure == "below_minimum")):
            sums[path, summary] += amount
    assert {path for path, summary in sums if summary} == {"obr", "obr/gorodets"}
    assert all(sums[path, 1] == sums[path, 0] for path in ("obr", "obr/gorodets"))
