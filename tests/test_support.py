"""Support of schools: help given, mentors, agreements and contests; figures worked out by hand, and lists."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import TODAY, Vertikal
from tests.readers import Reader, problem
from tests.test_cohorts import define, include
from vertikal.services.access import Party
from vertikal.services.refusals import Refusal

GORODETS, CHEMAL, REGION = (
    Party("gorodets", "municipality"),
    Party("chemal", "municipality"),
    Party("obr", "municipality"),
)
SOURCES = {"gorodets": "/m/gorodets", "chemal": "/m/chemal", "obr": "/regions/obr"}


def help_(vertical: Vertikal, code: str, *organisations: str, on: str = "2020-10-15", **more: Any) -> int:
    """Help that gorodets gave, unless ``party`` is another."""
    party = more.pop("party", GORODETS)
    data = {"support": code, "kind": "consultation", "level": "municipality", "organisations": list(organisations)}
    data |= {"held_on": on, **more}
    subject, source = party.organisation, SOURCES[party.organisation]
    return vertical.send("support.provided", subject, data, source=source, party=party)


def assign(vertical: Vertikal, code: str, school: str, since: str = "2020-09-01", **more: Any) -> int:
    data = {"mentorship": code, "school": school, "mentor": "p-1", "kind": "curator", "from": since, **more}
    return vertical.send("mentor.assigned", school, data)


def release(vertical: Vertikal, code: str, school: str, to: str) -> int:
    return vertical.send("mentor.released", school, {"mentorship": code, "to": to})


def sign(vertical: Vertikal, code: str, school: str, since: str = "2020-09-01", to: str | None = None) -> int:
    data = {"agreement": code, "school": school, "partner": "Лицей", "from": since} | ({"to": to} if to else {})
    return vertical.send("agreement.signed", school, data, party=REGION)


def enter(vertical: Vertikal, code: str, organisation: str, people: int, on: str = "2020-11-10", **more: Any) -> int:
    data = {"entry": code, "organisation": organisation, "contest": "Учитель года", "level": "municipality"}
    return vertical.send("contest.entered", organisation, {**data, "people": people, "on": on, **more}, party=REGION)


def retract(vertical: Vertikal, source: str = "/regions/obr") -> int:
    """Take back the last event."""
    return vertical.send("event.retracted", "obr", {"source": source, "id": f"e{vertical._ids}", "reason": "ошибка"})


@pytest.fixture
def shnor(vertical: Vertikal) -> Vertikal:
    """Seven schools with low results: s1, s2 and four more of gorodets, s3 of chemal; s9 is in no cohort."""
    define(vertical, "c1", owner="obr")
    for code in ("s4", "s5", "s6", "s7"):
        vertical.register(code, "school", "gorodets")
    for code in ("s1", "s2", "s3", "s4", "s5", "s6", "s7"):
        include(vertical, "c1", code)
    return vertical


@pytest.fixture
def region(vertical: Vertikal, client: FlaskClient) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


# Help


def test_help_counts_at_each_organisation_as_often_as_it_was_given(vertical: Vertikal) -> None:
    help_(vertical, "a", "s1", "s2", times=5)
    help_(vertical, "b", "s1")
    counted = {code: vertical.figure("support_events", code) for code in ("s1", "s2", "gorodets", "obr", "chemal")}
    assert counted == {
        "s1": (6, None),
        "s2": (5, None),
        "gorodets": (11, None),
        "obr": (11, None),
        "chemal": (0, None),
    }


def test_what_was_held_counts_once_however_many_schools_came(vertical: Vertikal) -> None:
    help_(vertical, "a", "s1", "s2", times=5)
    help_(vertical, "b", "s1")
    assert [vertical.figure("support_held", code)[0] for code in ("s1", "gorodets", "obr")] == [0, 2, 2]


def test_help_is_broken_down_by_kind_level_and_subject(vertical: Vertikal) -> None:
    help_(vertical, "a", "s1", "s2", kind="seminar", subject="math")
    help_(vertical, "b", "s1", level="region", times=3)
    for by, rows in (
        ("kind", [("consultation", 3), ("seminar", 2)]),
        ("level", [("municipality", 2), ("region", 3)]),
        ("subject", [("", 3), ("math", 2)]),
    ):
        answer = vertical.ask("support_events", "obr", by=by)
        assert [(row["key"], row["numerator"]) for row in answer["rows"]] == rows
    assert vertical.figure("support_events", "obr", kind="seminar") == (2, None)


@pytest.mark.parametrize(("level", "times"), [("school", 2), ("municipality", 1), ("region", 0)])
def test_help_is_narrowed_to_a_level(vertical: Vertikal, level: str, times: int) -> None:
    help_(vertical, "a", "s1", "s2", level="school")
    help_(vertical, "b", "s1")
    assert vertical.figure("support_events", "obr", level=level) == (times, None)


def test_the_same_code_again_replaces_the_first(vertical: Vertikal) -> None:
    before = help_(vertical, "a", "s1", "s2", times=5)
    help_(vertical, "a", "s2", times=2, on="2020-11-15")
    assert [vertical.figure("support_events", code)[0] for code in ("s1", "s2", "obr")] == [0, 2, 2]
    assert vertical.figure("support_held", "obr") == (1, None)
    assert vertical.figure("support_events", "obr", known_at=before) == (10, None)


def test_an_organisation_named_twice_got_help_once(vertical: Vertikal) -> None:
    help_(vertical, "a", "s1", "s1")
    assert vertical.figure("support_events", "s1") == (1, None)


def test_what_took_place_no_times_is_worth_nothing(shnor: Vertikal) -> None:
    help_(shnor, "a", "s1", times=0)
    assert shnor.figure("support_events", "obr") == (0, None)
    assert shnor.figure("support_held", "obr") == (0, None)
    assert shnor.figure("supported_schools", "obr") == (0, 7)


def test_the_growth_of_a_count_is_the_difference_of_two_counts(vertical: Vertikal) -> None:
    help_(vertical, "a", "s1", times=5, on="2020-10-15")
    help_(vertical, "b", "s1", times=2, on="2021-10-15")
    answer = vertical.ask("support_events", "obr", period="2021")
    assert (answer["numerator"], answer["value"], answer["growth"]) == (2, None, "-3")
    assert answer["previous"] == {"period": "2020", "numerator": 5, "denominator": None, "value": None}


# Schools that got help


def test_no_school_helped_is_nought_of_seven_and_not_no_data(shnor: Vertikal) -> None:
    answer = shnor.ask("supported_schools", "obr")
    assert (answer["numerator"], answer["denominator"], answer["value"]) == (0, 7, "0")
    assert shnor.ask("supported_schools", "s9")["value"] is None


def test_a_school_that_got_help_twice_counts_once(shnor: Vertikal) -> None:
    help_(shnor, "a", "s1", "s2", times=5)
    help_(shnor, "b", "s1", kind="seminar", on="2020-12-01")
    counted = {code: shnor.figure("supported_schools", code) for code in ("s1", "gorodets", "chemal", "obr")}
    assert counted == {"s1": (1, 1), "gorodets": (2, 6), "chemal": (0, 1), "obr": (2, 7)}


def test_help_for_a_school_outside_all_cohorts_is_no_help_for_schools_with_low_results(shnor: Vertikal) -> None:
    help_(shnor, "a", "s9", party=REGION)
    assert shnor.figure("support_events", "obr") == (1, None)
    assert shnor.figure("supported_schools", "obr") == (0, 7)


def test_a_school_in_two_cohorts_counts_once(shnor: Vertikal) -> None:
    define(shnor, "c2", owner="obr")
    include(shnor, "c2", "s1")
    help_(shnor, "a", "s1")
    assert shnor.figure("supported_schools", "obr") == (1, 7)
    assert shnor.figure("supported_schools", "obr", cohort="c2") == (1, 1)


def test_a_school_counts_once_in_each_month_quarter_year_and_school_year(shnor: Vertikal) -> None:
    help_(shnor, "a", "s1", on="2020-08-31")
    help_(shnor, "b", "s1", on="2020-10-15")
    help_(shnor, "c", "s2", on="2021-02-01")
    counted = {
        period: shnor.figure("supported_schools", "obr", period=period)[0]
        for period in ("2020-08", "2020-09", "2020-10", "2020-Q3", "2020-Q4", "2021-Q1", "2020", "2021",
                       "2019/2020", "2020/2021", "ever")
    }  # fmt: skip
    assert counted == {
        "2020-08": 1,
        "2020-09": 0,
        "2020-10": 1,
        "2020-Q3": 1,
        "2020-Q4": 1,
        "2021-Q1": 1,
        "2020": 1,
        "2021": 1,
        "2019/2020": 1,
        "2020/2021": 2,
        "ever": 2,
    }


def test_a_school_counts_from_the_day_of_its_first_help(shnor: Vertikal) -> None:
    help_(shnor, "b", "s1", on="2020-11-15")
    help_(shnor, "a", "s1", on="2020-10-15")
    for on, counted in (("2020-10-14", 0), ("2020-10-15", 1), ("2020-12-01", 1)):
        assert shnor.figure("supported_schools", "obr", period="2020", as_of=on)[0] == counted


def test_schools_over_a_range_of_days_are_refused_with_a_reason(shnor: Vertikal) -> None:
    with pytest.raises(Refusal, match="школа учитывается один раз за месяц, квартал") as refused:
        shnor.figure("supported_schools", "obr", period="2020-09-01..2020-10-31")
    assert refused.value.status == 422


def test_a_school_whose_only_help_was_replaced_or_retracted_got_none(shnor: Vertikal) -> None:
    first = help_(shnor, "a", "s1")
    help_(shnor, "a", "s2")
    assert [shnor.figure("supported_schools", code)[0] for code in ("s1", "s2", "obr")] == [0, 1, 1]
    retract(shnor, "/m/gorodets")
    assert [shnor.figure("supported_schools", code)[0] for code in ("s1", "s2", "obr")] == [1, 0, 1]
    assert shnor.figure("supported_schools", "s2", known_at=first + 1) == (1, 1)


def test_help_of_one_day_that_is_taken_back_leaves_the_other_help_of_that_day(shnor: Vertikal) -> None:
    help_(shnor, "a", "s1", kind="seminar")
    help_(shnor, "b", "s1")
    retract(shnor, "/m/gorodets")
    assert shnor.figure("supported_schools", "s1", period="2020-10") == (1, 1)


# Whose schools


def move(vertical: Vertikal) -> int:
    """From February 2021 on, the school s1 is one of chemal."""
    return vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-02-01"})


INDICATORS = ("supported_schools", "mentored_schools", "networked_schools")


@pytest.mark.parametrize("indicator", INDICATORS)
def test_a_school_that_moved_is_counted_where_it_stands_with_all_that_it_had(shnor: Vertikal, indicator: str) -> None:
    help_(shnor, "a", "s1")
    assign(shnor, "m", "s1")
    sign(shnor, "d", "s1")
    move(shnor)
    for on, gorodets, chemal in (("2021-01-31", (1, 6), (0, 1)), ("2021-02-01", (0, 5), (1, 2))):
        for period in ("2020", "2020-Q4", "ever"):
            asked = {"period": period, "as_of": on}
            assert shnor.figure(indicator, "gorodets", **asked) == gorodets
            assert shnor.figure(indicator, "chemal", **asked) == chemal
            assert shnor.figure(indicator, "obr", **asked) == (1, 7)


@pytest.mark.parametrize("indicator", INDICATORS)
@pytest.mark.parametrize("by", ["municipality", "school", "shnor"])
def test_rows_and_postings_sum_to_the_figure_when_a_school_has_moved(shnor: Vertikal, indicator: str, by: str) -> None:
    help_(shnor, "a", "s1", "s2")
    for school in ("s1", "s3"):
        assign(shnor, f"m-{school}", school)
        sign(shnor, f"d-{school}", school)
    move(shnor)
    for organisation in ("obr", "gorodets", "chemal"):
        answer = shnor.ask(indicator, organisation, period="2020", by=by)
        postings = shnor.postings(indicator, organisation, period="2020")
        for side in ("numerator", "denominator"):
            assert sum(row[side] for row in answer["rows"]) == answer[side]
            assert sum(each["delta"] for each in postings if each["side"] == side) == answer[side]
    rows = shnor.ask(indicator, "obr", period="2020", by="municipality")["rows"]
    assert [(row["key"], row["denominator"]) for row in rows] == [("chemal", 2), ("gorodets", 5)]


# Mentors


def test_a_school_has_a_mentor_until_the_day_before_the_release(shnor: Vertikal) -> None:
    assign(shnor, "m", "s1", "2020-10-01")
    release(shnor, "m", "s1", "2021-06-01")
    counted = {
        on: shnor.figure("mentored_schools", "obr", as_of=on)
        for on in ("2020-09-30", "2020-10-01", "2021-05-31", "2021-06-01")
    }
    assert counted == {"2020-09-30": (0, 7), "2020-10-01": (1, 7), "2021-05-31": (1, 7), "2021-06-01": (0, 7)}


def test_a_school_with_two_mentors_counts_until_both_are_released(shnor: Vertikal) -> None:
    assign(shnor, "m1", "s1")
    assign(shnor, "m2", "s1", mentor="p-2", kind="consultant")
    release(shnor, "m1", "s1", "2021-01-01")
    assert shnor.figure("mentored_schools", "obr", as_of="2021-03-01") == (1, 7)
    release(shnor, "m2", "s1", "2021-03-01")
    assert shnor.figure("mentored_schools", "obr", as_of="2021-03-01") == (0, 7)


def test_a_curator_of_two_schools_is_released_from_one_of_them(shnor: Vertikal) -> None:
    assign(shnor, "m1", "s1")
    assign(shnor, "m3", "s3")
    release(shnor, "m1", "s1", "2021-01-01")
    assert [shnor.figure("mentored_schools", code)[0] for code in ("s1", "s3", "obr")] == [0, 1, 1]


def test_a_mentorship_of_one_school_is_refused_for_another(shnor: Vertikal) -> None:
    """A release names no school: of two it would end one, and which one the order of the log would tell."""
    assign(shnor, "m", "s1")
    data = {"mentorship": "m", "school": "s2", "mentor": "p-1", "kind": "curator", "from": "2020-09-01"}
    (outcome,) = shnor.submit(shnor.event("mentor.assigned", "s2", data)).results
    assert outcome.errors == {"data.mentorship": ["код занят организацией «s1»: дайте другой (получено: «m»)"]}
    assign(shnor, "m", "s1", "2021-01-01", mentor="p-2")
    assert shnor.figure("mentored_schools", "obr") == (1, 7)


def test_a_mentorship_that_was_retracted_may_be_another_schools(shnor: Vertikal) -> None:
    assign(shnor, "m", "s1")
    retract(shnor)
    assign(shnor, "m", "s2")
    release(shnor, "m", "s2", "2021-06-01")
    found = [shnor.figure("mentored_schools", code, as_of="2021-05-31") for code in ("s1", "s2")]
    assert found == [(0, 1), (1, 1)]
    assert shnor.figure("mentored_schools", "obr") == (0, 7)


def test_a_period_takes_the_mentors_of_its_last_day(shnor: Vertikal) -> None:
    assign(shnor, "m", "s1")
    release(shnor, "m", "s1", "2021-06-01")
    answer = shnor.ask("mentored_schools", "obr", period="2021")
    assert (answer["numerator"], answer["previous"]["numerator"]) == (0, 1)
    assert (answer["denominator"], answer["growth"]) == (7, "-0.142857")


def test_a_retracted_release_leaves_the_mentor_there(shnor: Vertikal) -> None:
    assign(shnor, "m", "s1")
    released = release(shnor, "m", "s1", "2021-06-01")
    retract(shnor)
    assert shnor.figure("mentored_schools", "obr") == (1, 7)
    assert shnor.figure("mentored_schools", "obr", known_at=released) == (0, 7)


# Agreements


def test_an_agreement_is_in_force_on_its_last_day_and_not_on_the_next(shnor: Vertikal) -> None:
    sign(shnor, "d", "s1", "2020-10-01", "2021-05-31")
    counted = {
        on: shnor.figure("networked_schools", "obr", as_of=on)[0]
        for on in ("2020-09-30", "2020-10-01", "2021-05-31", "2021-06-01")
    }
    assert counted == {"2020-09-30": 0, "2020-10-01": 1, "2021-05-31": 1, "2021-06-01": 0}


def test_an_agreement_without_a_last_day_stays_in_force(shnor: Vertikal) -> None:
    sign(shnor, "d", "s1")
    assert shnor.figure("networked_schools", "obr", as_of="2099-12-31") == (1, 7)


def test_a_school_with_two_agreements_counts_once(shnor: Vertikal) -> None:
    sign(shnor, "d1", "s1", to="2020-12-31")
    sign(shnor, "d2", "s1", "2020-12-01", "2021-12-31")
    for on in ("2020-09-01", "2020-12-15", "2021-12-31"):
        assert shnor.figure("networked_schools", "obr", as_of=on) == (1, 7)


def test_an_agreement_that_is_signed_again_holds_from_its_new_date(shnor: Vertikal) -> None:
    sign(shnor, "d", "s1", to="2021-08-31")
    sign(shnor, "d", "s1", "2021-01-01", "2021-03-31")
    counted = {
        on: shnor.figure("networked_schools", "obr", as_of=on)[0] for on in ("2020-12-31", "2021-03-31", "2021-04-01")
    }
    assert counted == {"2020-12-31": 1, "2021-03-31": 1, "2021-04-01": 0}


def test_one_agreement_of_several_schools_counts_for_each(shnor: Vertikal) -> None:
    sign(shnor, "net", "s1")
    sign(shnor, "net", "s3")
    assert shnor.figure("networked_schools", "obr") == (2, 7)


# Contests


def test_people_in_contests_are_counted_by_level_and_the_same_entry_replaces(vertical: Vertikal) -> None:
    enter(vertical, "k1", "s1", 3)
    enter(vertical, "k2", "s1", 2, level="region")
    enter(vertical, "k1", "s1", 4)
    answer = vertical.ask("contest_entries", "obr", period="2020", by="level")
    assert (answer["numerator"], answer["denominator"]) == (6, None)
    assert [(row["key"], row["numerator"]) for row in answer["rows"]] == [("municipality", 4), ("region", 2)]


def test_few_people_in_contests_are_hidden_from_readers_of_the_totals_above(
    vertical: Vertikal, client: FlaskClient
) -> None:
    enter(vertical, "k1", "s1", 4)
    above = Reader(client, vertical.token("s2", "school")).json("/v1/indicators/contest_entries?organisation=gorodets")
    assert above["numerator"] is None
    own = Reader(client, vertical.token("s1", "school")).json("/v1/indicators/contest_entries?organisation=s1")
    assert own["numerator"] == 4


# Lists


def test_help_is_listed_up_to_the_day_one_asks_about_and_as_it_was_known(vertical: Vertikal, region: Reader) -> None:
    first = help_(vertical, "a", "s1", times=5, participants=12, subject="math")
    help_(vertical, "a", "s1", "s2", on="2020-11-15")
    item = {
        "support": "a",
        "kind": "consultation",
        "level": "municipality",
        "subject": "math",
        "held_by": "gorodets",
        "organisations": ["s1"],
        "held_on": "2020-10-15",
        "times": 5,
        "participants": 12,
    }
    assert region.json(f"/v1/support?known_at={first}")["items"] == [item]
    assert region.json("/v1/support?as_of=2020-11-14")["items"] == []
    assert region.json("/v1/support?as_of=2020-11-15")["items"][0]["organisations"] == ["s1", "s2"]


def test_help_is_listed_by_kind_level_and_organisation_page_after_page(vertical: Vertikal, region: Reader) -> None:
    help_(vertical, "a", "s1")
    help_(vertical, "b", "s3", kind="seminar", party=CHEMAL)
    help_(vertical, "c", "s2", level="region")

    def codes(query: str) -> list[str]:
        return [each["support"] for each in region.json(f"/v1/support?{query}")["items"]]

    assert codes("kind=seminar") == ["b"]
    assert codes("level=region") == ["c"]
    assert codes("organisation=gorodets") == ["a", "c"]
    assert codes("organisation=s3") == ["b"]
    assert [each["support"] for each in region.pages("/v1/support", 1)] == ["a", "b", "c"]
    problem(region.get("/v1/support?kind=praise"), 400)


def test_of_help_a_reader_sees_its_own_organisations_alone(vertical: Vertikal, client: FlaskClient) -> None:
    help_(vertical, "a", "s1", "s2")
    school, stranger = (Reader(client, vertical.token(code, "school")) for code in ("s1", "s3"))
    assert [each["organisations"] for each in school.json("/v1/support")["items"]] == [["s1"]]
    assert stranger.json("/v1/support")["items"] == []
    problem(stranger.get("/v1/support?organisation=s1"), 403)


def test_mentors_in_force_are_listed_by_their_pseudonyms(vertical: Vertikal, region: Reader) -> None:
    assign(vertical, "m1", "s1", "2020-09-01", personal={"full_name": "Вымышленная Вера Ильинична"})
    assigned = assign(vertical, "m1", "s1", "2021-01-01", mentor="p-2", kind="mentor")
    released = release(vertical, "m1", "s1", "2021-06-01")

    def listed(query: str) -> list[Any]:
        return [tuple(each.values()) for each in region.json(f"/v1/mentors?{query}")["items"]]

    assert listed("as_of=2020-12-31") == [("m1", "s1", "p-1", "curator", "2020-09-01", "2021-01-01")]
    assert listed("as_of=2021-05-31") == [("m1", "s1", "p-2", "mentor", "2021-01-01", "2021-06-01")]
    assert listed("as_of=2021-06-01") == []
    assert listed(f"as_of=2021-06-01&known_at={released - 1}") == [("m1", "s1", "p-2", "mentor", "2021-01-01", None)]
    assert listed(f"as_of=2021-06-01&known_at={assigned - 1}") == [("m1", "s1", "p-1", "curator", "2020-09-01", None)]
    assert listed("as_of=2021-05-31&kind=curator") == []


def test_agreements_in_force_are_listed_through_their_last_day(vertical: Vertikal, region: Reader) -> None:
    signed = sign(vertical, "d", "s1", "2020-10-01", "2021-05-31")
    item = {"agreement": "d", "school": "s1", "partner": "Лицей", "from": "2020-10-01", "to": "2021-05-31", "act": None}
    assert region.json("/v1/agreements?as_of=2021-05-31")["items"] == [item]
    assert region.json("/v1/agreements?as_of=2021-06-01")["items"] == []
    assert region.json(f"/v1/agreements?as_of=2021-05-31&known_at={signed - 1}")["items"] == []


def test_what_is_in_force_ends_with_the_school_in_lists_as_in_figures(shnor: Vertikal, region: Reader) -> None:
    assign(shnor, "m", "s1")
    sign(shnor, "d", "s1")
    shnor.send("organisation.closed", "s1", {"code": "s1", "valid_from": "2021-03-01"})
    for path, indicator in (("mentors", "mentored_schools"), ("agreements", "networked_schools")):
        for on, counted in (("2021-02-28", (1, 7)), ("2021-03-01", (0, 6))):
            assert len(region.json(f"/v1/{path}?as_of={on}")["items"]) == counted[0]
            assert shnor.figure(indicator, "obr", as_of=on) == counted


def test_entries_in_contests_are_listed_by_level(vertical: Vertikal, region: Reader) -> None:
    enter(vertical, "k1", "s1", 3)
    entered = enter(vertical, "k2", "s3", 2, level="region", on="2021-02-01")
    item = {"entry": "k2", "organisation": "s3", "contest": "Учитель года", "level": "region", "people": 2}
    assert region.json("/v1/contests?level=region")["items"] == [item | {"on": "2021-02-01"}]
    assert [each["entry"] for each in region.json("/v1/contests?as_of=2021-01-31")["items"]] == ["k1"]
    assert [each["entry"] for each in region.json(f"/v1/contests?known_at={entered - 1}")["items"]] == ["k1"]


@pytest.mark.parametrize("path", ["support", "mentors", "agreements", "contests"])
def test_a_stranger_sees_none_of_it(vertical: Vertikal, client: FlaskClient, path: str) -> None:
    help_(vertical, "a", "s1")
    assign(vertical, "m", "s1")
    sign(vertical, "d", "s1")
    enter(vertical, "k", "s1", 3)
    stranger = Reader(client, vertical.token("chemal", "municipality"))
    assert stranger.json(f"/v1/{path}?as_of={TODAY}")["items"] == []
    problem(stranger.get(f"/v1/{path}?organisation=s1"), 403)
    problem(client.get(f"/v1/{path}"), 401)
    assert len(Reader(client, vertical.token("s1", "school")).json(f"/v1/{path}?as_of={TODAY}")["items"]) == 1
