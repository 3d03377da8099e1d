"""The log replayed for auditors: who did what and when, over HTTP and on the command line. On both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient

from tests.conftest import Vertikal
from tests.readers import Reader, problem
from tests.sayings import CHEMAL, GORODETS, REGION, S1, said
from tests.terminal import Terminal
from vertikal.services import replay, sheets, telling

Event = dict[str, Any]


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


def report(vertical: Vertikal, **fields: Any) -> Event:
    return said(vertical, GORODETS, "staff.reported", **fields)


def take_back(vertical: Vertikal, event: Event, **more: Any) -> Event:
    data = {"source": event["source"], "id": event["id"], "reason": "ошибка ввода"}
    return vertical.event("event.retracted", event["subject"], data, **more)


@pytest.fixture
def history(vertical: Vertikal) -> dict[str, int]:
    """What the region heard after its seven registrations, by name: the position of each."""
    actor = {"actor": "Иванова И. И."}
    plan = said(vertical, GORODETS, "roadmap.adopted")
    del plan["data"]["cohort"]
    mark = said(vertical, GORODETS, "activity.completed")
    sent = {
        "staff": report(vertical) | actor,
        "course": said(vertical, GORODETS, "course.finished") | actor,
        "elsewhere": said(vertical, CHEMAL, "staff.reported", organisation="s3", on="2021-09-20"),
        "plan": plan,
        "activity": said(vertical, GORODETS, "activity.planned"),
        "mark": mark,
    }
    positions = {}
    for name, event in sent.items():
        party = CHEMAL if name == "elsewhere" else GORODETS
        positions[name] = vertical.accept(event, party=party)
    positions["retraction"] = vertical.accept(take_back(vertical, mark, actor="Петров П. П."))
    forgotten = vertical.event("person.forgotten", "obr", {"person": "p-51f0", "reason": "заявление"})
    positions["forgotten"] = vertical.accept(forgotten, party=REGION)
    return positions


QUESTIONS: list[tuple[dict[str, str], list[str]]] = [
    ({"actor": "Иванова И. И."}, ["staff", "course"]),
    ({"actor": "Петров П. П."}, ["retraction"]),
    ({"actor": "nobody"}, []),
    ({"roadmap": "rm"}, ["plan", "activity", "mark", "retraction"]),
    ({"person": "p-51f0"}, ["course", "forgotten"]),
    ({"period": "2021"}, ["elsewhere"]),
    ({"period": "2020/2021", "organisation": "s1"}, ["staff", "course", "mark", "retraction"]),
    ({"type": "staff.reported"}, ["staff", "elsewhere"]),
    ({"type": "staff.reported", "organisation": "gorodets"}, ["staff"]),
    ({"known_from": "9", "known_to": "11"}, ["elsewhere", "plan"]),
    ({"known_from": "15"}, []),
]


@pytest.mark.parametrize(("asked", "names"), QUESTIONS)
def test_http_and_the_command_find_the_same_events(
    region: Reader, terminal: Terminal, history: dict[str, int], asked: dict[str, str], names: list[str]
) -> None:
    expected = [history[name] for name in names]
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    found = region.lines(f"/v1/log?after=7&{query}")
    assert [line["position"] for line in found] == expected
    options = [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", value)]
    printed = terminal.run("replay", "--format", "ndjson", "--known-from", "7", *options).stdout.splitlines()
    assert [json.loads(line) for line in printed] == found


def test_what_was_recorded_between_two_times_is_found_by_them(
    region: Reader, terminal: Terminal, history: dict[str, int]
) -> None:
    times = [region.json(f"/v1/log/{position}")["recorded_at"] for position in (9, 11)]
    window = (f"known_from={times[0]}&known_to={times[1]}", ("--known-from", times[0], "--known-to", times[1]))
    assert [line["position"] for line in region.lines(f"/v1/log?{window[0]}")] == [10, 11]
    assert len(terminal.run("replay", *window[1]).stdout.splitlines()) == 2


def test_a_school_that_moved_is_found_under_both_as_it_stood(
    vertical: Vertikal, terminal: Terminal, history: dict[str, int]
) -> None:
    """Under the old municipality with what was true there, under the present one with everything."""
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2022-01-01"})
    late = vertical.accept(said(vertical, CHEMAL, "staff.reported", on="2022-09-20"), party=CHEMAL)
    asked = ("replay", "--type", "staff.reported", "--format", "ndjson", "--organisation")
    found = {
        code: [json.loads(line)["position"] for line in terminal.run(*asked, code).stdout.splitlines()]
        for code in ("gorodets", "chemal", "obr")
    }
    assert found["gorodets"] == [history["staff"]]
    assert found["chemal"] == found["obr"] == [history["staff"], history["elsewhere"], late]


# Going on


def following(region: Reader, path: str) -> tuple[list[int], str | None]:
    """The positions of an answer, and the address that it says to go on at."""
    answer = region.get(path)
    positions = [json.loads(line)["position"] for line in answer.data.splitlines()]
    link = answer.headers.get("Link")
    if link is None:
        return positions, None
    assert link.endswith('>; rel="next"')
    return positions, link[1:].partition(">")[0]


def test_an_answer_says_where_to_go_on_until_all_is_read(
    region: Reader, history: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few events an answer looks into, and whether or not it finds any."""
    monkeypatch.setattr(replay, "CHUNK", 2)
    monkeypatch.setattr(replay, "READ_MAX", 4)
    path: str | None = "/v1/log?roadmap=rm&limit=3"
    answers = []
    while path is not None:
        positions, path = following(region, path)
        answers.append(positions)
    assert answers[0] == []
    assert [*chain(*answers)] == [history[name] for name in ("plan", "activity", "mark", "retraction")]


