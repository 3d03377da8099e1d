"""May this event enter the log? What only the log itself can tell: references, authority, names that exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from ..contracts.catalogue import Errors
from ..contracts.contract import SCHOOL, Contract, Name
from ..contracts.words import WORDS
from ..events import log, registry
from ..projections.organisations import Tree
from .access import Party

Event = Mapping[str, Any]

KINDS = {
    "organisation": "организация не зарегистрирована",
    "roadmap": "дорожная карта не найдена",
    "activity": "мероприятие не найдено",
    "cohort": "группа школ не найдена",
    "cycle": "управленческий цикл не найден",
    "goal": "цель не найдена",
    "finding": "вывод анализа не найден",
    "recommendation": "рекомендация не найдена",
    "result": "результат не загружен: сначала assessment.imported",
    "mentorship": "назначение не найдено",
}
EXISTS = "уже существует"
RESULT_EXISTS = "уже загружено: исправьте (assessment.corrected), отзовите (assessment.withdrawn) или аннулируйте"
AFTER_CLOSING = ("assessment.corrected", "assessment.withdrawn", "event.retracted", "person.forgotten")
NOT_THE_SENDERS_OWN = ("findings[].figures[].organisation", "figures[].organisation")


class Admission:
    """Judges the events of one transaction in their order, under the lock of the head; earlier ones count."""

    def __init__(self, connection: Connection, tree: Tree, today: str, batch: Iterable[tuple[Contract, Event]]) -> None:
        batch = list(batch)
        self.tree = tree
        self.bound: dict[str, str] = {}
        self._connection = connection
        self._today = today
        self._added: dict[str, int] = {}
        self._coverage: dict[tuple[Party, str], bool] = {}
        self._admitted: set[log.Identity] = set()
        self._retracted: set[log.Identity] = set()
        self._forgetting: set[log.Identity] = set()
        self._named = registry.find(connection, self._needed(batch))
        self._sources = registry.owners_of_sources(connection, {event["source"] for _, event in batch})

    def judge(self, party: Party, contract: Contract, event: Event) -> Errors:
        """Every reason to refuse the event, by field path, in Russian; empty: admit it."""
        errors: Errors = {}
        self._check_sender(party, contract, event, errors)
        self._check_names(party, contract, event, errors)
        self._check_subtree(party, contract, event, errors)
        if contract.person is not None and "sealed" in event["data"]:
            self._check_person(event["data"][contract.person], errors)
        if event["type"] == "event.retracted":
            self._check_retraction(party, event, errors)
        elif not errors:
            self._check_more(party, contract, event, errors)
        return errors

    def version_differs(self, event: Event) -> int | None:
        """The version of the subject's stream, if the event expects another."""
        if "expectedversion" not in event:
            return None
        subject = event["subject"]
        version = log.version(self._connection, subject) + self._added.get(subject, 0)
        return version if version != event["expectedversion"] else None

    def admit(self, party: Party, contract: Contract, event: Event, position: int) -> list[registry.Declared]:
        """Take note of an admitted event: what it declares counts for the events behind it."""
        declared = registry.declared_by(contract, event, position)
        if event["type"] == "person.forgotten":
            self._forgetting.add((event["source"], event["id"]))
        self._named |= {(item.kind, item.code): item for item in declared}
        self._admitted.add((event["source"], event["id"]))
        if event["type"] == "event.retracted":
            self._retracted.add((event["data"]["source"], event["data"]["id"]))
        self._added[event["subject"]] = self._added.get(event["subject"], 0) + 1
        if event["type"].startswith("organisation."):
            self.tree = self.tree.after(event["type"], event["data"])
            self._coverage.clear()
        if event["source"] not in self._sources:
            self._sources[event["source"]] = self.bound[event["source"]] = party.organisation
        return declared

    def _covered(self, party: Party, code: str) -> bool:
        """Whether an organisation lies in the sender's subtree today; asked again and again, so remembered."""
        if (party, code) not in self._coverage:
            self._coverage[party, code] = party.covers(self.tree, code, self._today)
        return self._coverage[party, code]

    def _needed(self, batch: list[tuple[Contract, Event]]) -> Iterable[registry.Reference]:
        for contract, event in batch:
            for name in (*contract.refers, *contract.declares):
                for code, _ in name.codes(event["data"]):
                    yield name.kind, code
            if contract.person is not None and "sealed" in event["data"]:
                yield "forgotten", event["data"][contract.person]
            if contract.of is not None:
                yield contract.of, event["data"][contract.of]

    def _check_sender(self, party: Party, contract: Contract, event: Event, errors: Errors) -> None:
        if party.role not in contract.senders:
            allowed = ", ".join(contract.senders)
            errors["type"] = [f"роль «{party.role}» не отправляет «{event['type']}»; отправляют: {allowed}"]
        owner = self._sources.get(event["source"], party.organisation)
        if owner != party.organisation:
            errors["source"] = [f"источник «{event['source']}» принадлежит другой организации"]

    def _check_names(self, party: Party, contract: Contract, event: Event, errors: Errors) -> None:
        for name in contract.refers:
            for code, path in name.codes(event["data"]):
                if not self._exists(name.kind, code):
                    _note(errors, f"data.{path}", f"{KINDS[name.kind]} (получено: «{code}»)")
                elif name is SCHOOL and (kind := self.tree.nodes[code].kind) != "school":
                    _note(errors, f"data.{path}", f"это не школа, а {WORDS[kind]} (получено: «{code}»)")
        for name in contract.declares:
            for code, path in name.codes(event["data"]):
                declared = self._named.get((name.kind, code))
                if name.unique and self._exists(name.kind, code):
                    reason = RESULT_EXISTS if name.kind == "result" else EXISTS
                    _note(errors, f"data.{path}", f"{reason} (получено: «{code}»)")
                elif not name.unique and declared is not None and not self._may_say_again(party, name, declared, event):
                    message = f"код занят организацией «{declared.owner}»: дайте другой (получено: «{code}»)"
                    _note(errors, f"data.{path}", message)

    def _exists(self, kind: str, code: str) -> bool:
        """Organisations exist by their registration; a renaming alone, left by a retraction, makes none."""
        return code in self.tree.nodes if kind == "organisation" else (kind, code) in self._named

    def _may_say_again(self, party: Party, name: Name, declared: registry.Declared, event: Event) -> bool:
        """A code that may be used again belongs to its first user; a code inside something goes with that.

        A mentorship is one school's: its release names no school, and would end one of two.
        """
        if name.kind == "mentorship" and declared.owner != event["subject"]:
            return False
        inside = len(name.path) > 1 or name.kind == "organisation"
        return inside or party.covers(self.tree, str(declared.owner), self._today)

    def _check_subtree(self, party: Party, contract: Contract, event: Event, errors: Errors) -> None:
        on = contract.fact_date(event)
        if event["type"] == "organisation.registered":
            self._check_registration(party, event, on, errors)
            return
        places = [("subject", event["subject"])]
        for name in contract.refers:
            if name.kind == "organisation" and name.path[-1] not in NOT_THE_SENDERS_OWN:
                places += [(f"data.{path}", code) for code, path in name.codes(event["data"])]
        for path, code in places:
            node = self.tree.nodes.get(code)
            if node is None:
                if path == "subject" and not errors:
                    _note(errors, path, f"{KINDS['organisation']} (получено: «{code}»)")
            elif not (self._covered(party, code) or party.covers(self.tree, code, on)):
                _note(
                    errors,
                    path,
                    f"организация вне подчинения отправителя «{party.organisation}» (получено: «{code}»)",
                )
            elif node.ended is not None and on >= node.ended and _needs_life(event["type"]):
                _note(errors, path, f"организация закрыта с {node.ended}, факт датирован {on} (получено: «{code}»)")

    def _check_registration(self, party: Party, event: Event, on: str, errors: Errors) -> None:
        data = event["data"]
        parent = data.get("parent")
        if parent is None and data["code"] == party.organisation:
            return
        if parent is None or (parent in self.tree.nodes and not party.covers(self.tree, parent, self._today, on)):
            _note(errors, "data.parent", f"вышестоящая организация вне подчинения отправителя «{party.organisation}»")

    def _check_more(self, party: Party, contract: Contract, event: Event, errors: Errors) -> None:
        """What can be asked only of an event whose names and places are in order."""
        match event["type"]:
            case "organisation.registered":
                self._check_parent(event, errors)
            case "organisation.moved":
                self._check_move(event, errors)
                self._check_parent(event, errors)
            case "recommendation.answered":
                recommendation = self._named["recommendation", event["data"]["recommendation"]]
                targets = (recommendation.detail or {}).get("organisations", [])
                self._check_target(event, targets, "не адресат рекомендации; адресаты", errors)
            case _ if contract.of is not None:
                self._check_owner(party, contract, event, errors)

    def _check_parent(self, event: Event, errors: Errors) -> None:
        """A school is a leaf: figures are summed at it of its own facts alone, so nobody stands below it."""
        parent = self.tree.nodes.get(event["data"].get("parent", ""))
        if parent is not None and parent.kind == "school":
            _note(errors, "data.parent", f"школа не может быть вышестоящей организацией (получено: «{parent.code}»)")

    def _check_move(self, event: Event, errors: Errors) -> None:
        """Nobody may come to stand below itself, on any date."""
        data, after = event["data"], self.tree.after(event["type"], event["data"])
        code, parent = data["code"], data["parent"]
        if any(after.within(str(after.nodes[code].parent(on)), code, on) for on in after.turns(code)):
            _note(errors, "data.parent", f"организация оказалась бы в подчинении у самой себя (получено: «{parent}»)")

    def _check_target(self, event: Event, targets: list[str], words: str, errors: Errors) -> None:
        organisation = event["data"]["organisation"]
        if organisation not in targets:
            _note(errors, "data.organisation", f"{words}: {', '.join(targets)} (получено: «{organisation}»)")

    def _check_owner(self, party: Party, contract: Contract, event: Event, errors: Errors) -> None:
        data = event["data"]
        kind = str(contract.of)
        thing = self._named[kind, data[kind]]
        owner, on = thing.owner or "", contract.fact_date(event)
        above = party.covers(self.tree, owner, self._today, on)
        below = contract.below and any(self.tree.within(party.organisation, owner, date) for date in (self._today, on))
        if not above and not below:
            message = f"принадлежит организации «{owner}», отправитель — «{party.organisation}»"
            _note(errors, f"data.{kind}", message)
        activity = self._named.get(("activity", f"{data.get('roadmap')}/{data.get('activity')}"))
        if contract.below and activity is not None and activity.detail is not None:
            targets = activity.detail["organisations"] or [owner]
            self._check_target(event, targets, "не исполнитель мероприятия; исполнители", errors)

    def _check_person(self, person: str, errors: Errors) -> None:
        if ("forgotten", person) in self._named:
            _note(errors, "data.personal", f"персональные данные уничтожены, новые не принимаются (лицо: «{person}»)")

    def _check_retraction(self, party: Party, event: Event, errors: Errors) -> None:
        data = event["data"]
        target = (data["source"], data["id"])
        found = log.find(self._connection, [target])
        if target not in self._admitted and not found:
            _note(errors, "data.id", f"такого события в журнале нет (получено: «{data['source']}», «{data['id']}»)")
            return
        forgetting = target in self._forgetting or any(
            recorded.event["type"] == "person.forgotten" for recorded in found.values()
        )
        if forgetting:
            _note(errors, "data.id", f"уничтожение персональных данных необратимо (получено: «{data['id']}»)")
        positions = [recorded.position for recorded in found.values()]
        if target in self._retracted or registry.undone(self._connection, positions):
            _note(errors, "data.id", f"событие уже отозвано (получено: «{data['id']}»)")
        known = self._sources | registry.owners_of_sources(self._connection, [data["source"]])
        sender = known[data["source"]]
        if party.role != "region" and sender != party.organisation:
            _note(errors, "data.source", "отозвать событие может его отправитель или регион")
        elif not party.covers(self.tree, sender, self._today):
            _note(errors, "data.source", "отправитель события вне подчинения")


def _needs_life(type_: str) -> bool:
    return type_ not in AFTER_CLOSING and not type_.startswith("organisation.")


def _note(errors: Errors, path: str, message: str) -> None:
    errors.setdefault(path, []).append(message)
