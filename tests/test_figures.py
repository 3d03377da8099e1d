"""What the facts mean: figures worked out by hand, in the words of the contracts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Vertikal
from tests.terminal import Terminal
from vertikal.services.access import Party
from vertikal.services.refusals import Refusal

GORODETS = Party("gorodets", "municipality")


def staff(vertical: Vertikal, organisation: str, teachers: int, on: str = "2020-09-01", **more: str) -> int:
    data = {"organisation": organisation, "on": on, "teachers": teachers, "managers": 2, **more}
    return vertical.send("staff.reported", organisation, data)


def posts(vertical: Vertikal, organisation: str, filled: str, positions: str, on: str = "2020-09-01") -> int:
    return staff(vertical, organisation, 10, on, positions=positions, positions_filled=filled)


def staffed(vertical: Vertikal, organisation: str, **given: Any) -> tuple[str, str]:
    answer = vertical.ask("staffing", organisation, **given)
    return answer["numerator"], answer["denominator"]


def course(vertical: Vertikal, person: str, organisation: str, finished_on: str, **more: Any) -> int:
    data = {"person": person, "role": "teacher", "organisation": organisation, "programme": "П", "provider": "iro"}
    data |= {"hours": 72, "finished_on": finished_on, **more}  # type: ignore[dict-item]
    return vertical.send("course.finished", organisation, data, source="/m/gorodets", party=GORODETS)


def report(vertical: Vertikal, code: str, people: int, start: str, end: str) -> int:
    data = {"report": code, "organisation": "gorodets", "role": "teacher", "people": people}
    return vertical.send("courses.reported", "gorodets", data | {"period": {"start": start, "end": end}})


def plan(vertical: Vertikal, end: str | None = "2020-10-31", targets: tuple[str, ...] = ("s1", "s2")) -> None:
    """A road map of gorodets with one activity, planned on 1 September 2020."""
    period = {"start": "2020-09-01", "end": "2021-08-31"}
    if not getattr(vertical, "adopted", False):
        vertical.send(
            "roadmap.adopted", "gorodets", {"roadmap": "rm", "owner": "gorodets", "title": "ДК", "period": period}
        )
        vertical.adopted = True  # type: ignore[attr-defined]
    timing = {"raw": "до 31 октября", "kind": "deadline", "end": end} if end else {"raw": "", "kind": "missing"}
    data = {"roadmap": "rm", "activity": "a1", "number": "1", "title": "Семинар", "timing": timing, "responsible": []}
    vertical.send("activity.planned", "gorodets", data | {"organisations": list(targets)})


def mark(vertical: Vertikal, kind: str, organisation: str, on: str) -> int:
    data: dict[str, Any] = {"roadmap": "rm", "activity": "a1", "organisation": organisation}
    if kind == "completed":
        data["completed_on"] = on
    elif kind == "partly_completed":
        data |= {"on": on, "done": "часть", "missing": "остальное"}
    elif kind == "cancelled":
        data = {"roadmap": "rm", "activity": "a1", "on": on, "reason": "приказ"}
        return vertical.send("activity.cancelled", "gorodets", data)
    else:
        data |= {"on": on, "organised": kind == "not_held"}
    return vertical.send(f"activity.{kind}", organisation, data)


def result(vertical: Vertikal, school: str = "s1", participants: int = 20, below: int = 5, **more: Any) -> int:
    data = {"school": school, "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
    data |= {"held_on": "2021-03-15", "participants": participants, "below_minimum": below, **more}
    return vertical.send("assessment.imported", school, data)


# Trained people


def test_a_course_counts_at_the_school_the_municipality_and_the_region(vertical: Vertikal) -> None:
    staff(vertical, "s1", 20)
    course(vertical, "p1", "s1", "2020-12-18")
    for organisation in ("s1", "gorodets", "obr"):
        assert vertical.figure("trained_teachers", organisation, period="2020") == (1, 20)
    assert vertical.figure("trained_teachers", "chemal", period="2020") == (0, 0)


def test_a_person_counts_once_per_calendar_year_and_once_per_school_year(vertical: Vertikal) -> None:
    for finished_on in ("2020-03-01", "2020-10-01", "2021-03-01"):
        course(vertical, "p1", "s1", finished_on)
    counted = {
        p: vertical.figure("trained_teachers", "obr", period=p)[0]
        for p in ("2020", "2021", "2019/2020", "2020/2021", "ever")
    }
    assert counted == {"2020": 1, "2021": 1, "2019/2020": 1, "2020/2021": 1, "ever": 1}


def test_a_person_with_two_courses_counts_as_of_each_day_where_the_latest_was(vertical: Vertikal) -> None:
    course(vertical, "p1", "s1", "2020-03-01")
    vertical.send(
        "course.finished",
        "s3",
        {"person": "p1", "role": "teacher", "organisation": "s3", "programme": "П", "provider": "iro", "hours": 8,
         "finished_on": "2020-10-01"},
        source="/m/chemal",
        party=Party("chemal", "municipality"),
    )  # fmt: skip
    before, after = ({"period": "2020", "as_of": on} for on in ("2020-09-30", "2020-10-01"))
    assert [vertical.figure("trained_teachers", code, **before)[0] for code in ("s1", "s3", "obr")] == [1, 0, 1]
    assert [vertical.figure("trained_teachers", code, **after)[0] for code in ("s1", "s3", "obr")] == [0, 1, 1]


def test_teachers_and_managers_count_apart(vertical: Vertikal) -> None:
    course(vertical, "p1", "s1", "2020-03-01")
    course(vertical, "p1", "s1", "2020-04-01", role="manager")
    assert vertical.figure("trained_teachers", "s1", period="2020")[0] == 1
    assert vertical.figure("trained_managers", "s1", period="2020")[0] == 1


def test_distinct_people_over_a_month_are_refused_with_a_reason(vertical: Vertikal) -> None:
    with pytest.raises(Refusal, match="один раз за календарный или учебный год") as refused:
        vertical.figure("trained_teachers", "obr", period="2020-03")
    assert refused.value.status == 422


def test_reported_people_add_to_counted_ones_and_are_shown_apart(vertical: Vertikal) -> None:
    course(vertical, "p1", "s1", "2020-03-01")
    report(vertical, "r1", 64, "2020-02-01", "2020-05-31")
    answer = vertical.ask("trained_teachers", "obr", period="2020", by="origin")
    assert answer["numerator"] == 65
    assert [(row["key"], row["numerator"]) for row in answer["rows"]] == [("people", 1), ("reported", 64)]


def test_reported_people_stay_at_the_level_that_reported_them(vertical: Vertikal) -> None:
    report(vertical, "r1", 64, "2020-02-01", "2020-05-31")
    rows = vertical.ask("trained_teachers", "gorodets", period="2020", by="school")["rows"]
    assert {row["key"]: row["numerator"] for row in rows} == {"s1": 0, "s2": 0, "gorodets": 64}


def test_a_report_counts_only_in_a_period_that_contains_it_wholly(vertical: Vertikal) -> None:
    report(vertical, "r1", 64, "2019-12-01", "2020-05-31")
    counted = {p: vertical.figure("trained_teachers", "obr", period=p)[0] for p in ("2020", "2019/2020", "ever")}
    assert counted == {"2020": 0, "2019/2020": 64, "ever": 64}


def test_the_same_report_again_replaces_the_first(vertical: Vertikal) -> None:
    first = report(vertical, "r1", 64, "2020-02-01", "2020-05-31")
    report(vertical, "r1", 60, "2020-02-01", "2020-05-31")
    assert vertical.figure("trained_teachers", "obr", period="2020")[0] == 60
    assert vertical.figure("trained_teachers", "obr", period="2020", known_at=first)[0] == 64


# Staff


def test_the_latest_staff_report_on_or_before_the_date_counts(vertical: Vertikal) -> None:
    staff(vertical, "s1", 20, "2020-09-01")
    staff(vertical, "s1", 18, "2021-09-01")
    counted = [
        vertical.figure("trained_teachers", "obr", as_of=on)[1] for on in ("2020-08-31", "2021-08-31", "2021-09-01")
    ]
    assert counted == [0, 20, 18]


def test_a_municipal_staff_report_counts_only_while_no_school_below_has_reported(vertical: Vertikal) -> None:
    municipal = staff(vertical, "gorodets", 300, "2020-09-01")
    assert vertical.figure("trained_teachers", "obr")[1] == 300
    staff(vertical, "s1", 20, "2021-01-15")
    assert vertical.figure("trained_teachers", "obr", as_of="2021-01-14")[1] == 300
    assert vertical.figure("trained_teachers", "obr")[1] == 20
    assert vertical.figure("trained_teachers", "obr", known_at=municipal)[1] == 300


def test_a_municipal_report_stands_beside_the_schools_of_other_municipalities(vertical: Vertikal) -> None:
    staff(vertical, "gorodets", 300)
    staff(vertical, "s3", 25)
    rows = vertical.ask("trained_teachers", "obr", by="municipality")["rows"]
    assert {row["key"]: row["denominator"] for row in rows} == {"chemal": 25, "gorodets": 300, "s9": 0}


def test_no_staff_report_is_no_data_which_is_not_zero(vertical: Vertikal) -> None:
    course(vertical, "p1", "s1", "2020-12-18")
    answer = vertical.ask("trained_teachers", "s1", period="2020")
    assert (answer["numerator"], answer["denominator"], answer["value"]) == (1, 0, None)


def test_positions_are_decimals_and_staffing_is_their_ratio(vertical: Vertikal) -> None:
    posts(vertical, "s1", "12.5", "14")
    answer = vertical.ask("staffing", "gorodets")
    assert (answer["numerator"], answer["denominator"], answer["value"]) == ("12.5", "14", "0.892857")


def test_positions_of_schools_add_up_to_the_third_place(vertical: Vertikal) -> None:
    posts(vertical, "s1", "12.125", "14")
    posts(vertical, "s2", "0.005", "0.25")
    posts(vertical, "s3", "8", "8.0")
    assert staffed(vertical, "gorodets") == ("12.13", "14.25")
    rows = vertical.ask("staffing", "obr", by="municipality")["rows"]
    assert [(row["key"], row["numerator"], row["denominator"]) for row in rows] == [
        ("chemal", "8", "8"),
        ("gorodets", "12.13", "14.25"),
        ("s9", "0", "0"),
    ]


def test_a_later_report_without_positions_takes_the_school_out_of_both_sides(vertical: Vertikal) -> None:
    posts(vertical, "s1", "12.5", "14")
    posts(vertical, "s2", "9", "10")
    staff(vertical, "s1", 20, "2021-09-01")
    assert staffed(vertical, "obr", as_of="2021-08-31") == ("21.5", "24")
    assert staffed(vertical, "obr") == ("9", "10")
    assert vertical.figure("trained_teachers", "obr")[1] == 30


@pytest.mark.parametrize("said", [{"positions": "14"}, {"positions_filled": "12.5"}])
def test_one_side_alone_counts_on_neither(vertical: Vertikal, said: dict[str, str]) -> None:
    staff(vertical, "s1", 20, **said)
    assert staffed(vertical, "obr") == ("0", "0")


def test_municipal_positions_give_way_to_those_of_the_first_school_that_reports(vertical: Vertikal) -> None:
    municipal = posts(vertical, "gorodets", "280.75", "300")
    posts(vertical, "s1", "12.5", "14", "2021-01-15")
    assert staffed(vertical, "obr", as_of="2021-01-14") == ("280.75", "300")
    assert staffed(vertical, "obr") == ("12.5", "14")
    assert staffed(vertical, "obr", known_at=municipal) == ("280.75", "300")


def test_municipal_positions_give_way_to_a_school_that_reports_staff_without_them(vertical: Vertikal) -> None:
    posts(vertical, "gorodets", "280.75", "300")
    staff(vertical, "s1", 20, "2021-01-15")
    answer = vertical.ask("staffing", "obr")
    assert (answer["numerator"], answer["denominator"], answer["value"]) == ("0", "0", None)


def test_staffing_grows_in_points_and_its_postings_are_decimals(vertical: Vertikal) -> None:
    posts(vertical, "s1", "7", "14")
    posts(vertical, "s1", "10.5", "14", "2021-09-01")
    answer = vertical.ask("staffing", "obr", period="2021")
    assert (answer["previous"]["numerator"], answer["previous"]["value"], answer["growth"]) == ("7", "0.5", "0.25")
    deltas = [(item["side"], item["delta"]) for item in vertical.postings("staffing", "obr")]
    assert deltas == [("numerator", "7"), ("numerator", "3.5"), ("denominator", "14")]


def test_the_console_sums_positions_to_the_letter(vertical: Vertikal, terminal: Terminal) -> None:
    head = posts(vertical, "s1", "12", "14")
    posts(vertical, "s1", "12.5", "14", "2021-09-01")
    asked = ("staffing", "--organisation", "obr", "--as-of", "2021-12-01", "--period", "2021")
    text = terminal.run("why", *asked).stdout
    assert "12.5 / 14 = 89.3 %   (2020: 12 / 14 = 85.7 %)" in text
    assert "сумма проводок, numerator: 12.5" in text
    assert "сумма проводок, denominator: 14" in text
    text = terminal.run("changes", *asked, "--known-from", str(head)).stdout
    assert f"(позиция {head}): 12 / 14 = 85.7 %" in text
    assert "сумма проводок, numerator: 0.5" in text


# Road maps


def test_one_activity_at_one_target_is_what_is_counted(vertical: Vertikal) -> None:
    plan(vertical)
    mark(vertical, "completed", "s1", "2020-10-20")
    assert vertical.figure("roadmap_done", "gorodets") == (1, 2)
    assert vertical.figure("roadmap_done", "s1") == (1, 1)


def test_an_activity_without_targets_counts_at_the_owner_of_the_road_map(vertical: Vertikal) -> None:
    plan(vertical, targets=())
    rows = vertical.ask("roadmap_done", "obr", by="school")["rows"]
    assert {row["key"]: row["denominator"] for row in rows} == {"s1": 0, "s2": 0, "s3": 0, "s9": 0, "obr": 1}


def test_overdue_begins_on_the_day_after_the_end_without_any_event(vertical: Vertikal) -> None:
    plan(vertical)
    counted = [vertical.figure("roadmap_overdue", "gorodets", as_of=on) for on in ("2020-10-31", "2020-11-01")]
    assert counted == [(0, 2), (2, 2)]


def test_a_done_mark_ends_overdue_on_its_day_and_other_marks_do_not(vertical: Vertikal) -> None:
    plan(vertical)
    mark(vertical, "completed", "s1", "2020-11-10")
    mark(vertical, "partly_completed", "s2", "2020-11-10")
    counted = [vertical.figure("roadmap_overdue", "gorodets", as_of=on)[0] for on in ("2020-11-09", "2020-11-10")]
    assert counted == [2, 1]


def test_done_by_the_end_is_on_time_and_done_later_is_not(vertical: Vertikal) -> None:
    plan(vertical)
    mark(vertical, "completed", "s1", "2020-10-31")
    mark(vertical, "completed", "s2", "2020-11-01")
    assert vertical.figure("roadmap_on_time", "gorodets") == (1, 2)
    assert vertical.figure("roadmap_on_time", "gorodets", as_of="2020-10-31") == (0, 0)


def test_a_cancelled_activity_leaves_all_figures_from_that_day_on(vertical: Vertikal) -> None:
    plan(vertical)
    mark(vertical, "cancelled", "", "2020-12-01")
    assert vertical.figure("roadmap_overdue", "gorodets", as_of="2020-11-30") == (2, 2)
    assert vertical.figure("roadmap_overdue", "gorodets", as_of="2020-12-01") == (0, 0)


def test_rescheduling_moves_overdue_from_its_own_date_on(vertical: Vertikal) -> None:
    plan(vertical)
    timing = {"raw": "до 1 марта", "kind": "deadline", "end": "2021-03-01"}
    data = {"roadmap": "rm", "activity": "a1", "timing": timing}
    vertical.send("activity.rescheduled", "gorodets", data, time="2020-12-01T09:00:00+03:00")
    dates = ("2020-11-30", "2020-12-01", "2021-03-01", "2021-03-02")
    assert [vertical.figure("roadmap_overdue", "gorodets", as_of=on)[0] for on in dates] == [2, 0, 0, 2]


def test_missing_timing_is_never_overdue(vertical: Vertikal) -> None:
    plan(vertical, end=None)
    assert vertical.figure("roadmap_overdue", "gorodets") == (0, 2)


def test_the_latest_mark_by_date_tells_the_status_whatever_the_order_of_arrival(vertical: Vertikal) -> None:
    plan(vertical)
    mark(vertical, "completed", "s1", "2020-10-20")
    mark(vertical, "not_held", "s1", "2020-10-10")
    assert vertical.figure("roadmap_done", "s1") == (1, 1)


# Results


def test_a_result_counts_in_its_school_year_and_on_its_day(vertical: Vertikal) -> None:
    result(vertical)
    asked = {"period": "2020/2021"}, {"period": "2021-03"}, {"period": "2021-04"}, {"period": "2019/2020"}
    assert [vertical.figure("below_minimum", "obr", **each) for each in asked] == [(5, 20), (5, 20), (0, 0), (0, 0)]


def test_a_correction_replaces_the_result_and_the_earlier_figure_stays_known(vertical: Vertikal) -> None:
    imported = result(vertical)
    data = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
    vertical.send("assessment.corrected", "s1", {**data, "participants": 20, "below_minimum": 4, "reason": "appeal"})
    assert vertical.figure("below_minimum", "obr", as_of="2021-03-15") == (4, 20)
    assert vertical.figure("below_minimum", "obr", known_at=imported) == (5, 20)


def test_a_withdrawn_result_is_worth_nothing(vertical: Vertikal) -> None:
    result(vertical)
    data = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
    vertical.send("assessment.withdrawn", "s1", {**data, "reason": "ошибка протокола"})
    assert vertical.figure("below_minimum", "obr") == (0, 0)


def test_quality_divides_by_the_participants_whose_marks_are_known(vertical: Vertikal) -> None:
    result(vertical, marks={"2": 5, "3": 8, "4": 4, "5": 3})
    result(vertical, school="s2", subject="russian")
    assert vertical.figure("quality", "gorodets") == (7, 20)
    assert vertical.figure("below_minimum", "gorodets") == (10, 40)


def test_filters_narrow_and_dimensions_break_down(vertical: Vertikal) -> None:
    result(vertical)
    result(vertical, subject="russian", below=2)
    assert vertical.figure("below_minimum", "obr", subject="math") == (5, 20)
    rows = vertical.ask("below_minimum", "obr", by="subject")["rows"]
    assert [(row["key"], row["numerator"], row["denominator"]) for row in rows] == [("math", 5, 20), ("russian", 2, 20)]


# Both clocks, the tree, retraction


def test_growth_compares_with_the_period_before_where_both_exist(vertical: Vertikal) -> None:
    result(vertical, year="2019/2020", held_on="2020-03-15", below=10)
    result(vertical)
    answer = vertical.ask("below_minimum", "obr", period="2020/2021")
    assert (answer["previous"]["value"], answer["value"], answer["growth"]) == ("0.5", "0.25", "-0.25")
    assert vertical.ask("below_minimum", "obr", period="2019/2020")["growth"] is None


def test_flows_stay_with_the_old_parent_and_stocks_move_with_the_school(vertical: Vertikal) -> None:
    staff(vertical, "s1", 20)
    course(vertical, "p1", "s1", "2020-12-18")
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-02-01"})
    ask = {"period": "ever"}
    assert vertical.figure("trained_teachers", "gorodets", **ask) == (1, 0)
    assert vertical.figure("trained_teachers", "chemal", **ask) == (0, 20)
    assert vertical.figure("trained_teachers", "obr", **ask) == (1, 20)
    assert vertical.figure("trained_teachers", "gorodets", as_of="2021-01-31") == (1, 20)


def test_rows_of_the_old_parent_show_only_what_the_school_did_under_it(vertical: Vertikal) -> None:
    course(vertical, "p1", "s1", "2020-12-18")
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-02-01"})
    vertical.send(
        "course.finished",
        "s1",
        {"person": "p2", "role": "teacher", "organisation": "s1", "programme": "П", "provider": "iro", "hours": 8,
         "finished_on": "2021-03-01"},
        source="/m/chemal",
        party=Party("chemal", "municipality"),
    )  # fmt: skip
    rows = {c: vertical.ask("trained_teachers", c, by="school")["rows"] for c in ("gorodets", "chemal")}
    counted = {code: {row["key"]: row["numerator"] for row in each} for code, each in rows.items()}
    assert counted == {"gorodets": {"s1": 1, "s2": 0}, "chemal": {"s1": 1, "s3": 0}}


def test_closing_ends_stocks_and_keeps_flows(vertical: Vertikal) -> None:
    staff(vertical, "s1", 20)
    course(vertical, "p1", "s1", "2020-12-18")
    vertical.send("organisation.closed", "s1", {"code": "s1", "valid_from": "2021-07-01"})
    assert vertical.figure("trained_teachers", "obr", as_of="2021-06-30") == (1, 20)
    assert vertical.figure("trained_teachers", "obr") == (1, 0)


def test_a_retracted_event_is_undone_from_the_moment_of_its_retraction(vertical: Vertikal) -> None:
    known = result(vertical)
    id_ = f"e{vertical._ids}"
    undone = vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": id_, "reason": "ошибка"})
    assert vertical.figure("below_minimum", "obr") == (0, 0)
    assert vertical.figure("below_minimum", "obr", known_at=known) == (5, 20)
    retraction = f"e{vertical._ids}"
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": retraction, "reason": "верно было"})
    assert vertical.figure("below_minimum", "obr") == (5, 20)
    assert vertical.figure("below_minimum", "obr", known_at=undone) == (0, 0)


def test_known_at_may_be_a_time(vertical: Vertikal) -> None:
    result(vertical)
    between = vertical.clock.time
    result(vertical, subject="russian")
    assert vertical.figure("below_minimum", "obr", known_at=between.isoformat()) == (5, 20)
    assert vertical.figure("below_minimum", "obr") == (10, 40)


def test_postings_name_the_events_and_sum_to_the_figure(vertical: Vertikal) -> None:
    result(vertical)
    result(vertical, school="s3", below=2)
    items = vertical.postings("below_minimum", "obr", period="2020/2021")
    assert [(item["event_id"], item["organisation"], item["side"], item["delta"]) for item in items] == [
        ("e8", "s1", "numerator", 5),
        ("e9", "s3", "numerator", 2),
        ("e8", "s1", "denominator", 20),
        ("e9", "s3", "denominator", 20),
    ]


def test_a_correction_is_worth_nothing_while_its_import_is_retracted(vertical: Vertikal) -> None:
    result(vertical)
    import_ = f"e{vertical._ids}"
    data = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
    vertical.send("assessment.corrected", "s1", {**data, "participants": 20, "below_minimum": 4, "reason": "appeal"})
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": import_, "reason": "ошибка"})
    assert vertical.figure("below_minimum", "obr") == (0, 0)
    result(vertical, below=3, held_on="2021-04-16")
    assert vertical.figure("below_minimum", "obr", period="2021-04") == (3, 20)


def test_an_organisation_registered_anew_takes_its_postings_home(vertical: Vertikal) -> None:
    staff(vertical, "s1", 10)
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": "e4", "reason": "ошибка"})
    assert vertical.figure("trained_teachers", "gorodets")[1] == 0
    vertical.register("s1", "school", "gorodets")
    assert vertical.figure("trained_teachers", "gorodets")[1] == 10


def test_the_first_year_has_no_year_before(vertical: Vertikal) -> None:
    assert vertical.ask("below_minimum", "obr", period="1900")["previous"] is None
    assert vertical.ask("below_minimum", "obr", period="1950-01-01..2099-12-31")["growth"] is None
