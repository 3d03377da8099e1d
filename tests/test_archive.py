"""Export, verify, restore: the log leaves the database, proves itself, and comes back the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from tests.conftest import SIGNER, Vertikal
from vertikal.events import bundle, log, merkle, tree
from vertikal.events.bundle import Trailer
from vertikal.events.database import connect, reading, writing
from vertikal.events.tables import declarations, events, retractions, sources
from vertikal.events.verifying import verify
from vertikal.services import archive, keys, projector, proving
from vertikal.services import store as stores
from vertikal.services.access import Party
from vertikal.services.intake import DUPLICATE, REJECTED
from vertikal.services.refusals import Refusal
from vertikal.services.settings import Settings


def staff(store: Vertikal, teachers: int, school: str = "s1", **more: Any) -> dict[str, Any]:
    data = {"organisation": school, "on": "2020-09-20", "teachers": teachers, "managers": 3}
    return store.event("staff.reported", school, data, **more)


def life(store: Vertikal) -> list[dict[str, Any]]:
    """A log with corrections, retractions, a move and several senders; the events of the last sender."""
    store.accept(staff(store, 30, id="first"), *(staff(store, 20 + n) for n in range(300)))
    store.send("event.retracted", "s1", {"source": "/regions/obr", "id": "first", "reason": "ошибка"}, id="back")
    store.send("event.retracted", "s1", {"source": "/regions/obr", "id": "back", "reason": "верно"})
    store.send("organisation.moved", "s2", {"code": "s2", "parent": "chemal", "valid_from": "2021-01-01"})
    own = [staff(store, 40, "s3", source="/municipalities/chemal", id=f"c{n}") for n in range(3)]
    store.accept(*own, party=Party("chemal", "municipality"))
    return own


def exported(store: Vertikal, path: Path) -> Path:
    archive.export(store.engine, SIGNER, path, lambda _: None)
    return path


@pytest.fixture
def elsewhere(vertical: Vertikal, tmp_path: Path) -> Settings:
    """The settings of another, empty database, with keys of its own."""
    url = f"sqlite:///{tmp_path / 'other' / 'other.db'}"
    return replace(vertical.settings, database_url=url, signing_key=None, master_key=None)


def restored(settings: Settings, path: Path) -> Vertikal:
    engine = archive.restore(settings, path, lambda _: None)
    projector.catch_up(engine)
    return Vertikal(engine, settings)


def everything(engine: Engine) -> list[Any]:
    """The log and what is known from it, row by row."""
    with reading(engine) as connection:
        rows = [
            [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in (events, declarations, retractions, sources)
        ]
        head = log.read_head(connection)
        return [*rows, head, tree.root(connection, head.position)]


def test_an_exported_log_is_proven(vertical: Vertikal, tmp_path: Path) -> None:
    life(vertical)
    verdict = verify(exported(vertical, tmp_path / "log"), [SIGNER.verifier])
    with reading(vertical.engine) as connection:
        size = log.read_head(connection).position
        assert (verdict.ok, verdict.size, verdict.root) == (True, size, tree.root(connection, size))


def test_a_restored_log_is_the_same_row_by_row(vertical: Vertikal, elsewhere: Settings, tmp_path: Path) -> None:
    life(vertical)
    other = restored(elsewhere, exported(vertical, tmp_path / "log"))
    assert everything(other.engine) == everything(vertical.engine)


def test_a_restored_database_gives_the_same_figures(vertical: Vertikal, elsewhere: Settings, tmp_path: Path) -> None:
    life(vertical)
    other = restored(elsewhere, exported(vertical, tmp_path / "log"))
    for organisation in ("obr", "gorodets", "chemal", "s1"):
        for known_at in (5, 200, 314):
            question = {"period": 2021, "by": "school", "known_at": known_at}
            assert other.ask("trained_teachers", organisation, **question) == vertical.ask(
                "trained_teachers", organisation, **question
            )


def test_a_restored_database_goes_on_where_the_log_ended(
    vertical: Vertikal, elsewhere: Settings, tmp_path: Path
) -> None:
    own = life(vertical)
    other = restored(elsewhere, exported(vertical, tmp_path / "log"))
    chemal = Party("chemal", "municipality")
    assert other.submit(own[0], party=chemal).results[0].status == DUPLICATE
    strangers = staff(other, 1, "s1", source="/municipalities/chemal", id="x")
    assert other.submit(strangers, party=Party("gorodets", "municipality")).results[0].status == REJECTED
    with reading(vertical.engine) as connection:
        head = log.read_head(connection).position
    assert other.submit(staff(other, 1, "s3", id="new")).head == head + 1
    with reading(other.engine) as connection:
        assert proving.public_keys(connection)[0] == SIGNER.verifier


def test_a_restored_log_is_still_proven_by_what_was_signed_before(
    vertical: Vertikal, elsewhere: Settings, tmp_path: Path
) -> None:
    """The restored database signs with a key of its own and hands on the old checkpoints and keys."""
    life(vertical)
    other = restored(elsewhere, exported(vertical, tmp_path / "log"))
    other.accept(staff(other, 1, "s3", id="new"))
    path = tmp_path / "again"
    archive.export(other.engine, keys.signer(elsewhere), path, lambda _: None)
    assert verify(path).ok
    assert str(SIGNER.verifier) in bundle.read_trailer(path).keys
    assert keys.signer(elsewhere).name == SIGNER.name


def test_an_interrupted_export_goes_on_behind_its_whole_blocks(vertical: Vertikal, tmp_path: Path) -> None:
    life(vertical)
    whole = exported(vertical, tmp_path / "whole").read_bytes()
    (tmp_path / "log.part").write_bytes(whole[: whole.rindex(b"\n#") - 100])
    told: list[int] = []
    archive.export(vertical.engine, SIGNER, tmp_path / "log", told.append)
    assert (tmp_path / "log").read_bytes() == whole
    assert told == [256, verify(tmp_path / "log").size - 256]


def test_an_interrupted_export_of_another_log_is_begun_anew(vertical: Vertikal, tmp_path: Path) -> None:
    life(vertical)
    whole = exported(vertical, tmp_path / "whole").read_bytes()

    def leaf(number: int) -> bytes:
        return b'{"event":{"id":"%d"},"recorded_at":"2020-09-01T07:00:00.000000Z"}' % number

    others = ((leaf(number), merkle.leaf_hash(leaf(number))) for number in range(256))
    bundle.write(tmp_path / "log.part", lambda _: others, lambda _: Trailer((), (), ()))
    assert exported(vertical, tmp_path / "log").read_bytes() == whole


def test_a_database_with_events_is_not_restored_into(vertical: Vertikal, tmp_path: Path) -> None:
    life(vertical)
    path = exported(vertical, tmp_path / "log")
    before = everything(vertical.engine)
    with pytest.raises(Refusal, match="уже есть события"):
        archive.restore(vertical.settings, path, lambda _: None)
    assert everything(vertical.engine) == before


def test_an_interrupted_restoration_goes_on(vertical: Vertikal, elsewhere: Settings, tmp_path: Path) -> None:
    life(vertical)
    path = exported(vertical, tmp_path / "log")

    class PowerCut(Exception):
        pass

    def cut(count: int) -> None:
        if count:
            raise PowerCut

    with pytest.raises(PowerCut):
        archive.restore(elsewhere, path, cut)
    with reading(connect(elsewhere.database_url)) as connection:
        assert log.read_head(connection).position > 0
    assert everything(restored(elsewhere, path).engine) == everything(vertical.engine)


def test_an_interrupted_restoration_does_not_go_on_with_another_log(
    vertical: Vertikal, elsewhere: Settings, tmp_path: Path
) -> None:
    life(vertical)
    path = exported(vertical, tmp_path / "log")
    engine = stores.begin(elsewhere, "x")
    leaf = next(iter(bundle.read(path))).replace(b"OBR", b"RBO")
    with writing(engine) as connection:
        log.write_again(connection, log.lock(connection), [leaf])
    with pytest.raises(Refusal, match="другого пакета"):
        archive.restore(elsewhere, path, lambda _: None)


def test_an_event_edited_in_the_database_is_named_by_its_bundle(vertical: Vertikal, tmp_path: Path) -> None:
    """The administrator changes a leaf and nothing else; the hash beside it still tells what it was."""
    life(vertical)
    with writing(vertical.engine) as connection:
        if vertical.engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        else:
            connection.execute(text("DROP TRIGGER events_never_UPDATE"))
        leaf = log.read_at(connection, [5])[5].leaf.replace(b"S2", b"S7")
        connection.execute(events.update().where(events.c.position == 5).values(leaf=leaf))
    verdict = verify(exported(vertical, tmp_path / "log"))
    assert (verdict.ok, verdict.position) == (False, 5)


def test_the_bundle_holds_no_key(vertical: Vertikal, tmp_path: Path) -> None:
    personal = {"full_name": "Тайное Имя"}
    data = {"person": "p-1", "role": "teacher", "organisation": "s1", "programme": "П", "provider": "n",
            "hours": 72, "finished_on": "2020-12-18", "personal": personal}  # fmt: skip
    course = vertical.event("course.finished", "s1", data, source="/m/gorodets")
    vertical.accept(course, party=Party("gorodets", "municipality"))
    content = exported(vertical, tmp_path / "log").read_bytes()
    with reading(vertical.engine) as connection:
        wrapped = bytes(connection.execute(text("SELECT wrapped FROM person_keys")).scalar_one())
        assert connection.execute(select(func.count()).select_from(events)).scalar()
    assert wrapped not in content
    assert "Тайное".encode() not in content
    assert b"PRIVATE" not in content
