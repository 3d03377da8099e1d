"""``vertikal forget``: the name is nowhere, the log and two papers say how it went, and nothing else moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import docx
import pytest
from sqlalchemy import Engine, func, select, text

from tests.conftest import MASTER, SIGNER, Vertikal
from tests.terminal import Terminal
from tests.test_archive import exported
from tests.test_persons import MUNICIPALITY, NAME, course, every_byte
from vertikal.events import log
from vertikal.events.database import reading, writing
from vertikal.events.tables import person_keys
from vertikal.events.verifying import verify
from vertikal.services import archive, persons

AS_REGION = ("--organisation", "obr", "--role", "region")
ACT = ("--act", "12-ПД")


@pytest.fixture
def terminal(database_url: str) -> Terminal:
    return Terminal(database_url, VERTIKAL_SIGNING_KEY=SIGNER.text(), VERTIKAL_MASTER_KEY=MASTER.text())


@pytest.fixture
def known(vertical: Vertikal) -> Vertikal:
    """p-1 in two events at positions 8 and 9 (the second is retracted at 11), p-2 in one between them."""
    second = course(vertical, id="second", data={**course(vertical)["data"], "personal": {"phone": "+7 000 000-00-00"}})
    vertical.accept(course(vertical, id="first"), second, course(vertical, "Другое Имя", "p-2"), party=MUNICIPALITY)
    back = {"source": "/m/gorodets", "id": "second", "reason": "ошибка"}
    vertical.send("event.retracted", "obr", back)
    return vertical


def head(store: Vertikal) -> int:
    with reading(store.engine) as connection:
        return log.read_head(connection).position


def texts(file: Path) -> str:
    """All that a paper says, cell by cell."""
    paper = docx.Document(str(file))
    cells = [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in paper.paragraphs), *cells])


def parts(file: Path) -> bytes:
    """Every part of the file, unpacked."""
    with ZipFile(file) as packed:
        return b"\n".join(packed.read(name) for name in packed.namelist())


def files_of(engine: Engine) -> Iterator[Path]:
    """The files in which the database lies."""
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        yield from (part for part in file.parent.glob(f"{file.name}*") if part.suffix != ".key")
        return
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("CHECKPOINT"))
        folder = connection.execute(text("SHOW data_directory")).scalar_one()
        number = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
    yield from (file for file in Path(folder, "base", str(number)).iterdir() if file.is_file())


def places_with(store: Vertikal, name: str, folder: Path, printed: str) -> set[str]:
    """Where a name stands: as it is, or as JSON in ASCII would write it."""
    archive.export(store.engine, SIGNER, folder / "log.bundle", lambda _: None)
    places = {
        "rows": [every_byte(store)],
        "files": [file.read_bytes() for file in files_of(store.engine)],
        "bundle": [(folder / "log.bundle").read_bytes()],
        "papers": [parts(file) for file in folder.glob("*.docx")],
        "printed": [printed.encode()],
    }
    forms = [form for word in name.split() for form in (word.encode(), json.dumps(word).strip('"').encode())]
    return {place for place, all_ in places.items() for content in all_ if any(form in content for form in forms)}


def test_no_name_is_left_anywhere(
    known: Vertikal, terminal: Terminal, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = terminal.run("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))
    printed = result.output + "".join(capfd.readouterr())
    assert len(list(tmp_path.glob("*.docx"))) == 2
    assert places_with(known, NAME, tmp_path, printed) == set()


def test_control_a_name_in_the_clear_would_be_found_everywhere(
    known: Vertikal, terminal: Terminal, tmp_path: Path
) -> None:
    """Had the operator written it into the reason, and printed the log."""
    terminal.run("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path), "--reason", f"заявление: {NAME}")
    printed = terminal.run("forget", NAME, *ACT, *AS_REGION, code=1).output
    assert places_with(known, NAME, tmp_path, printed) == {"rows", "files", "bundle", "papers", "printed"}


def test_the_key_is_destroyed_and_the_log_says_by_whom_why_and_by_which_act(
    known: Vertikal, terminal: Terminal, tmp_path: Path
) -> None:
    answer = terminal.json("forget", "p-1", *ACT, *AS_REGION, "--reason", "отзыв согласия", "--output", str(tmp_path))
    with reading(known.engine) as connection:
        assert connection.execute(select(person_keys.c.person)).scalars().all() == ["p-2"]
        event = log.read_at(connection, [12])[12].event
    assert (event["type"], event["subject"], event["source"]) == ("person.forgotten", "obr", "/vertikal/forget/obr")
    assert event["correlationid"] == "12-ПД"
    assert event["data"] == {"person": "p-1", "reason": "отзыв согласия"}
    assert (answer["logged"], answer["position"], answer["events"], answer["size"]) == (True, 12, [8, 9], 12)


def test_a_person_whose_key_is_lost_or_master_key_gone_can_still_be_forgotten(
    known: Vertikal, database_url: str, tmp_path: Path
) -> None:
    with writing(known.engine) as connection:
        connection.execute(person_keys.delete())
    without = Terminal(database_url, VERTIKAL_SIGNING_KEY=SIGNER.text())
    assert without.json("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))["position"] == 12


def test_totals_proofs_and_replays_stay_as_they_were(known: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    known.accept(known.event("staff.reported", "s1", {"organisation": "s1", "on": "2020-09-20", "teachers": 30,
                                                      "managers": 3}))  # fmt: skip
    figure = known.ask("trained_teachers", "obr", period=2020, known_at=12)
    before = verify(exported(known, tmp_path / "before"))
    terminal.run("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))
    terminal.run("project", "--once")
    assert known.ask("trained_teachers", "obr", period=2020, known_at=12) == figure
    assert known.figure("trained_teachers", "obr", period=2020) == (figure["numerator"], figure["denominator"])
    note = tmp_path / "note"
    note.write_text(terminal.run("log", "checkpoint").stdout)
    after = verify(exported(known, tmp_path / "after"), [SIGNER.verifier], note.read_text())
    assert (before.ok, before.size, after.ok, after.size) == (True, 12, True, 13)


# The papers


@pytest.fixture
def papers(known: Vertikal, terminal: Terminal, tmp_path: Path) -> tuple[str, str, dict[str, Any]]:
    """What the act and the extract say, and the answer of the command."""
    answer = terminal.json("forget", "p-1", *ACT, *AS_REGION, "--reason", "отзыв согласия", "--output", str(tmp_path))
    act, extract = map(Path, answer["files"])
    assert (act.name, extract.name) == ("act-12-ПД-p-1.docx", "extract-12-ПД-p-1.docx")
    return texts(act), texts(extract), answer


REQUIRED = (
    "OBR (obr)",
    "псевдоним p-1",
    "фамилия, имя, отчество (full_name); номер телефона (phone); должность (post)",
    "«Вертикаль», журнал obr.example/log",
    "отзыв согласия",
    "приказ Роскомнадзора от 28.10.2022 № 179",
    "№ 12-ПД",
)


def test_both_papers_say_what_the_order_asks_for(papers: tuple[str, str, dict[str, Any]]) -> None:
    *both, _ = papers
    assert [words for words in REQUIRED for paper in both if words not in paper] == []


def test_both_papers_name_the_events_the_entry_and_the_checkpoint(papers: tuple[str, str, dict[str, Any]]) -> None:
    *both, answer = papers
    for paper in both:
        assert "8\nfirst\ncourse.finished\nfull_name, post" in paper
        assert "9\nsecond\ncourse.finished\nphone" in paper
        assert "позиция 12, person.forgotten" in paper
        assert answer["root"] in paper


def test_the_act_has_lines_for_the_commission(papers: tuple[str, str, dict[str, Any]]) -> None:
    act, _, _ = papers
    assert all(words in act for words in ("Председатель комиссии", "Член комиссии", "Подпись", "Адрес оператора"))


def test_the_extract_holds_the_entry_to_the_letter_and_a_signed_checkpoint(
    known: Vertikal, papers: tuple[str, str, dict[str, Any]], terminal: Terminal
) -> None:
    _, extract, _ = papers
    with reading(known.engine) as connection:
        assert log.read_at(connection, [12])[12].leaf.decode() in extract
    assert terminal.run("log", "checkpoint").stdout.rstrip("\n") in extract


def test_without_a_reason_the_act_has_a_line_for_it(known: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    act, extract = terminal.json("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))["files"]
    assert "Причина уничтожения\n____" in texts(Path(act))
    assert "Причина уничтожения\nуказана в акте" in texts(Path(extract))


def test_signs_that_no_paper_can_hold_are_replaced(known: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    known.send("person.forgotten", "obr", {"person": "p-1", "reason": "заявление\x0b\ufffe"})
    act, _ = terminal.json("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))["files"]
    assert "заявление\ufffd\ufffd" in texts(Path(act))


# Twice, nobody, and by whom


def test_the_same_act_again_writes_the_papers_again_and_logs_nothing(
    known: Vertikal, terminal: Terminal, tmp_path: Path
) -> None:
    command = ("forget", "p-1", *ACT, *AS_REGION, "--output")
    first = terminal.json(*command, str(tmp_path / "first"), "--reason", "отзыв согласия")
    known.accept(course(known, person="p-3"), party=MUNICIPALITY)
    again = terminal.json(*command, str(tmp_path / "again"), "--reason", "другая")
    assert (first["logged"], again["logged"], head(known)) == (True, False, 13)
    assert [texts(Path(file)) for file in again["files"]] == [texts(Path(file)) for file in first["files"]]
    assert "в журнал ничего не записано" in terminal.run(*command, str(tmp_path)).stdout


def test_1_another_act_for_a_forgotten_person(known: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path / "a"))
    result = terminal.run("forget", "p-1", "--act", "13", *AS_REGION, "--output", str(tmp_path / "b"), code=1)
    assert "уже уничтожены: позиция 12, акт № 12-ПД" in result.stderr
    assert not (tmp_path / "b").exists()


def test_who_was_forgotten_over_http_gets_papers_too(known: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    known.send("person.forgotten", "obr", {"person": "p-1", "reason": "заявление"})
    answer = terminal.json("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))
    assert (answer["logged"], answer["position"]) == (False, 12)


@pytest.mark.parametrize("person", ["p-9", "Незабудкина Тайна", "s1"])
def test_1_a_person_of_whom_the_log_holds_nothing(
    known: Vertikal, terminal: Terminal, tmp_path: Path, person: str
) -> None:
    result = terminal.run("forget", person, *ACT, *AS_REGION, "--output", str(tmp_path / "a"), code=1)
    assert f"в журнале нет персональных данных лица «{person}»" in result.stderr
    assert head(known) == 11


@pytest.mark.parametrize("again", [False, True])
def test_1_a_role_that_may_not_destroy(known: Vertikal, terminal: Terminal, tmp_path: Path, again: bool) -> None:
    if again:
        terminal.run("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))
    token = known.token("gorodets", "municipality")
    result = terminal.run("forget", "p-1", *ACT, "--token", token, "--output", str(tmp_path / "a"), code=1)
    assert "роль «municipality» не уничтожает персональные данные" in result.stderr
    with reading(known.engine) as connection:
        assert persons.is_forgotten(connection, "p-1") == again
    assert not (tmp_path / "a").exists()


def test_a_token_of_the_region_or_an_admin_may(known: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    for person, role in (("p-1", "region"), ("p-2", "admin")):
        token = known.token("obr", role)
        assert terminal.json("forget", person, *ACT, "--token", token, "--output", str(tmp_path))["logged"]
    with reading(known.engine) as connection:
        assert connection.execute(select(func.count()).select_from(person_keys)).scalar() == 0


def test_1_an_organisation_that_is_not_registered(known: Vertikal, terminal: Terminal) -> None:
    result = terminal.run("forget", "p-1", *ACT, "--organisation", "nowhere", "--role", "region", code=1)
    assert "организация не зарегистрирована" in result.stderr


def test_1_papers_that_cannot_be_written_can_be_had_later(known: Vertikal, terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = terminal.run("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path / "file" / "x"), code=1)
    assert "документы не записаны" in result.stderr
    assert len(terminal.json("forget", "p-1", *ACT, *AS_REGION, "--output", str(tmp_path))["files"]) == 2


def test_2_an_act_has_a_number(terminal: Terminal) -> None:
    assert "--act" in terminal.run("forget", "p-1", *AS_REGION, code=2).stderr
