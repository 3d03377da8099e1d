"""The command line: what it prints and the code it ends with. Commands that touch the database run on both."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.conftest import Vertikal
from tests.sayings import GORODETS, said
from tests.terminal import Terminal
from vertikal.events.database import writing
from vertikal.events.tables import head
from vertikal.services.cli import asking, main

BATCH_MAX = 1_000


def staff(vertical: Vertikal, **fields: Any) -> dict[str, Any]:
    return said(vertical, GORODETS, "staff.reported", **fields)


def lines(*events: Any) -> str:
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


AS_GORODETS = ("--organisation", "gorodets", "--role", "municipality")


# Help and usage


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_command_explains_itself_and_its_options(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    text = result.stdout.split("\n\n")
    assert text[0].startswith("Usage: ")
    assert text[1].strip()


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("query",),
        ("query", "quality"),
        ("changes", "quality", "--organisation", "obr"),
        ("query", "quality", "--organisation", "obr", "--only", "subject"),
        ("token", "create", "--organisation", "obr", "--role", "emperor"),
        ("token", "revoke", "one"),
        ("push", "no-such-file.json"),
        ("push", "-"),
        ("push", "-", "--organisation", "obr"),
        ("serve", "--port", "99999"),
    ],
    ids=" ".join,
)
def test_2_wrong_usage(vertical: Vertikal, terminal: Terminal, words: tuple[str, ...]) -> None:
    assert "Error: " in terminal.run(*words, code=2, sent="").stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("VERTIKAL_TIMEZONE", "Mars/Olympus"), ("VERTIKAL_WORKERS", "many"), ("VERTIKAL_DATABASE_URL", "no url")],
    ids=["time zone", "workers", "database"],
)
def test_2_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    result = Terminal("sqlite:///unused.db").run("init", code=2, **{name: value})
    assert name in result.stderr
    assert "Traceback" not in result.stderr


# The database


def test_init_makes_the_database_and_does_nothing_to_one_that_is_there(terminal: Terminal) -> None:
    assert terminal.run("init").stdout.startswith("made: ")
    assert terminal.run("init").stdout.startswith("already there: ")
    assert terminal.json("doctor")[1]["ok"]


def test_init_makes_the_folders_of_an_sqlite_file(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "vertikal.db"
    Terminal(f"sqlite:///{file}").run("init")
    assert file.exists()


def test_the_option_database_beats_the_environment(tmp_path: Path) -> None:
    Terminal("sqlite:////proc/nowhere.db").run("--database", f"sqlite:///{tmp_path / 'v.db'}", "init")


ASKING = (
    ("project", "--once"),
    ("token", "list"),
    ("query", "quality", "--organisation", "obr"),
    ("changes", "quality", "--organisation", "obr", "--known-from", "0"),
    ("replay",),
)
PUSHING = ("push", "-", *AS_GORODETS)


@pytest.mark.parametrize("words", [*ASKING, PUSHING, ("serve",), ("doctor",)])
def test_1_a_database_that_was_not_made_says_what_to_do(terminal: Terminal, words: tuple[str, ...]) -> None:
    result = terminal.run(*words, code=1, sent="")
    assert "run `vertikal init` first" in result.output
    assert "Traceback" not in result.output


@pytest.fixture
def nowhere() -> str:
    """A database behind a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"postgresql://vertikal:secret@127.0.0.1:{free.getsockname()[1]}/none"


@pytest.mark.parametrize("words", [("init",), *ASKING, PUSHING])
def test_75_a_database_that_cannot_be_reached(nowhere: str, words: tuple[str, ...]) -> None:
    result = Terminal(nowhere).run(*words, code=75, sent="")
    assert "cannot be reached" in result.stderr
    assert "secret" not in result.output


def test_doctor_explains_a_database_that_cannot_be_reached(nowhere: str) -> None:
    result = Terminal(nowhere).run("doctor", code=1)
    assert "database" in result.stdout
    assert "secret" not in result.output


