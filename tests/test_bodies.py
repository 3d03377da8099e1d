"""Responsible bodies: lists are split, aliases are known ones, target groups and people are no bodies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vertikal.read_models.bodies import ALIASES, Alias, Aliases, named, split


def bodies(*responsible: str) -> list[str]:
    return [each.body for each in named(responsible)]


def kind(name: str) -> str:
    (found,) = named([name])
    return found.kind


SPLIT = {
    "РУО, ИМЦ; директора школ": ["РУО", "ИМЦ", "директора школ"],
    "Рабочая группа , УМЦ управления, методические советы РМО": [
        "Рабочая группа",
        "УМЦ управления",
        "методические советы РМО",
    ],
    "УОиМП, УМЦ управления,": ["УОиМП", "УМЦ управления"],
    "РУО\nИМЦ": ["РУО", "ИМЦ"],
    "Школы № 3, 5, 8": ["Школы № 3, 5, 8"],
    "Центр «Поиск, опыт, рост», ИМЦ": ["Центр «Поиск, опыт, рост»", "ИМЦ"],
    'Центр "Поиск, опыт", ИМЦ': ['Центр "Поиск, опыт"', "ИМЦ"],
    "Школы (сельские, городские); РУО": ["Школы (сельские, городские)", "РУО"],
    "Школы) и РУО, ИМЦ": ["Школы) и РУО", "ИМЦ"],
    "Управление образования и молодёжной политики": ["Управление образования и молодёжной политики"],
    " , ;": [],
    "": [],
}


@pytest.mark.parametrize("cell", SPLIT)
def test_a_cell_is_split_where_a_list_goes_on(cell: str) -> None:
    assert split(cell) == SPLIT[cell]


@pytest.mark.parametrize("name", ["рабочая группа", "Рабочая  группа.", "Муниципальная рабочая группа"])
def test_the_working_group_is_the_municipal_working_group(name: str) -> None:
    assert bodies(name) == ["Муниципальная рабочая группа"]


def test_an_alias_carries_how_sure_it_is() -> None:
    assert [each.confidence for each in named(["рабочая группа", "ИМЦ", "ГБОУ ДПО НИРО"])] == ["0.9", "1", "0.95"]


@pytest.mark.parametrize("form", ["", "ГОУ ", "ГБОУ ", "ГОУ ДПО ", "ГБОУ ДПО ", "гбоу дпо "])
def test_one_institute_stands_under_many_legal_forms(form: str) -> None:
    assert bodies(f"{form}НИРО") == ["НИРО"]
    assert bodies(f"{form}«Институт развития образования»") == ["«Институт развития образования»"]


def test_a_legal_form_before_anything_but_an_institute_is_part_of_the_name() -> None:
    assert bodies("ГБОУ «Школа № 5»") == ["ГБОУ «Школа № 5»"]
    assert bodies("ГБОУ ДПО") == ["ГБОУ ДПО"]


def test_two_institutes_are_not_one() -> None:
    assert bodies("ГБОУ ДПО НИРО", "ГОУ ДПО ТИРО") == ["НИРО", "ТИРО"]


def test_what_is_merely_alike_is_not_merged() -> None:
    alike = ["Рабочая группа школы", "ИМЦ", "ИМЦ «Альтернатива»", "РУО", "Управление образования"]
    assert bodies(*alike) == alike


def test_spellings_of_one_name_stand_once() -> None:
    assert bodies("школы -лидеры", "Школы – лидеры", "Школы-лидеры.") == ["Школы -лидеры"]


def test_a_body_is_named_once_by_its_alias_and_its_name() -> None:
    (found,) = named(["рабочая группа, муниципальная рабочая группа"])
    assert found.raw == "рабочая группа"


def test_and_others_is_no_part_of_a_name() -> None:
    assert bodies("ГБОУ ДПО НИРО и др.") == ["НИРО"]


@pytest.mark.parametrize(
    "name", ["6 команд ШНОР", "ШНОР", "школы", "ОО", "Школы с низкими результатами", "30 учителей", "команды школ"]
)
def test_those_whom_an_activity_is_for_are_a_target_group(name: str) -> None:
    assert kind(name) == "target_group"


@pytest.mark.parametrize(
    "name",
    ["Директор", "директора школ", "Заместитель директора по УВР", "Учителя-предметники", "Психолог", "Петрова А.А.",
     "А. А. Петрова", "учителя-консультанты опорных школ", "Руководители школ", "методист ИМЦ"],
)  # fmt: skip
def test_posts_and_people_are_people(name: str) -> None:
    assert kind(name) == "person"


@pytest.mark.parametrize(
    "name",
    ["РМО", "ГПО", "методсовет", "Проектная команда", "Управление образования", "Методический кабинет", "Школа-куратор",
     "Школы-лидеры", "методические советы РМО", "Совет директоров", "Педагогический совет", "Школа № 6"],
)  # fmt: skip
def test_all_others_are_bodies(name: str) -> None:
    assert kind(name) == "body"


def test_another_version_of_the_aliases_knows_other_names() -> None:
    known: Aliases = replace(
        ALIASES, version="2", aliases=(Alias("ОО", "Отдел образования", "0.5"), Alias("РУО", "УО"))
    )
    assert [each.body for each in named(["РУО", "рабочая группа"], known)] == ["УО", "Рабочая группа"]


def test_no_alias_leads_to_another_alias() -> None:
    for alias in ALIASES.aliases:
        assert bodies(alias.name) == [alias.body]
        assert bodies(alias.body) == [alias.body]
        assert 0 < float(alias.confidence) <= 1