def test_a_full_answer_goes_on_behind_its_last_event(region: Reader, history: dict[str, int]) -> None:
    first, path = following(region, "/v1/log?roadmap=rm&limit=2")
    assert first == [history["plan"], history["activity"]]
    rest, end = following(region, path or "")
    assert (rest, end) == ([history["mark"], history["retraction"]], None)


def test_an_answer_that_reached_the_end_names_no_next(region: Reader, history: dict[str, int]) -> None:
    assert following(region, "/v1/log") == (list(range(1, 16)), None)
    assert following(region, "/v1/log?limit=15")[1] is None
    assert following(region, "/v1/log?limit=14")[1] == "/v1/log?limit=14&after=14"


def test_a_filter_opens_nothing_that_is_not_seen_without_it(client: FlaskClient, history: dict[str, int],
                                                            vertical: Vertikal) -> None:  # fmt: skip
    school = Reader(client, vertical.token("s2", "school"))
    assert school.lines("/v1/log?roadmap=rm") == []
    assert school.lines("/v1/log?person=p-51f0") == []
    problem(school.get("/v1/log?roadmap=rm&organisation=s1"), 403)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=yesterday", "period"),
        ("known_from=x", "known_from"),
        ("known_to=99", "known_to"),
        ("known_from=5&known_to=4", "known_from"),
        ("roadmap=a%20b", "roadmap"),
        ("known_at=5", "known_at"),
        ("colour=red", "colour"),
    ],
)
def test_400_a_filter_that_cannot_be_read_is_named(region: Reader, query: str, field: str) -> None:
    assert field in problem(region.get(f"/v1/log?{query}"), 400)["errors"]


# In words


def line_of(terminal: Terminal, position: int, *options: str) -> str:
    lines = terminal.run("replay", *options).stdout.splitlines()
    return next(line for line in lines if line.startswith(f"{position} · "))


def test_a_line_says_who_did_what_and_when(vertical: Vertikal, terminal: Terminal, history: dict[str, int]) -> None:
    line = line_of(terminal, history["staff"])
    when, who = (
        "записано 2020-09-01T09:00:",
        "S1 (s1) · Иванова И. И.: сообщает о кадрах: педагогов 30, руководителей 3",
    )
    assert line.startswith(f"8 · {when}")
    assert line.endswith(f" · факт 2020-09-20 · {who}")
    assert "/gorodets/municipality: " in line_of(terminal, history["plan"])