def test_1_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "letter.docx").write_bytes(b"PK" * 5_000)
    result = Terminal(f"sqlite:///{tmp_path / 'letter.docx'}").run("token", "list", code=1)
    assert "file is not a database" in result.stderr


# Tokens


def test_a_token_is_created_listed_and_revoked(vertical: Vertikal, terminal: Terminal) -> None:
    made = terminal.json("token", "create", "--organisation", "not-yet-registered", "--role", "school")
    assert made.keys() == {"token"}
    plain = terminal.run("token", "create", "--organisation", "obr", "--role", "auditor").stdout.strip()
    assert plain != made["token"]
    listed = terminal.json("token", "list")
    assert [(row["id"], row["organisation"], row["role"]) for row in listed] == [
        (1, "not-yet-registered", "school"),
        (2, "obr", "auditor"),
    ]
    assert plain not in terminal.run("token", "list").stdout
    terminal.run("token", "revoke", "1")
    assert [bool(row["revoked_at"]) for row in terminal.json("token", "list")] == [True, False]
    assert "no token 1 is in force" in terminal.run("token", "revoke", "1", code=1).stderr


# Pushing


def test_0_push_takes_a_file_of_one_event_a_list_or_lines(
    vertical: Vertikal, terminal: Terminal, tmp_path: Path
) -> None:
    events = [staff(vertical) for _ in range(6)]
    forms = {
        "one.json": json.dumps(events[0], indent=2),
        "list.json": json.dumps(events[1:3]),
        "spread.json": json.dumps(events[3:4], indent=1),
        "lines.ndjson": "\n" + lines(*events[4:]) + "\n\n",
    }
    for name, content in forms.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        answer = terminal.json("push", str(tmp_path / name), *AS_GORODETS)
        assert answer["accepted"] == len(answer["results"])
    assert answer["head"] == 7 + len(events)
    assert terminal.json("push", str(tmp_path / "list.json"), *AS_GORODETS)["duplicates"] == 2


def test_push_reads_standard_input_and_batches_it(vertical: Vertikal, terminal: Terminal) -> None:
    events = [staff(vertical, on=f"20{n % 90 + 10}-01-01") for n in range(BATCH_MAX + 5)]
    answer = terminal.json("push", "-", *AS_GORODETS, sent=lines(*events))
    assert (answer["accepted"], answer["head"]) == (BATCH_MAX + 5, 7 + BATCH_MAX + 5)
    assert "файл пуст" in terminal.run("push", "-", *AS_GORODETS, code=1, sent="\n").stderr


def test_push_with_a_token(vertical: Vertikal, terminal: Terminal) -> None:
    token, event = vertical.token("gorodets", "municipality"), staff(vertical)
    assert terminal.json("push", "-", "--token", token, sent=lines(event))["accepted"] == 1
    assert terminal.json("push", "-", sent=lines(event), VERTIKAL_TOKEN=token)["duplicates"] == 1
    assert "токен неизвестен" in terminal.run("push", "-", "--token", "x", code=1, sent=lines(event)).stderr


def test_4_partly_accepted_shows_what_was_refused(vertical: Vertikal, terminal: Terminal) -> None:
    events = [staff(vertical), staff(vertical, organisation="s3")]
    result = terminal.run("push", "-", *AS_GORODETS, code=4, sent=lines(*events))
    assert result.stdout == "accepted 1, duplicates 0, rejected 1, head 8\n"
    assert f"{events[1]['id']}: data.organisation: организация вне подчинения" in result.stderr
    answer = terminal.json("push", "-", *AS_GORODETS, code=4, sent=lines(*events))
    assert [each["status"] for each in answer["results"]] == ["duplicate", "rejected"]


def test_1_everything_refused(vertical: Vertikal, terminal: Terminal) -> None:
    terminal.run("push", "-", *AS_GORODETS, code=1, sent=lines(staff(vertical, organisation="s3")))


