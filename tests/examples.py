"""One valid event of every type of the catalogue, with all its optional fields but ``personal``."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from vertikal.contracts.catalogue import CATALOGUE

Data = dict[str, Any]

ACT = {"number": "214-д", "date": "2020-08-28"}
AMOUNT = {"text": "не менее 12 человек", "value": 12, "unit": "teachers", "numerator": "9", "denominator": "12.5"}
FIGURE = {
    "indicator": "trained_teachers",
    "organisation": "gorodets",
    "period": "2020/2021",
    "as_of": "2021-06-01",
    "known_at": 17,
    "numerator": 9,
    "denominator": "12",
}
PERIOD = {"start": "2020-09-01", "end": "2021-05-31"}
TIMING = {"raw": "ежемесячно", "kind": "recurring", "start": "2020-09-01", "end": "2021-05-31", "every": "P1M"}
RESULT = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
SCORES = {"participants": 20, "marks": {"2": 6, "3": 8, "4": 4, "5": 2}, "below_minimum": 6}
ACTIVITY = {"roadmap": "rm", "activity": "a1"}
MARK = {**ACTIVITY, "organisation": "s1"}

EXAMPLES: dict[str, Data] = {
    "organisation.registered": {
        "code": "s7",
        "kind": "school",
        "name": "МБОУ СШ № 7",
        "parent": "gorodets",
        "valid_from": "2019-09-01",
        "identifiers": {"oktmo": "22628101", "inn": "5248010000", "fis_oko_login": "edu527", "exam_code": "007"},
    },
    "organisation.renamed": {"code": "s1", "name": "МБОУ «Гимназия № 1»", "valid_from": "2021-01-01"},
    "organisation.moved": {"code": "s1", "parent": "chemal", "valid_from": "2021-01-01"},
    "organisation.merged": {"codes": ["s2"], "into": "s1", "valid_from": "2022-09-01", "act": "№ 5 от 01.07.2022"},
    "organisation.closed": {"code": "s2", "valid_from": "2022-09-01", "reason": "реорганизация"},
    "staff.reported": {
        "organisation": "s1",
        "on": "2020-09-20",
        "teachers": 30,
        "managers": 3,
        "positions": "34.5",
        "positions_filled": "33",
    },
    "cohort.defined": {
        "cohort": "shnor-2020",
        "title": "ШНОР 2020",
        "kind": "shnor",
        "owner": "gorodets",
        "period": PERIOD,
    },
    "school.included": {"cohort": "shnor-2020", "school": "s1", "from": "2020-09-01", "basis": "приказ № 12"},
    "school.excluded": {"cohort": "shnor-2020", "school": "s1", "to": "2021-06-01", "basis": "выход по итогам года"},
    "risk.assessed": {
        "school": "s1",
        "factor": "teachers_lacking",
        "significance": "high",
        "on": "2020-10-01",
        "activated": True,
    },
    "roadmap.adopted": {
        "roadmap": "rm",
        "owner": "gorodets",
        "title": "Дорожная карта",
        "period": PERIOD,
        "act": ACT,
        "cohort": "shnor-2020",
    },
    "activity.planned": {
        **ACTIVITY,
        "number": "1.1",
        "title": "Обучение команд школ",
        "section": "1. Кадры",
        "timing": TIMING,
        "responsible": ["ИМЦ"],
        "expected": {**AMOUNT, "comparator": ">="},
        "organisations": ["s1", "s2"],
    },
    "activity.rescheduled": {**ACTIVITY, "timing": TIMING, "reason": "карантин"},
    "activity.started": {**MARK, "on": "2020-10-01"},
    "activity.completed": {
        **MARK,
        "completed_on": "2020-12-18",
        "result": AMOUNT,
        "evidence": [{"kind": "order", "reference": "№ 5", "sha256": "0" * 64}],
    },
    "activity.partly_completed": {**MARK, "on": "2020-12-18", "done": "обучено 9", "missing": "обучить 3"},
    "activity.not_held": {**MARK, "on": "2020-12-18", "organised": False, "reason": ""},
    "activity.cancelled": {**ACTIVITY, "on": "2020-12-18", "reason": "исключено приказом"},
    "course.finished": {
        "person": "p-51f0",
        "role": "manager",
        "organisation": "s1",
        "programme": "Эффективный режим школы",
        "provider": "niro",
        "hours": 72,
        "subject": "management",
        "finished_on": "2020-12-18",
    },
    "courses.reported": {
        "report": "r1",
        "organisation": "gorodets",
        "role": "teacher",
        "people": 64,
        "period": PERIOD,
        "programme": "Функциональная грамотность",
        "subject": "math",
    },
    "competence.assessed": {
        "assessment": "c1",
        "organisation": "s1",
        "people": 12,
        "kind": "method",
        "subject": "math",
        "on": "2020-11-10",
        "deficits": ["оценивание"],
        "person": "p-51f0",
    },
    "support.provided": {
        "support": "sup1",
        "kind": "seminar",
        "level": "municipality",
        "organisations": ["s1", "s2"],
        "held_on": "2020-11-10",
        "times": 2,
        "participants": 25,
        "subject": "math",
    },
    "mentor.assigned": {
        "mentorship": "m1",
        "school": "s1",
        "mentor": "p-77aa",
        "kind": "curator",
        "from": "2020-09-15",
    },
    "mentor.released": {"mentorship": "m1", "to": "2021-06-01"},
    "agreement.signed": {
        "agreement": "ag1",
        "school": "s1",
        "partner": "Лицей № 2",
        "from": "2020-09-15",
        "to": "2021-05-31",
        "act": "№ 7",
    },
    "contest.entered": {
        "entry": "en1",
        "organisation": "s1",
        "contest": "Учитель года",
        "level": "municipal",
        "people": 2,
        "on": "2021-02-01",
    },
    "assessment.imported": {**RESULT, "held_on": "2021-04-10", **SCORES, "file": "vpr.xlsx", "observed": "да"},
    "assessment.corrected": {**RESULT, **SCORES, "reason": "appeal"},
    "assessment.withdrawn": {**RESULT, "reason": "нарушения процедуры"},
    "cycle.opened": {"cycle": "cy", "organisation": "gorodets", "direction": "shnor", "period": PERIOD},
    "cycle.closed": {"cycle": "cy", "next": "cy-2"},
    "goal.set": {"cycle": "cy", "goal": "g1", "text": "Снизить долю ШНОР", "basis": "аудит"},
    "indicator.adopted": {
        "cycle": "cy",
        "goal": "g1",
        "indicator": "trained_teachers",
        "method": "по событиям",
        "target": {"value": "0.75", "comparator": ">=", "by": "2021"},
    },
    "monitoring.recorded": {
        "cycle": "cy",
        "indicator": "own_index",
        "organisation": "s1",
        "on": "2021-01-15",
        "numerator": "-3.25",
        "denominator": 10,
        "origin": "опрос",
    },
    "analysis.published": {
        "cycle": "cy",
        "analysis": "an1",
        "findings": [{"finding": "f1", "text": "Мало обученных", "figures": [FIGURE]}],
    },
    "recommendation.issued": {
        "cycle": "cy",
        "recommendation": "rec1",
        "finding": "f1",
        "addressees": ["s1"],
        "text": "Обучить",
        "due": "2021-09-01",
    },
    "recommendation.answered": {"recommendation": "rec1", "organisation": "s1", "answer": "accepted", "text": ""},
    "decision.taken": {
        "cycle": "cy",
        "decision": "d1",
        "recommendations": ["rec1"],
        "act": ACT,
        "text": "Утвердить план",
        "activities": [ACTIVITY],
    },
    "effectiveness.assessed": {
        "cycle": "cy",
        "effectiveness": "ef1",
        "activities": [ACTIVITY],
        "outcome": "partly",
        "text": "Доля выросла",
        "figures": [{**FIGURE, "known_at": "2021-06-01T10:00:00.5+03:00"}],
    },
    "proposal.adopted": {
        "proposal": "pr1",
        "rule": "overdue",
        "version": 1,
        "organisation": "s1",
        "event": "e17",
    },
    "proposal.declined": {
        "proposal": "pr1",
        "rule": "overdue",
        "version": "2021a",
        "organisation": "s1",
        "reason": "нет оснований",
    },
    "reporting.expected": {
        "expectation": "ex1",
        "organisations": ["s1", "s2"],
        "type": "staff.reported",
        "period": PERIOD,
        "due": "2020-10-05",
    },
    "claim.made": {
        "claim": "cl1",
        "organisation": "gorodets",
        "text": "Всё выполнено",
        "about": {"roadmap": "rm", "cycle": "cy", "cohort": "shnor-2020", "indicator": "roadmap_done"},
        "counted": 12,
        "on": "2021-06-01",
    },
    "event.retracted": {"source": "/regions/obr", "id": "e1", "reason": "ошибка ввода"},
    "person.forgotten": {"person": "p-51f0", "reason": "заявление"},
}


def data_of(type_: str, **more: Any) -> Data:
    """The example data of a type, ``more`` replacing fields."""
    return {**deepcopy(EXAMPLES[type_]), **more}


def example(type_: str, **more: Any) -> dict[str, Any]:
    """A valid event with every attribute of the envelope, ``more`` replacing attributes."""
    contract = CATALOGUE.newest[type_]
    data = more.pop("data", None) or data_of(type_)
    return {
        "specversion": "1.0",
        "id": "7b0e",
        "source": "/regions/obr",
        "type": type_,
        "time": "2020-12-18T15:00:00+03:00",
        "subject": data.get(contract.subject or "", "gorodets"),
        "dataschema": contract.path,
        "datacontenttype": "application/json",
        "actor": "Иванова",
        "causationid": "7b0d",
        "correlationid": "7b0c",
        "expectedversion": 0,
        "data": data,
        **more,
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside ``value``."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(value[key], (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value
