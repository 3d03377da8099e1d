"""Results in full: who passed, marks, schools that improved, and how much a share of few participants tells."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import TODAY, Vertikal
from tests.readers import Reader
from tests.test_cohorts import define, include
from vertikal.projections.questions import Question
from vertikal.read_models import INDICATORS, periods, progress
from vertikal.read_models.cohorts import MEMBERS, SHNOR_SCHOOLS
from vertikal.read_models.indicator import Indicator, Part, members
from vertikal.services.refusals import Refusal

YEARS = ("2019/2020", "2020/2021")
GIA = "schools_positive_gia"


def key(school: str, year: str, **more: Any) -> dict[str, Any]:
    return {"school": school, "procedure": "vpr", "subject": "math", "grade": 5, "year": year, **more}


def score(vertical: Vertikal, school: str, year: str, below: int, participants: int = 20, **more: Any) -> int:
    """Import a result, held on 15 March unless ``more`` says otherwise."""
    scores = {"held_on": f"{year[5:]}-03-15", "participants": participants, "below_minimum": below}
    return vertical.send("assessment.imported", school, key(school, year, **scores | more))


def correct(vertical: Vertikal, school: str, year: str, below: int, **more: Any) -> int:
    scores = {"participants": 20, "below_minimum": below, "reason": "appeal"}
    return vertical.send("assessment.corrected", school, key(school, year, **scores | more))


def withdraw(vertical: Vertikal, school: str, year: str) -> int:
    return vertical.send("assessment.withdrawn", school, key(school, year, reason="Нарушен порядок"))


def retract(vertical: Vertikal, id_: str) -> int:
    return vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": id_, "reason": "ошибка"})


def improved(vertical: Vertikal, organisation: str = "obr", indicator: str = "schools_improved", **given: Any) -> Any:
    return vertical.figure(indicator, organisation, **{"period": YEARS[1], **given})


@pytest.fixture
def shnor(vertical: Vertikal) -> Vertikal:
    """The schools s1 and s2 of gorodets are in the cohort c1, s3 of chemal is in none."""
    define(vertical, "c1")
    for school in ("s1", "s2"):
        include(vertical, "c1", school)
    return vertical


@pytest.fixture
def better(shnor: Vertikal) -> Vertikal:
    """Of s1 6 of 20 were below the minimum, then 5 of 20."""
    score(shnor, "s1", YEARS[0], 6)
    score(shnor, "s1", YEARS[1], 5)
    return shnor


# Who passed, and marks


@pytest.fixture
def graduates(vertical: Vertikal) -> Vertikal:
    """ОГЭ: 5 of 20 below the minimum. ЕГЭ: 1 of 10. ВПР: 9 of 30."""
    for procedure, grade, participants, below in (("oge", 9, 20, 5), ("ege", 11, 10, 1), ("vpr", 5, 30, 9)):
        score(vertical, "s1", YEARS[1], below, participants, procedure=procedure, grade=grade)
    return vertical


def test_the_final_examination_is_passed_by_participants_who_are_not_below_its_minimum(graduates: Vertikal) -> None:
    for organisation in ("s1", "gorodets", "obr"):
        assert graduates.figure("passed_gia", organisation, period="2020/2021") == (24, 30)
    rows = graduates.ask("passed_gia", "obr", by="procedure")["rows"]
    assert [(row["key"], row["numerator"], row["denominator"]) for row in rows] == [("ege", 9, 10), ("oge", 15, 20)]


def test_another_procedure_than_the_final_examination_is_no_data_there(graduates: Vertikal) -> None:
    assert graduates.figure("passed_gia", "obr", procedure="oge") == (15, 20)
    answer = graduates.ask("passed_gia", "obr", procedure="vpr", by="school")
    assert (answer["numerator"], answer["denominator"], answer["value"]) == (0, 0, None)
    assert graduates.postings("passed_gia", "obr", procedure="vpr") == []


def test_an_appeal_lets_a_graduate_pass_from_its_own_position_on(graduates: Vertikal) -> None:
    before = correct(graduates, "s1", YEARS[1], 4, procedure="oge", grade=9) - 1
    assert graduates.figure("passed_gia", "obr") == (25, 30)
    assert graduates.figure("passed_gia", "obr", known_at=before) == (24, 30)


def test_quality_opens_into_the_marks(vertical: Vertikal) -> None:
    score(vertical, "s1", YEARS[1], 5, marks={"2": 5, "3": 8, "4": 4, "5": 3})
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for item in vertical.postings("quality", "obr"):
        found[item["side"]][item["dimensions"]["mark"]] = item["delta"]
    assert found == {"numerator": {"4": 4, "5": 3}, "denominator": {"2": 5, "3": 8, "4": 4, "5": 3}}


def test_a_corrected_mark_changes_quality_and_not_its_denominator(vertical: Vertikal) -> None:
    score(vertical, "s1", YEARS[1], 5, marks={"2": 5, "3": 8, "4": 4, "5": 3})
    before = correct(vertical, "s1", YEARS[1], 5, marks={"2": 5, "3": 7, "4": 5, "5": 3}) - 1
    for organisation in ("s1", "obr"):
        assert vertical.figure("quality", organisation) == (8, 20)
        assert vertical.figure("quality", organisation, known_at=before) == (7, 20)


# Schools that improved


def test_a_school_improved_where_its_share_below_the_minimum_fell(better: Vertikal) -> None:
    score(better, "s2", YEARS[0], 4)
    score(better, "s2", YEARS[1], 5)
    answer = better.ask("schools_improved", "obr", period=YEARS[1])
    assert (answer["numerator"], answer["denominator"], answer["value"], answer["unit"]) == (1, 2, "0.5", "schools")


@pytest.mark.parametrize(
    ("before", "now", "counted"),
    [((9, 30), (6, 20), 0), ((1, 3), (33, 100), 1), ((33, 100), (1, 3), 0), ((0, 20), (0, 20), 0), ((1, 9), (0, 2), 1)],
)
def test_shares_compare_as_fractions_and_an_equal_one_is_not_improved(
    shnor: Vertikal, before: tuple[int, int], now: tuple[int, int], counted: int
) -> None:
    score(shnor, "s1", YEARS[0], *before)
    score(shnor, "s1", YEARS[1], *now)
    assert improved(shnor) == (counted, 1)


def test_all_procedures_but_diagnostics_count_together(better: Vertikal) -> None:
    """5 of 20 and 8 of 20 are 13 of 40, more than 6 of 20 were."""
    score(better, "s1", YEARS[1], 20, procedure="diagnostic")
    assert improved(better) == (1, 1)
    score(better, "s1", YEARS[1], 8, procedure="oge", grade=9)
    assert improved(better) == (0, 1)


def test_a_school_without_participants_in_one_of_the_years_is_not_compared(shnor: Vertikal) -> None:
    score(shnor, "s1", YEARS[1], 5)
    score(shnor, "s2", YEARS[0], 5)
    score(shnor, "s2", YEARS[1], 0, 0)
    answer = shnor.ask("schools_improved", "obr", period=YEARS[1])
    assert (answer["numerator"], answer["denominator"], answer["value"]) == (0, 0, None)


def test_years_that_do_not_follow_each_other_are_not_compared(shnor: Vertikal) -> None:
    score(shnor, "s1", "2018/2019", 6)
    score(shnor, "s1", YEARS[1], 5)
    assert improved(shnor) == (0, 0)


def test_results_count_from_their_day_on(better: Vertikal) -> None:
    score(better, "s1", YEARS[1], 9, subject="russian", held_on="2021-04-10")
    days = ("2021-03-14", "2021-03-15", "2021-04-09", "2021-04-10")
    assert [improved(better, as_of=day) for day in days] == [(0, 0), (1, 1), (1, 1), (0, 1)]


def test_a_late_result_of_the_year_before_counts_from_its_day_on(better: Vertikal) -> None:
    """With 0 of 20 more there are 6 of 40, less than 5 of 20; on that day the school ceases to be improved."""
    score(better, "s1", YEARS[0], 0, subject="russian", held_on="2021-05-20")
    assert [improved(better, as_of=day) for day in ("2021-05-19", "2021-05-20")] == [(1, 1), (0, 1)]


def test_a_calendar_year_means_the_school_year_that_ends_in_it(better: Vertikal) -> None:
    assert [improved(better, period=period) for period in ("2020", "2021", "2022")] == [(0, 0), (1, 1), (0, 0)]


@pytest.mark.parametrize("period", [None, "ever", "2021-03", "2021-Q1", "2020-09-01..2021-08-31"])
@pytest.mark.parametrize("indicator", ["schools_improved", GIA])
def test_other_periods_are_refused_with_a_reason(vertical: Vertikal, indicator: str, period: str | None) -> None:
    with pytest.raises(Refusal, match="школа сравнивается с собой по учебным годам") as refused:
        vertical.ask(indicator, "obr", **({"period": period} if period else {}))
    assert refused.value.status == 422


def test_a_correction_changes_the_schools_that_improved_only_from_its_own_position_on(better: Vertikal) -> None:
    before = correct(better, "s1", YEARS[0], 5) - 1
    assert improved(better) == (0, 1)
    assert improved(better, known_at=before) == (1, 1)
    items = better.postings("schools_improved", "obr", period=YEARS[1])
    assert [(item["side"], item["type"], item["delta"]) for item in items] == [
        ("numerator", "assessment.imported", 1),
        ("numerator", "assessment.corrected", -1),
        ("denominator", "assessment.imported", 1),
    ]


def test_a_retracted_result_takes_the_comparison_along_and_brings_it_back(better: Vertikal) -> None:
    retract(better, f"e{better._ids}")
    assert improved(better) == (0, 0)
    retract(better, f"e{better._ids}")
    assert improved(better) == (1, 1)


@pytest.mark.parametrize("year", YEARS)
def test_a_withdrawn_result_takes_the_comparison_along(better: Vertikal, year: str) -> None:
    before = withdraw(better, "s1", year) - 1
    assert improved(better) == (0, 0)
    assert improved(better, known_at=before) == (1, 1)


def test_a_school_that_moved_counts_where_it_stands(better: Vertikal) -> None:
    better.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-04-01"})
    units = ("gorodets", "chemal", "obr")
    assert [improved(better, code) for code in units] == [(0, 0), (1, 1), (1, 1)]
    assert [improved(better, code, as_of="2021-03-31") for code in units] == [(1, 1), (0, 0), (1, 1)]


def test_what_a_result_takes_back_after_a_move_is_taken_where_it_is(better: Vertikal) -> None:
    better.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-04-01"})
    score(better, "s1", YEARS[1], 9, subject="russian", held_on="2021-04-10")
    units = ("gorodets", "chemal", "obr")
    assert [improved(better, code) for code in units] == [(0, 0), (0, 1), (0, 1)]


@pytest.mark.parametrize("indicator", INDICATORS)
def test_every_indicator_answers_a_calendar_year(vertical: Vertikal, indicator: str) -> None:
    for organisation in ("obr", "gorodets", "s1"):
        assert vertical.ask(indicator, organisation, period="2021")["numerator"] in (0, "0")


# Of which schools


def test_without_a_cohort_any_school_with_low_results_counts_once(better: Vertikal) -> None:
    define(better, "c2")
    include(better, "c2", "s1")
    for year, below in zip(YEARS, (6, 5), strict=True):
        score(better, "s3", year, below)
    assert improved(better) == (1, 1)


def test_the_schools_of_a_cohort_are_those_with_results_of_both_years(better: Vertikal) -> None:
    define(better, "m1", "model")
    for school in ("s1", "s2", "s3"):
        include(better, "m1", school)
    for year, below in zip(YEARS, (5, 6), strict=True):
        score(better, "s3", year, below)
    assert improved(better, cohort="m1") == (1, 2)
    assert improved(better, cohort="c1") == (1, 1)


@pytest.mark.parametrize("by", ["school", "municipality"])
def test_the_rows_and_the_postings_of_schools_that_improved_sum_to_them(better: Vertikal, by: str) -> None:
    include(better, "c1", "s3")
    for year, below in zip(YEARS, (5, 6), strict=True):
        score(better, "s3", year, below)
    answer = better.ask("schools_improved", "obr", period=YEARS[1], by=by)
    items = better.postings("schools_improved", "obr", period=YEARS[1])
    for side, total in (("numerator", 1), ("denominator", 2)):
        assert sum(row[side] for row in answer["rows"]) == total
        assert sum(item["delta"] for item in items if item["side"] == side) == total


def test_a_denominator_of_all_schools_with_low_results_becomes_one_of_the_cohort_that_is_asked_for() -> None:
    low = (Part(SHNOR_SCHOOLS, members),)
    of_all = Indicator("all", "", "", low, low, "schools", "more", "", of_members=True)
    denominators = {
        indicator.code: dict(
            Question(indicator, "obr", periods.parse("2021"), TODAY, 9, only={"cohort": "c1"}).sides()
        )["denominator"]
        for indicator in (of_all, INDICATORS["schools_improved"])
    }
    assert denominators == {
        "all": (Part(MEMBERS, members),),
        "schools_improved": INDICATORS["schools_improved"].denominator,
    }


# The final examination in mathematics and Russian


def test_the_final_examination_is_compared_in_mathematics_and_russian_together(shnor: Vertikal) -> None:
    """4 of 40, then 3 of 40; history and ВПР count for nothing."""
    spelt = (("oge", 9, "Русский язык"), ("ege", 11, "Математика (профильная)"))
    for procedure, grade, subject in spelt:
        score(shnor, "s1", YEARS[0], 2, procedure=procedure, grade=grade, subject=subject)
    score(shnor, "s1", YEARS[1], 0, procedure="oge", grade=9, subject="russian")
    score(shnor, "s1", YEARS[1], 3, procedure="ege", grade=11, subject="math")
    score(shnor, "s1", YEARS[1], 20, procedure="oge", grade=9, subject="history")
    score(shnor, "s1", YEARS[1], 20)
    assert improved(shnor, indicator=GIA) == (1, 1)
    assert improved(shnor) == (0, 1)


def test_a_school_without_a_final_examination_is_not_compared_there(better: Vertikal) -> None:
    assert improved(better, indicator=GIA) == (0, 0)


# What the read model holds, against the words of the rule


Told = list[tuple[str, dict[str, Any]]]
DAYS = ("2020-03-15", "2020-09-20", "2021-03-15", "2021-05-24", "2022-03-15")


@st.composite
def told(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(("imported", "imported", "corrected", "withdrawn")))
    procedure = draw(st.sampled_from(("vpr", "oge", "diagnostic")))
    subject = draw(st.sampled_from(("math", "russian", "history")))
    data = key("s1", draw(st.sampled_from((*YEARS, "2021/2022"))), procedure=procedure, subject=subject)
    participants = draw(st.integers(0, 9))
    data |= {"participants": participants, "below_minimum": draw(st.integers(0, participants))}
    return f"assessment.{kind}", data | ({"held_on": draw(st.sampled_from(DAYS))} if kind == "imported" else {})


@given(st.lists(told(), max_size=25))
def test_on_each_day_the_sums_of_both_years_say_whether_a_school_improved(history: Told) -> None:
    state = None
    for type_, data in history:
        event = {"type": type_, "time": "2020-01-01T10:00:00Z", "data": data}
        if progress.keys(event):
            state = progress.evolve(state, event)
    cells = progress.measures(state) if state else {}
    for year in (*YEARS, "2021/2022", "2022/2023"):
        for day in DAYS:
            found = {
                measure.name: sum(
                    n for (_, name, of, on), n in cells.items() if (name, *of) == (measure.name, year) and on <= day
                )
                for measure in progress.MODELS[0].posts
            }
            assert found == worth(history, year, day)


def worth(history: Told, year: str, day: str) -> dict[str, int]:
    """What the school is worth on a day, counted from all that was told."""
    found = {}
    for names, gia in ((("compared_schools", "improved_schools"), False), (("compared_gia", "improved_gia"), True)):
        before, now = (pooled(history, each, day, gia) for each in (f"{int(year[:4]) - 1}/{year[:4]}", year))
        compared = before[0] > 0 and now[0] > 0
        found[names[0]] = int(compared)
        found[names[1]] = int(compared and now[1] / now[0] < before[1] / before[0])
    return found


def pooled(history: Told, year: str, day: str, gia: bool) -> tuple[int, int]:
    dates: dict[tuple[str, str], str] = {}
    scores: dict[tuple[str, str], tuple[int, int]] = {}
    for type_, data in history:
        of = (data["procedure"], data["subject"])
        counts = (
            data["procedure"] == "oge" and data["subject"] != "history" if gia else data["procedure"] != "diagnostic"
        )
        if data["year"] == year and counts:
            dates |= {of: data["held_on"]} if "held_on" in data else {}
            withdrawn = type_ == "assessment.withdrawn"
            scores[of] = (0, 0) if withdrawn else (data["participants"], data["below_minimum"])
    standing = [scores[of] for of, date in dates.items() if date <= day]
    return sum(score[0] for score in standing), sum(score[1] for score in standing)


# How much a share of few participants tells


@pytest.mark.parametrize(
    ("participants", "note"),
    [(0, None), (1, "limited"), (19, "limited"), (20, "rough"), (49, "rough"), (50, "informative")],
)
def test_a_share_says_how_much_so_many_participants_tell(
    vertical: Vertikal, participants: int, note: str | None
) -> None:
    marks = {"2": 0, "4": participants}
    score(vertical, "s1", YEARS[1], 0, participants, procedure="oge", grade=9, marks=marks)
    for indicator in ("below_minimum", "quality", "passed_gia"):
        assert vertical.ask(indicator, "obr")["sample"] == note


def test_each_row_says_how_much_its_own_participants_tell(vertical: Vertikal) -> None:
    score(vertical, "s1", YEARS[1], 6, 30)
    score(vertical, "s3", YEARS[1], 6, 20)
    answer = vertical.ask("below_minimum", "obr", by="school")
    notes = {row["key"]: row["sample"] for row in answer["rows"]}
    assert answer["sample"] == "informative"
    assert notes == {"s1": "rough", "s2": None, "s3": "rough", "s9": None}


def test_figures_of_anything_but_participants_say_nothing_of_samples(better: Vertikal) -> None:
    answer = better.ask("schools_improved", "obr", period=YEARS[1], by="school")
    assert all("sample" not in each for each in (answer, *answer["rows"]))


def test_the_catalogue_names_the_bounds_of_samples_and_where_they_come_from(
    client: FlaskClient, vertical: Vertikal
) -> None:
    items = Reader(client, vertical.token("obr", "region")).json("/v1/indicators")["items"]
    bounds = {item["code"]: item["sample"] for item in items if "sample" in item}
    assert bounds.keys() == {"below_minimum", "quality", "passed_gia"}
    assert bounds["quality"].items() >= {"version": "1", "informative": 50, "rough": 20}.items()


@pytest.mark.parametrize(("indicator", "below"), [("below_minimum", 4), ("passed_gia", 4), ("passed_gia", 17)])
def test_a_small_cell_that_is_hidden_tells_nothing_of_its_sample(
    client: FlaskClient, vertical: Vertikal, indicator: str, below: int
) -> None:
    """Few who passed and few who did not may be told apart alike; the unit itself sees them."""
    score(vertical, "s1", YEARS[1], below, procedure="oge", grade=9)
    hidden = {"numerator": None, "denominator": None, "value": None, "sample": None}
    url = f"/v1/indicators/{indicator}?organisation=gorodets&as_of={TODAY}&by=subject"
    outside, own = (Reader(client, vertical.token(*of)) for of in (("s2", "school"), ("gorodets", "municipality")))
    answer = outside.json(url)
    assert answer.items() >= hidden.items()
    assert answer["rows"] == [{"key": "math", "name": "math", **hidden}]
    assert own.json(url)["sample"] == "rough"