def test_what_is_refused_is_shown_to_the_letter(vertical: Vertikal, terminal: Terminal) -> None:
    """Square brackets are no markup."""
    event = staff(vertical, organisation="s3")
    event["id"] = "[red]a[/red]"
    assert "[red]a[/red]: " in terminal.run("push", "-", *AS_GORODETS, code=1, sent=lines(event)).stderr


@pytest.mark.parametrize(
    ("sent", "where"), [("{}\n{]\n", "строка 2"), ("[1, 2", "файл"), ('{"a": 1', "файл"), (b"\xff\n", "файл")]
)
def test_1_a_file_that_is_no_json_names_the_line(
    vertical: Vertikal, terminal: Terminal, sent: bytes | str, where: str
) -> None:
    assert f"{where}: не JSON" in terminal.run("push", "-", *AS_GORODETS, code=1, sent=sent).stderr


def test_push_atomic_and_dry_run(vertical: Vertikal, terminal: Terminal) -> None:
    sent = lines(staff(vertical), staff(vertical, organisation="s3"))
    assert terminal.json("push", "-", *AS_GORODETS, "--atomic", code=1, sent=sent)["head"] == 7
    assert terminal.json("push", "-", *AS_GORODETS, "--dry-run", code=4, sent=sent)["head"] == 7
    assert terminal.json("push", "-", *AS_GORODETS, code=4, sent=sent)["head"] == 8


# Figures


def test_project_once_brings_the_figures_up_to_the_log(vertical: Vertikal, terminal: Terminal) -> None:
    terminal.run("push", "-", *AS_GORODETS, sent=lines(staff(vertical)))
    question = ("query", "trained_teachers", "--organisation", "obr", "--as-of", "2023-06-01")
    assert terminal.json(*question)["denominator"] == 0
    assert terminal.run("project", "--once").stdout == "1 events applied\n"
    assert terminal.json(*question)["denominator"] == 30
    assert terminal.run("project", "--once").stdout == "0 events applied\n"


@pytest.fixture
def taught(vertical: Vertikal) -> Vertikal:
    """Thirty teachers, of whom nine finished a course."""
    courses = [said(vertical, GORODETS, "course.finished", person=f"p{n}", role="teacher") for n in range(9)]
    vertical.accept(staff(vertical), *courses, party=GORODETS)
    return vertical


QUESTION = ("trained_teachers", "--organisation", "obr", "--as-of", "2023-06-01", "--period", "2020")


def test_query_answers_as_the_api_does(taught: Vertikal, terminal: Terminal) -> None:
    answer = terminal.json("query", *QUESTION, "--by", "municipality")
    asked = taught.ask("trained_teachers", "obr", period="2020", by="municipality")
    assert answer == asked
    assert (answer["numerator"], answer["denominator"], answer["value"]) == (9, 30, "0.3")


def test_query_prints_figure_and_rows(taught: Vertikal, terminal: Terminal) -> None:
    text = terminal.run("query", *QUESTION, "--by", "municipality").stdout
    assert "9 / 30 = 30.0 %" in text
    assert "GORODETS" in text
    assert "нет данных" in text


def test_query_narrows_to_a_dimension(taught: Vertikal, terminal: Terminal) -> None:
    assert terminal.json("query", *QUESTION, "--only", "subject=management")["numerator"] == 9
    assert terminal.json("query", *QUESTION, "--only", "subject=math")["numerator"] == 0
    assert terminal.json("query", *QUESTION, "--known-at", "8")["numerator"] == 0


def test_why_shows_postings_that_sum_to_the_figure(taught: Vertikal, terminal: Terminal) -> None:
    answer = terminal.json("why", *QUESTION)
    for side in ("numerator", "denominator"):
        assert sum(item["delta"] for item in answer["postings"] if item["side"] == side) == answer[side]
    assert len({item["event_id"] for item in answer["postings"]}) == 10
    text = terminal.run("why", *QUESTION, "--limit", "3").stdout
    assert "сумма проводок, numerator: 9" in text
    assert "сумма проводок, denominator: 30" in text
    assert "показано 3 из 10" in text


