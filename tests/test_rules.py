"""Rules: who is a school with low results, signs of biased marking, units against the best; worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import TODAY, Vertikal
from tests.readers import RUSSIAN, Reader, problem
from tests.terminal import Terminal
from tests.test_cohorts import define, exclude, include
from tests.test_figures import result, staff
from vertikal.rules import bias, relative
from vertikal.rules.proposals import RULES
from vertikal.rules.shnor import Key, Parameters, Scores, Verdict, both, either, judge, turned
from vertikal.rules.versions import Version, in_force, years_to

BEFORE, YEAR = "2020/2021", "2021/2022"
RULE = Parameters()


def scores(**shares: tuple[int, int]) -> dict[Key, Scores]:
    """Results by name: ``math5`` is of the year, ``math5_before`` of the one before; (below, participants)."""
    found = {}
    for name, (below, participants) in shares.items():
        of, _, before = name.partition("_")
        found[Key("vpr", of[:-1], int(of[-1]), BEFORE if before else YEAR)] = Scores(participants, below)
    return found


def verdict(parameters: Parameters = RULE, **shares: tuple[int, int]) -> Verdict:
    return judge(scores(**shares), YEAR, parameters)


def low(below: int, participants: int, **more: Any) -> bool | None:
    return verdict(Parameters(**more), math5=(below, participants)).outcomes[-1].low


# A low result


def test_a_share_of_thirty_per_cent_is_low_and_one_of_29_99_is_not() -> None:
    assert low(3, 10) is True
    assert low(2999, 10_000) is False
    assert low(3000, 10_000) is True


def test_with_the_comparator_greater_thirty_per_cent_is_not_low() -> None:
    assert low(3, 10, comparator=">") is False
    assert low(3001, 10_000, comparator=">") is True


def test_shares_are_compared_as_fractions_and_not_as_they_are_printed() -> None:
    assert low(299_999_999, 1_000_000_000) is False
    assert low(1, 3, threshold=Decimal("0.333333")) is True
    assert low(1, 3, threshold=Decimal("0.333334")) is False


def test_a_small_school_counts_and_its_sample_is_noted() -> None:
    outcome = verdict(math5=(1, 3)).outcomes[-1]
    assert (outcome.low, outcome.limited) == (True, True)
    assert [verdict(math5=(6, n)).outcomes[-1].limited for n in (19, 20)] == [True, False]


def test_without_participants_there_is_no_data() -> None:
    found = verdict(math5=(0, 0))
    assert found.outcomes[-1].low is None
    assert (found.all, found.any, found.meets, found.watch) == (None, None, None, False)


# The two conditions and their readings


def test_two_low_procedures_and_one_of_them_the_year_before_meet_both_readings() -> None:
    found = verdict(math5=(4, 10), russian5=(3, 10), math5_before=(5, 10))
    assert (found.several, found.repeated) == (True, True)
    assert found.readings == {"all": True, "any": True}


def test_the_readings_differ_where_another_procedure_was_low_the_year_before() -> None:
    found = verdict(math5=(4, 10), russian5=(3, 10), math5_before=(1, 10), russian5_before=(2, 10))
    assert (found.several, found.repeated) == (True, False)
    assert found.readings == {"all": False, "any": True}


def test_one_procedure_low_two_years_in_a_row_is_enough_for_the_second_condition_alone() -> None:
    found = verdict(math5=(4, 10), russian5=(1, 10), math5_before=(5, 10))
    assert (found.several, found.repeated) == (False, True)
    assert found.readings == {"all": False, "any": True}


def test_without_results_of_the_year_before_and_is_not_known_and_or_is_true() -> None:
    found = verdict(math5=(4, 10), russian5=(3, 10))
    assert (found.several, found.repeated) == (True, None)
    assert found.readings == {"all": None, "any": True}


def test_without_results_of_the_year_before_a_school_with_one_low_procedure_does_not_meet_and() -> None:
    found = verdict(math5=(4, 10), russian5=(1, 10))
    assert (found.several, found.repeated) == (False, None)
    assert found.readings == {"all": False, "any": None}


def test_a_school_with_a_result_in_one_procedure_does_not_have_two_low_ones() -> None:
    assert verdict(math5=(9, 10)).several is False


def test_without_results_of_the_year_nothing_is_known() -> None:
    assert verdict(math5_before=(9, 10), russian5_before=(9, 10)).readings == {"all": None, "any": None}


def test_another_grade_is_another_procedure() -> None:
    found = verdict(math6=(4, 10), russian6=(3, 10), math5_before=(5, 10))
    assert found.repeated is None
    assert found.readings == {"all": None, "any": True}


def test_diagnostics_do_not_count() -> None:
    results = scores(math5=(4, 10)) | {Key("diagnostic", "russian", 5, YEAR): Scores(10, 9)}
    found = judge(results, YEAR, RULE)
    assert found.several is False
    assert {each.key.procedure for each in found.outcomes} == {"vpr"}


def test_three_years_in_a_row_are_asked_of_one_procedure() -> None:
    results = {Key("vpr", "math", 5, year): Scores(10, 4) for year in years_to(YEAR, 3)}
    assert judge(results, YEAR, Parameters(consecutive_years=3)).repeated is True
    results[Key("vpr", "math", 5, BEFORE)] = Scores(10, 2)
    assert judge(results, YEAR, Parameters(consecutive_years=3)).repeated is False
    del results[Key("vpr", "math", 5, BEFORE)]
    assert judge(results, YEAR, Parameters(consecutive_years=3)).repeated is None


@pytest.mark.parametrize(("combine", "meets"), [("all", False), ("any", True)])
def test_combine_says_which_reading_is_the_verdict(combine: str, meets: bool) -> None:
    found = verdict(Parameters(combine=combine), math5=(4, 10), russian5=(3, 10), math5_before=(1, 10))
    assert found.meets is meets
    assert found.readings == {"all": False, "any": True}


@pytest.mark.parametrize(
    ("one", "other", "conjoined", "disjoined"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (True, None, None, True),
        (False, False, False, False),
        (False, None, False, None),
        (None, None, None, None),
    ],
)
def test_what_is_not_known_decides_nothing(
    one: bool | None, other: bool | None, conjoined: bool | None, disjoined: bool | None
) -> None:
    assert both(one, other) is both(other, one) is conjoined
    assert either(one, other) is either(other, one) is disjoined


# Near misses


@pytest.mark.parametrize(("below", "watched"), [(24, False), (25, True), (29, True), (30, True)])
def test_a_school_five_points_below_the_threshold_is_watched(below: int, watched: bool) -> None:
    assert verdict(math5=(below, 100)).watch is watched


def test_the_margin_of_watching_is_a_parameter() -> None:
    assert verdict(Parameters(margin=Decimal("0.1")), math5=(20, 100)).watch is True


def test_a_school_that_meets_the_rule_is_not_watched_but_counted() -> None:
    assert verdict(math5=(4, 10), russian5=(3, 10), math5_before=(5, 10)).watch is False


def test_a_school_is_watched_where_only_data_is_missing() -> None:
    assert verdict(math5=(4, 10), russian5=(3, 10)).watch is True


def test_a_year_that_is_over_makes_nobody_watched() -> None:
    assert verdict(math5=(0, 10), math5_before=(9, 10)).watch is False


# What holds whatever the results


KEYS = st.builds(
    Key,
    st.sampled_from(["vpr", "oge", "diagnostic"]),
    st.sampled_from(["math", "russian"]),
    st.sampled_from([5, 6]),
    st.sampled_from(years_to(YEAR, 3)),
)
SCORES = st.integers(0, 40).flatmap(lambda n: st.integers(0, n).map(lambda below: Scores(n, below)))
RESULTS = st.dictionaries(KEYS, SCORES, max_size=24)
THRESHOLDS = st.decimals(0, 1, places=2)
PARAMETERS = st.builds(
    Parameters,
    threshold=THRESHOLDS,
    comparator=st.sampled_from([">=", ">"]),
    min_procedures=st.integers(1, 4),
    consecutive_years=st.integers(1, 3),
    combine=st.sampled_from(["all", "any"]),
)


@given(RESULTS, PARAMETERS, THRESHOLDS)
def test_a_lower_threshold_never_takes_a_school_off_the_list(
    results: dict[Key, Scores], parameters: Parameters, other: Decimal
) -> None:
    lower, higher = sorted([parameters.threshold, other])
    found = [judge(results, YEAR, replace(parameters, threshold=each)) for each in (lower, higher)]
    for reading in ("all", "any"):
        assert found[0].readings[reading] is True or found[1].readings[reading] is not True


@given(RESULTS, PARAMETERS)
def test_who_meets_both_conditions_meets_one_and_the_verdict_is_one_of_the_readings(
    results: dict[Key, Scores], parameters: Parameters
) -> None:
    found = judge(results, YEAR, parameters)
    assert found.all is not True or found.any is True
    assert found.any is not False or found.all is False
    assert found.meets is found.readings[parameters.combine]
    assert not (found.watch and found.meets)


@given(RESULTS, RESULTS, PARAMETERS)
def test_a_verdict_turns_only_where_a_procedure_came_out_otherwise(
    one: dict[Key, Scores], other: dict[Key, Scores], parameters: Parameters
) -> None:
    before, after = judge(one, YEAR, parameters), judge(other, YEAR, parameters)
    assert turned(before, after) or before.readings == after.readings


# Versions


def test_each_school_year_has_the_version_that_is_in_force() -> None:
    versions = [Version(1, RULE, "", last="2020/2021"), Version(2, RULE, "", first="2021/2022", last="2022/2023")]
    found = [in_force(versions, year) for year in ("2019/2020", "2020/2021", "2021/2022", "2023/2024")]
    assert [each and each.version for each in found] == [1, 1, 2, None]


# Through the ledger and HTTP


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


def imported(vertical: Vertikal, school: str, subject: str, below: int, participants: int, year: str = YEAR) -> int:
    held_on = f"{year[5:]}-04-15"
    return result(vertical, school, participants, below, subject=subject, year=year, held_on=held_on)


def corrected(vertical: Vertikal, school: str, subject: str, below: int, participants: int, year: str = YEAR) -> int:
    data = {"school": school, "procedure": "vpr", "subject": subject, "grade": 5, "year": year}
    more = {"participants": participants, "below_minimum": below, "reason": "appeal"}
    return vertical.send("assessment.corrected", school, data | more)


def withdrawn(vertical: Vertikal, school: str, subject: str, year: str = YEAR) -> int:
    data = {"school": school, "procedure": "vpr", "subject": subject, "grade": 5, "year": year, "reason": "сбой"}
    return vertical.send("assessment.withdrawn", school, data)


@pytest.fixture
def published(vertical: Vertikal) -> int:
    """The position at which the list was published: s1 meets both readings, s2 one, s3 none; s9 has no data."""
    imported(vertical, "s1", "math", 10, 20, BEFORE)
    imported(vertical, "s1", "math", 6, 20)
    imported(vertical, "s1", "russian", 3, 10)
    imported(vertical, "s2", "math", 8, 20)
    imported(vertical, "s2", "russian", 8, 20)
    return imported(vertical, "s3", "math", 5, 20)


def ask(reader: Reader, path: str = "shnor", **given: Any) -> dict[str, Any]:
    given = {"organisation": "obr", "year": YEAR, "as_of": TODAY, **given}
    query = "&".join(f"{name}={value}" for name, value in given.items() if value is not None)
    found: dict[str, Any] = reader.json(f"/v1/rules/{path}?{query}".replace(">", "%3E"))
    return found


def meets(reader: Reader, **given: Any) -> dict[str, tuple[bool | None, bool | None]]:
    return {each["school"]: (each["meets"]["all"], each["meets"]["any"]) for each in ask(reader, **given)["schools"]}


def test_every_school_is_judged_in_both_readings(region: Reader, published: int) -> None:
    assert meets(region) == {"s1": (True, True), "s2": (None, True), "s3": (False, None), "s9": (None, None)}


def test_a_verdict_shows_its_rule_and_the_procedures_behind_it(region: Reader, published: int) -> None:
    answer = ask(region, organisation="gorodets")
    assert {name: answer["rule"][name] for name in ("rule", "version", "threshold", "combine", "what_if")} == {
        "rule": "shnor",
        "version": 1,
        "threshold": "0.30",
        "combine": "all",
        "what_if": [],
    }
    s1 = answer["schools"][0]
    assert s1 == {
        "school": "s1",
        "name": "S1",
        "meets": {"all": True, "any": True},
        "verdict": True,
        "conditions": {"several": True, "repeated": True},
        "watch": False,
        "members": [],
        "procedures": s1["procedures"],
    }
    shown = [
        [each[name] for name in ("procedure", "subject", "grade", "year", "participants", "below_minimum", "share",
                                 "low", "note")]
        for each in s1["procedures"]
    ]  # fmt: skip
    note = "ограниченная выборка: меньше 20 участников"
    assert shown == [
        ["vpr", "math", 5, BEFORE, 20, 10, "0.5", True, None],
        ["vpr", "math", 5, YEAR, 20, 6, "0.3", True, None],
        ["vpr", "russian", 5, BEFORE, 0, 0, None, None, None],
        ["vpr", "russian", 5, YEAR, 10, 3, "0.3", True, note],
    ]


def test_an_appeal_changes_the_list_of_now_and_not_the_one_published(
    region: Reader, vertical: Vertikal, published: int
) -> None:
    appeal = corrected(vertical, "s1", "russian", 2, 10)
    assert meets(region, known_at=published)["s1"] == (True, True)
    assert meets(region)["s1"] == (False, True)
    event_id = region.json(f"/v1/log/{appeal}")["id"]
    assert ask(region, known_from=published)["changed"] == [
        {
            "school": "s1",
            "from": {"all": True, "any": True},
            "to": {"all": False, "any": True},
            "events": [{"event_id": event_id, "position": appeal, "type": "assessment.corrected", "reason": "appeal"}],
        }
    ]


def test_an_appeal_that_turns_no_procedure_changes_nothing(region: Reader, vertical: Vertikal, published: int) -> None:
    corrected(vertical, "s1", "math", 7, 20)
    assert ask(region, known_from=published)["changed"] == []


def test_only_events_that_turned_a_procedure_are_named(region: Reader, vertical: Vertikal, published: int) -> None:
    corrected(vertical, "s1", "math", 7, 20)
    appeal = corrected(vertical, "s1", "russian", 2, 10)
    changed = ask(region, known_from=published)["changed"]
    assert [event["position"] for event in changed[0]["events"]] == [appeal]


def test_a_retraction_is_named_as_what_changed_the_list(region: Reader, vertical: Vertikal, published: int) -> None:
    told = region.json(f"/v1/log/{published - 1}")
    data = {"source": told["source"], "id": told["id"], "reason": "загружено не то"}
    at = vertical.send("event.retracted", "s2", data)
    changed = ask(region, known_from=published)["changed"]
    assert [(each["school"], each["to"]) for each in changed] == [("s2", {"all": False, "any": None})]
    assert [(event["position"], event["type"], event["reason"]) for event in changed[0]["events"]] == [
        (at, "event.retracted", "загружено не то")
    ]


def test_a_withdrawn_result_is_no_data(region: Reader, vertical: Vertikal, published: int) -> None:
    withdrawn(vertical, "s1", "math", BEFORE)
    assert meets(region)["s1"] == (None, True)
    outcome = ask(region)["schools"][0]["procedures"][0]
    assert (outcome["year"], outcome["participants"], outcome["share"], outcome["low"]) == (BEFORE, 0, None, None)


def test_a_result_without_participants_is_no_data(region: Reader, vertical: Vertikal) -> None:
    imported(vertical, "s1", "math", 0, 0)
    assert meets(region)["s1"] == (None, None)


def test_a_list_is_as_of_a_day(region: Reader, published: int) -> None:
    assert meets(region, as_of="2022-04-14")["s1"] == (None, None)
    assert meets(region, as_of="2022-04-15")["s1"] == (True, True)


def test_a_school_that_moved_keeps_its_results(region: Reader, vertical: Vertikal, published: int) -> None:
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-09-01"})
    assert meets(region, organisation="chemal")["s1"] == (True, True)
    assert "s1" not in meets(region, organisation="gorodets")
    assert ask(region, known_from=published)["changed"] == []


def test_a_merged_school_leaves_the_list_and_the_survivor_inherits_nothing(
    region: Reader, vertical: Vertikal, published: int
) -> None:
    at = vertical.send("organisation.merged", "s9", {"codes": ["s1", "s2"], "into": "s9", "valid_from": "2022-09-01"})
    assert meets(region, as_of="2022-08-31")["s1"] == (True, True)
    assert meets(region) == {"s3": (False, None), "s9": (None, None)}
    changed = ask(region, known_from=published)["changed"]
    assert [(each["school"], each["to"], each["events"][0]["position"]) for each in changed] == [
        ("s1", None, at),
        ("s2", None, at),
    ]


def test_a_school_leaves_its_cohort_by_an_act_and_not_by_the_rule(
    region: Reader, vertical: Vertikal, published: int
) -> None:
    define(vertical, "c1")
    include(vertical, "c1", "s1", "2021-09-01", "Приказ 1")
    corrected(vertical, "s1", "russian", 0, 10)
    s1 = ask(region)["schools"][0]
    assert (s1["verdict"], s1["members"]) == (
        False,
        [{"cohort": "c1", "from": "2021-09-01", "to": None, "basis": "Приказ 1"}],
    )
    exclude(vertical, "c1", "s1", "2023-01-01")
    assert ask(region)["schools"][0]["members"] == []


def test_cohorts_of_other_kinds_are_not_shown(region: Reader, vertical: Vertikal) -> None:
    define(vertical, "m1", "model")
    include(vertical, "m1", "s1")
    assert ask(region)["schools"][0]["members"] == []


def test_what_if_the_parameters_were_others(region: Reader, published: int) -> None:
    assert meets(region, comparator=">")["s1"] == (False, False)
    assert meets(region, threshold="0.25")["s3"] == (False, None)
    assert meets(region, threshold="0.25", min_procedures=1)["s3"] == (None, True)
    assert meets(region, consecutive_years=1)["s2"] == (True, True)
    assert meets(region, consecutive_years=3)["s1"] == (None, True)
    answer = ask(region, combine="any", threshold="0.30")
    assert answer["rule"]["what_if"] == ["combine"]
    assert [each["verdict"] for each in answer["schools"]] == [True, True, None, None]


def test_near_misses_are_watched(region: Reader, published: int) -> None:
    watched = {each["school"]: each["watch"] for each in ask(region)["schools"]}
    assert watched == {"s1": False, "s2": True, "s3": True, "s9": False}
    assert not any(each["watch"] for each in ask(region, organisation="chemal", margin="0.04")["schools"])


def test_the_list_comes_in_pages_by_school(region: Reader, published: int) -> None:
    whole, schools, cursor = ask(region)["schools"], list[Any](), None
    while cursor is not None or not schools:
        page = ask(region, limit=3, cursor=cursor)
        schools, cursor = schools + page["schools"], page["next"]
    assert schools == whole


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("shnor", "threshold=1.5"),
        ("shnor", "threshold=30"),
        ("shnor", "comparator=%3C"),
        ("shnor", "min_procedures=0"),
        ("shnor", "consecutive_years=two"),
        ("shnor", "combine=both"),
        ("shnor", "margin=-0.1"),
        ("shnor", "known_from=soon"),
        ("shnor", "as_of=2022-02-30"),
        ("shnor", "colour=red"),
        ("bias", "procedure=exam"),
        ("bias", "low_under=far"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(region: Reader, path: str, query: str) -> None:
    body = problem(region.get(f"/v1/rules/{path}?organisation=obr&year={YEAR}&{query}"), 400)
    name = query.partition("=")[0]
    assert list(body["errors"]) == [name]
    assert RUSSIAN & set(body["errors"][name][0])


@pytest.mark.parametrize("year", ["2021", "2021/2023", "2021-Q2", "ever"])
def test_a_list_is_of_a_school_year(region: Reader, year: str) -> None:
    assert "year" in problem(region.get(f"/v1/rules/shnor?organisation=obr&year={year}"), 400)["errors"]


def test_the_earlier_moment_must_be_earlier(region: Reader, published: int) -> None:
    query = f"organisation=obr&year={YEAR}&known_from={published}&known_at={published - 1}"
    assert "known_from" in problem(region.get(f"/v1/rules/shnor?{query}"), 400)["errors"]


def test_only_the_own_subtree_is_judged(client: FlaskClient, vertical: Vertikal, published: int) -> None:
    gorodets = Reader(client, vertical.token("gorodets", "municipality"))
    assert set(meets(gorodets, organisation="gorodets")) == {"s1", "s2"}
    assert set(meets(gorodets, organisation="s2")) == {"s2"}
    for code in ("obr", "chemal"):
        problem(gorodets.get(f"/v1/rules/shnor?organisation={code}&year={YEAR}"), 403)
    problem(gorodets.get(f"/v1/rules/shnor?organisation=nowhere&year={YEAR}"), 404)


def test_the_rules_are_listed_with_their_versions_and_parameters(region: Reader) -> None:
    items = {each["rule"]: each["versions"][-1] for each in region.json("/v1/rules")["items"]}
    assert set(items) == {"shnor", "bias", "relative", *RULES}
    assert items["shnor"]["parameters"] == {
        "threshold": "0.30",
        "comparator": ">=",
        "min_procedures": 2,
        "consecutive_years": 2,
        "combine": "all",
        "margin": "0.05",
        "procedures": ["vpr", "oge", "ege"],
    }


# Signs of biased marking


def marked(vertical: Vertikal, school: str, twos: int, threes: int, fours: int, fives: int) -> None:
    marks = {"2": twos, "3": threes, "4": fours, "5": fives}
    result(vertical, school, sum(marks.values()), twos, marks=marks, year=YEAR, held_on="2022-04-15")


def test_a_school_far_from_its_region_shows_signs_of_biased_marking(region: Reader, vertical: Vertikal) -> None:
    marked(vertical, "s1", 0, 10, 20, 20)  # nobody below, 80 % good
    marked(vertical, "s2", 15, 25, 5, 5)  # 30 % below, 20 % good
    answer = ask(region, "bias", organisation="gorodets")
    found = {each["school"]: each["results"][0] for each in answer["schools"]}
    assert found["s1"] == {
        "subject": "math",
        "grade": 5,
        "participants": 50,
        "low": {"school": "0", "region": "0.15"},
        "good": {"school": "0.8", "region": "0.5"},
        "signs": {"low_far_under": True, "good_far_above": True, "boundary_peaks": None, "hard_items": None},
        "note": None,
    }
    assert found["s2"]["signs"] == {
        "low_far_under": False, "good_far_above": False, "boundary_peaks": None, "hard_items": None
    }  # fmt: skip
    assert set(answer["unavailable"]) == {"boundary_peaks", "hard_items"}


def test_how_far_is_far_is_a_parameter(region: Reader, vertical: Vertikal) -> None:
    marked(vertical, "s1", 0, 10, 20, 20)
    marked(vertical, "s2", 15, 25, 5, 5)
    signs = [
        ask(region, "bias", organisation="s1", low_under=under, good_above=above)["schools"][0]["results"][0]["signs"]
        for under, above in (("0.15", "0.3"), ("0.16", "0.31"))
    ]
    assert [(each["low_far_under"], each["good_far_above"]) for each in signs] == [(True, True), (False, False)]


@pytest.mark.parametrize(("fives", "shown"), [(8, False), (9, True)])
def test_of_fewer_than_ten_participants_no_share_is_shown_and_no_sign_seen(
    region: Reader, vertical: Vertikal, fives: int, shown: bool
) -> None:
    """Nine who all but one got a five would stand out beside any region; ten do."""
    marked(vertical, "s1", 0, 1, 0, fives)
    marked(vertical, "s2", 40, 50, 5, 5)
    compared = ask(region, "bias", organisation="s1")["schools"][0]["results"][0]
    assert compared["good"]["school"] == ("0.9" if shown else None)
    assert compared["low"]["school"] == ("0" if shown else None)
    assert [compared["signs"][name] for name in ("low_far_under", "good_far_above")] == [True if shown else None] * 2
    assert compared["note"] == (
        "ограниченная выборка: меньше 20 участников"
        if shown
        else "меньше 10 участников: доли не показываются, признаки не определяются"
    )


def test_how_few_are_too_few_is_a_parameter(region: Reader, vertical: Vertikal) -> None:
    marked(vertical, "s1", 0, 1, 0, 8)
    answer = ask(region, "bias", organisation="s1", least="9")
    assert answer["rule"]["what_if"] == ["least"]
    assert answer["schools"][0]["results"][0]["good"]["school"] == "0.888889"


def test_without_marks_their_sign_is_not_known() -> None:
    found = bias.signs(bias.Shares(Fraction(0), None), bias.Shares(Fraction(1, 10), None), bias.Parameters())
    assert (found["low_far_under"], found["good_far_above"]) == (True, None)


def test_signs_are_for_those_who_see_the_region_and_small_cells_stay_hidden(
    client: FlaskClient, vertical: Vertikal
) -> None:
    marked(vertical, "s1", 4, 16, 20, 10)
    gorodets = Reader(client, vertical.token("gorodets", "municipality"))
    school = Reader(client, vertical.token("s1", "school"))
    compared = ask(gorodets, "bias", organisation="gorodets")["schools"][0]["results"][0]
    assert compared["low"] == {"school": "0.08", "region": None}
    assert compared["signs"]["low_far_under"] is None
    problem(school.get(f"/v1/rules/bias?organisation=s1&year={YEAR}"), 403)


# Units against the best


def test_units_are_shown_as_parts_of_the_best(region: Reader, vertical: Vertikal) -> None:
    result(vertical, "s1", 20, 5)  # 25 %
    result(vertical, "s2", 20, 2)  # 10 %: the best
    answer = ask(region, "relative", indicator="below_minimum", by="school", year=None)
    assert {row["key"]: row["relative"] for row in answer["rows"]} == {"s1": "40", "s2": "100", "s3": None, "s9": None}
    assert (answer["best"], answer["better"], answer["rule"]["version"]) == ("0.1", "less", 1)


def test_what_was_reported_above_the_units_is_no_unit(region: Reader, vertical: Vertikal) -> None:
    staff(vertical, "obr", 100)
    staff(vertical, "gorodets", 50)
    answer = ask(region, "relative", indicator="trained_teachers", by="municipality", year=None)
    assert [row["key"] for row in answer["rows"]] == ["chemal", "gorodets", "s9"]


@pytest.mark.parametrize(
    ("better", "values", "expected"),
    [
        ("more", [1, 2, 4], [25, 50, 100]),
        ("less", [1, 2, 4], [100, 50, 25]),
        ("less", [0, 2], [100, 0]),
        ("more", [0, 0], [100, 100]),
        ("more", [None, 3], [None, 100]),
        ("less", [None], [None]),
    ],
)
def test_the_best_is_a_hundred_in_either_direction(
    better: str, values: list[int | None], expected: list[int | None]
) -> None:
    units = {str(n): None if value is None else Fraction(value) for n, value in enumerate(values)}
    assert list(relative.scores(units, better, relative.Parameters()).values()) == expected


@pytest.mark.parametrize(
    ("query", "status"),
    [("indicator=quality", 400), ("indicator=quality&by=subject", 400), ("indicator=unknown&by=school", 404)],
)
def test_units_are_schools_or_municipalities_and_the_indicator_is_known(
    region: Reader, query: str, status: int
) -> None:
    problem(region.get(f"/v1/rules/relative?organisation=obr&{query}"), status)


# On the command line


def test_the_command_line_explains_each_verdict(terminal: Terminal, vertical: Vertikal, published: int) -> None:
    corrected(vertical, "s1", "russian", 2999, 10_000)
    words = ("rules", "shnor", "--organisation", "gorodets", "--year", YEAR, "--as-of", TODAY)
    shown = terminal.run(*words, "--explain", "--known-from", str(published)).stdout
    for line in (
        "s1 · S1: нет (и: нет, или: да), под наблюдением",
        "условие 1: доля >= 0.30 не менее чем по 2 процедурам года: нет (низких: 1)",
        "условие 2: доля >= 0.30 по одной и той же процедуре, лет подряд: 2: да",
        "vpr math, 5 класс, 2021/2022: 6 / 20 = 30 %, низкий результат",
        "vpr russian, 5 класс, 2020/2021: нет данных",
        "vpr russian, 5 класс, 2021/2022: 2999 / 10000 = 29.99 %, близко к порогу",
        "s1: и да, или да → и нет, или да",
        "assessment.corrected",
    ):
        assert line in shown
    assert "s2" in terminal.run(*words).stdout
    assert terminal.json(*words, "--combine", "any")["rule"]["what_if"] == ["combine"]


def test_the_command_line_answers_as_the_api_does(terminal: Terminal, region: Reader, vertical: Vertikal) -> None:
    marked(vertical, "s1", 0, 10, 20, 20)
    marked(vertical, "s2", 15, 25, 5, 5)
    organisation, year = ("--organisation", "obr", "--as-of", TODAY), ("--year", YEAR)
    assert terminal.json("rules", "shnor", *organisation, *year) == ask(region)
    assert terminal.json("rules", "bias", *organisation, *year) == ask(region, "bias")
    relative_to = terminal.json("rules", "relative", "quality", *organisation, "--by", "school")
    assert relative_to == ask(region, "relative", indicator="quality", by="school", year=None)
    assert terminal.json("rules", "list")["items"] == region.json("/v1/rules")["items"]
    shares = "ниже минимума 0 % (в регионе 15 %), отметки 4 и 5 80 % (в регионе 50 %)"
    signs = "ниже минимума намного меньше; отметок 4 и 5 намного больше"
    shown = terminal.run("rules", "bias", *organisation, *year).stdout
    assert f"math, 5 класс, участников 50: {shares}: {signs}" in shown
    assert "s3 · S3: нет данных" in shown
    assert "100" in terminal.run("rules", "relative", "quality", *organisation, "--by", "school").stdout
    assert "shnor 1" in terminal.run("rules", "list").stdout


def test_a_wrong_parameter_ends_the_command_with_the_reason(terminal: Terminal, vertical: Vertikal) -> None:
    words = ("rules", "shnor", "--organisation", "obr", "--year", YEAR, "--threshold", "30")
    assert "ожидается доля от 0 до 1" in terminal.run(*words, code=1).stderr


def test_strangers_are_told_no_rules(client: FlaskClient) -> None:
    problem(client.get("/v1/rules"), 401)