def test_an_event_that_was_taken_back_is_marked_and_the_retraction_says_what_it_takes(
    terminal: Terminal, history: dict[str, int]
) -> None:
    mark, retraction = history["mark"], history["retraction"]
    assert line_of(terminal, mark).endswith(f"[отозвано: позиция {retraction}]")
    told = line_of(terminal, retraction)
    assert f"ошибка ввода — позиция {mark}: отмечает мероприятие rm/a1 как выполненное" in told
    assert "Петров П. П.: отзывает событие" in told


def test_what_was_not_yet_known_is_not_told(terminal: Terminal, history: dict[str, int]) -> None:
    """As known before the retraction, the mark stands."""
    assert line_of(terminal, history["mark"], "--known-to", str(history["mark"])).endswith("выполненное")


def test_a_retraction_that_was_taken_back_says_that_the_event_stands_again(
    vertical: Vertikal, terminal: Terminal
) -> None:
    event = report(vertical)
    at = vertical.accept(event, party=GORODETS)
    first = take_back(vertical, event)
    vertical.accept(first)
    vertical.accept(take_back(vertical, first))
    assert line_of(terminal, at).endswith("руководителей 3")
    assert line_of(terminal, at + 1).endswith(f"[событие {at} снова действует: позиция {at + 2}]")
    assert line_of(terminal, at + 2).endswith(f"; событие {at} снова действует")


def test_a_text_cannot_move_the_cursor_or_add_a_line(vertical: Vertikal, terminal: Terminal) -> None:
    told = said(vertical, S1, "claim.made", organisation="s1", about={}, text="a\x1b[2Jb\nc\u202ed")
    at = vertical.accept(told, party=S1)
    assert line_of(terminal, at).endswith("утверждает: a\\x1b[2Jb\\nc\\u202ed")


def test_without_the_spelling_out_a_text_adds_a_line(
    vertical: Vertikal, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(telling, "shown", lambda text: text)
    with pytest.raises(AssertionError):
        test_a_text_cannot_move_the_cursor_or_add_a_line(vertical, terminal)


# On the command line


def test_a_replay_that_finds_nothing_says_so(terminal: Terminal, history: dict[str, int]) -> None:
    assert terminal.run("replay", "--actor", "nobody").stdout == "событий не найдено\n"
    lines = terminal.run("replay", "--actor", "nobody", "--format", "ndjson")
    assert (lines.stdout, lines.stderr) == ("", "событий не найдено\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--type", "staff.fired"), 1, "type: тип события «staff.fired» неизвестен"),
        (("--organisation", "nowhere"), 1, "«nowhere» не зарегистрирована"),
        (("--period", "x"), 1, "period: период «x» не распознан"),
        (("--known-from", "5", "--known-to", "4"), 1, "known_from: начало позже конца"),
        (("--known-to", "99"), 1, "known_to: позиция 99 дальше конца"),
        (("--format", "xlsx"), 2, "needs -o FILE"),
        (("--output", "/proc/nowhere/a.txt"), 1, "cannot write"),
    ],
)
def test_a_replay_that_cannot_be_done_says_why(
    vertical: Vertikal, terminal: Terminal, words: tuple[str, ...], code: int, message: str
) -> None:
    assert message in terminal.run("replay", *words, code=code).stderr


