"""The lists of factors that a school's risk profile is made of (project «500+»): configuration, by version.

A list is in force from its first year on, until the next one is. A new list is a new entry of ``LISTS``; one that was
in force is never edited. A factor that stays keeps its code. Who adds a list counts the ``version`` of the model
``risks`` up, since its states hold the codes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Factor:
    code: str
    title: str

    def is_called(self, name: str) -> bool:
        """Whether ``name`` is its code, or its title in any case, with «ё» or «е»."""
        return name == self.code or _plain(name) == _plain(self.title)


@dataclass(frozen=True)
class FactorList:
    """``since``: the first year in which it is in force; ``source``: where it comes from, in words."""

    version: str
    since: int
    source: str
    factors: tuple[Factor, ...]


LISTS = (
    FactorList(
        "2021",
        2021,
        "Проект адресной методической помощи школам «500+» (ФИОКО), рисковый профиль школы 2021 года: десять факторов "
        "по открытым описаниям проекта, с официальным документом не сверены",
        (
            Factor("equipment_low", "Низкий уровень оснащения школы"),
            Factor("teachers_lacking", "Дефицит педагогических кадров"),
            Factor(
                "competence_insufficient",
                "Недостаточная предметная и методическая компетентность педагогических работников",
            ),
            Factor("special_needs_many", "Высокая доля обучающихся с ОВЗ"),
            Factor("barriers_high", "Низкое качество преодоления языковых и культурных барьеров"),
            Factor("motivation_low", "Низкая учебная мотивация обучающихся"),
            Factor("wellbeing_low", "Пониженный уровень школьного благополучия"),
            Factor("discipline_low", "Низкий уровень дисциплины в классе"),
            Factor("failing_many", "Высокая доля обучающихся с рисками учебной неуспешности"),
            Factor("parents_distant", "Низкий уровень вовлечённости родителей"),
        ),
    ),
)


def in_force(on: str) -> FactorList | None:
    """The list of a date; None before the first."""
    return next((each for each in reversed(LISTS) if each.since <= int(on[:4])), None)


def find(name: str, on: str) -> Factor | None:
    """The factor that is called so, by the list of a date."""
    listed = in_force(on)
    return next((each for each in listed.factors if each.is_called(name)), None) if listed else None


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("ё", "е").split())