def test_changes_shows_what_lies_between_two_moments(taught: Vertikal, terminal: Terminal) -> None:
    window = ("changes", *QUESTION, "--known-from", "8", "--known-to", "10")
    answer = terminal.json(*window)
    assert [(item["position"], item["delta"]) for item in answer["items"]] == [(9, 1), (10, 1)]
    assert (answer["from"]["numerator"], answer["to"]["numerator"]) == (0, 2)
    text = terminal.run(*window, "--limit", "1").stdout
    assert "(позиция 8): 0 / 30 = 0.0 %" in text
    assert "(позиция 10): 2 / 30 = 6.7 %" in text
    assert "показано 1 из 2" in text
    assert "сумма проводок, numerator: 2" in text


def test_changes_of_all_pages_are_one_list(taught: Vertikal, terminal: Terminal, monkeypatch: Any) -> None:
    window = ("changes", *QUESTION, "--known-from", "0")
    whole = terminal.json(*window)
    monkeypatch.setattr(asking, "PAGE", 2)
    assert terminal.json(*window) == whole
    assert len(whole["items"]) == 10


def test_changes_says_that_there_are_none(taught: Vertikal, terminal: Terminal) -> None:
    assert "изменений нет" in terminal.run("changes", *QUESTION, "--known-from", "17").stdout
    late = terminal.run("changes", *QUESTION, "--known-from", "9", "--known-to", "8", code=1)
    assert "known_from: начало позже конца" in late.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing", "--organisation", "obr"), "показатель «nothing» неизвестен"),
        (("quality", "--organisation", "obr", "--period", "x"), "period: период «x» не распознан"),
        (("quality", "--organisation", "obr", "--as-of", "2021-02-30"), "as_of: дата «2021-02-30»"),
        (("quality", "--organisation", "obr", "--known-at", "99"), "known_at: позиция 99 дальше конца"),
        (("quality", "--organisation", "obr", "--by", "colour"), "by: разбивка «colour» невозможна"),
        (("trained_teachers", "--organisation", "obr", "--period", "2021-03"), "укажите 2021, 2020/2021"),
        (("quality", "--organisation", "nowhere"), "«nowhere»"),
    ],
)
def test_1_a_question_that_cannot_be_answered_says_why(
    vertical: Vertikal, terminal: Terminal, words: tuple[str, ...], message: str
) -> None:
    result = terminal.run("query", *words, code=1)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_75_figures_that_are_behind_what_is_asked_for(vertical: Vertikal, terminal: Terminal) -> None:
    terminal.run("push", "-", *AS_GORODETS, sent=lines(staff(vertical)))
    terminal.run("query", "quality", "--organisation", "obr", "--known-at", "8", code=75)


# Doctor


def test_doctor_finds_nothing_wrong_in_a_sound_database(vertical: Vertikal, terminal: Terminal) -> None:
    found = terminal.json("doctor")
    assert all(each.keys() == {"check", "ok", "found"} for each in found)
    assert {each["check"] for each in found} >= {"time zone", "database", "log and ledger", "figures"}
    assert "ok" in terminal.run("doctor").stdout


def test_doctor_says_what_to_do_about_figures_that_are_behind(vertical: Vertikal, terminal: Terminal) -> None:
    terminal.run("push", "-", *AS_GORODETS, sent=lines(staff(vertical)))
    assert "1 events behind: run `vertikal project`" in terminal.run("doctor", code=1).stdout


def test_doctor_finds_a_head_that_differs_from_the_log(vertical: Vertikal, terminal: Terminal) -> None:
    with writing(vertical.engine) as connection:
        connection.execute(head.update().values(position=9))
    bad = [each["check"] for each in terminal.json("doctor", code=1) if not each["ok"]]
    assert "log and ledger" in bad