def test_a_file_holds_what_would_be_printed(terminal: Terminal, history: dict[str, int], tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Also when it is read in many pages."""
    monkeypatch.setattr(replay, "CHUNK", 4)
    for form in ("text", "ndjson"):
        file = tmp_path / form
        result = terminal.run("replay", "--format", form, "-o", str(file))
        assert (result.stdout, result.stderr) == ("", f"15 events in {file}\n")
        assert file.read_text(encoding="utf-8") == terminal.run("replay", "--format", form).stdout
        assert len(file.read_text(encoding="utf-8").splitlines()) == 15


def test_a_replay_that_fails_leaves_the_old_file(terminal: Terminal, history: dict[str, int], tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def fail(*_: Any) -> Iterator[Any]:
        raise OSError(28, "No space left on device")

    file = tmp_path / "log.txt"
    file.write_text("before")
    monkeypatch.setattr(replay, "pages", fail)
    assert "No space left" in terminal.run("replay", "-o", str(file), code=1).stderr
    assert file.read_text() == "before"
    assert list(tmp_path.glob("*.part")) == []


# Workbooks


def rows(file: Path) -> list[list[Any]]:
    book = openpyxl.load_workbook(file)
    return [[cell.value for cell in row] for sheet in book for row in sheet.iter_rows(min_row=2)]


def workbook(terminal: Terminal, file: Path, *options: str) -> list[list[Any]]:
    terminal.run("replay", "--format", "xlsx", "-o", str(file), *options)
    return rows(file)


def test_a_workbook_has_a_row_for_each_event(terminal: Terminal, history: dict[str, int], tmp_path: Path) -> None:
    found = workbook(terminal, tmp_path / "log.xlsx", "--roadmap", "rm")
    assert [row[0] for row in found] == [history[name] for name in ("plan", "activity", "mark", "retraction")]
    mark = dict(zip((title for title, _ in sheets.COLUMNS), found[2], strict=True))
    assert (mark["организация"], mark["код"], mark["дата факта"]) == ("S1", "s1", "2020-12-18")
    assert mark["что сделано"] == "отмечает мероприятие rm/a1 как выполненное"
    assert mark["отзыв"] == f"отозвано: позиция {history['retraction']}"
    assert json.loads(mark["данные"])["completed_on"] == "2020-12-18"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t"])
def test_a_text_that_looks_like_a_formula_stays_a_text(
    vertical: Vertikal, terminal: Terminal, tmp_path: Path, sign: str
) -> None:
    actor = f"{sign}HYPERLINK(A1)"
    vertical.accept(report(vertical) | {"actor": actor}, party=GORODETS)
    terminal.run("replay", "--format", "xlsx", "-o", str(tmp_path / "log.xlsx"), "--known-from", "7")
    cell = openpyxl.load_workbook(tmp_path / "log.xlsx").active["F2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (actor, "s", 1)


def test_without_the_prefix_of_a_text_the_check_above_fails(
    vertical: Vertikal, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its control."""
    monkeypatch.setattr(sheets, "FORMULA", ())
    with pytest.raises(AssertionError):
        test_a_text_that_looks_like_a_formula_stays_a_text(vertical, terminal, tmp_path, "=")


def test_a_long_text_is_kept_to_the_last_letter(vertical: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    """In cells to the right where one does not hold it; characters outside the first plane count twice there."""
    long = {"done": "\U0001f600" * 10_000, "missing": "я" * 10_000}
    plan = said(vertical, GORODETS, "roadmap.adopted")
    del plan["data"]["cohort"]
    partly = said(vertical, GORODETS, "activity.partly_completed", **long)
    vertical.accept(plan, said(vertical, GORODETS, "activity.planned"), partly, party=GORODETS)
    *_, row = workbook(terminal, tmp_path / "log.xlsx")
    data = json.loads("".join(filter(None, row[len(sheets.COLUMNS) - 1 :])))
    assert {name: data[name] for name in long} == long
    assert row[6].endswith("…")


def test_a_sheet_that_is_full_goes_on_in_the_next(
    terminal: Terminal, history: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "ROWS_MAX", 4)
    assert [row[0] for row in workbook(terminal, tmp_path / "log.xlsx")] == list(range(1, 16))
    assert len(openpyxl.load_workbook(tmp_path / "log.xlsx").worksheets) == 4


def test_control_characters_are_all_shown() -> None:
    seen = "".join(map(chr, range(0x20, 0x7F))) + "«я» \U0001f600"
    assert telling.shown(seen) == seen
    assert telling.shown("\r\t\x9b\u2028") == "\\r\\t\\x9b\\u2028"
