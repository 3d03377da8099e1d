"""The steps of a management cycle on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Vertikal
from tests.readers import head
from tests.terminal import Terminal
from tests.test_figures import result
from vertikal.services import projector

GORODETS = ("--as", "gorodets", "--role", "municipality")
OPENED = ("--direction", "Поддержка школ", "--period", "2020/2021", *GORODETS)
FINDINGS = {"findings": [{"text": "Мало обученных", "figures": []}]}
YEAR = {"start": "2020-09-01", "end": "2021-08-31"}


@pytest.fixture
def cycle(vertical: Vertikal, terminal: Terminal) -> Terminal:
    """The command line with the open cycle cy of gorodets, whose plan has one activity."""
    vertical.send("roadmap.adopted", "gorodets", {"roadmap": "rm", "owner": "gorodets", "title": "ДК", "period": YEAR})
    plan = {"roadmap": "rm", "activity": "a1", "number": "1", "title": "М", "timing": {"raw": "", "kind": "missing"}}
    vertical.send("activity.planned", "gorodets", plan | {"responsible": []})
    terminal.run("cycle", "open", "cy", *OPENED)
    return terminal


def said(terminal: Terminal, *words: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = terminal.json("cycle", *words, *GORODETS, **more)["event"]["data"]
    return found


def test_a_whole_cycle_is_led_on_the_command_line(cycle: Terminal, vertical: Vertikal) -> None:
    assert said(cycle, "goal", "cy", "--text", "Обучить") == {"cycle": "cy", "goal": "goal-1", "text": "Обучить"}
    adopted = ("--goal", "goal-1", "--indicator", "visited", "--method", "Карты", "--target", ">=0.5", "--by", "2021")
    assert said(cycle, "adopt", "cy", *adopted)["target"] == {"comparator": ">=", "value": "0.5", "by": "2021"}
    recorded = ("--indicator", "visited", "--on", "2020-09-01", "--numerator", "5", "--denominator", "9.5")
    value = said(cycle, "monitor", "cy", *recorded, "--origin", "Карты")
    assert [value[name] for name in ("organisation", "numerator", "denominator")] == ["gorodets", 5, "9.5"]
    assert said(cycle, "publish", "cy", "-", sent=json.dumps(FINDINGS))["findings"][0]["finding"] == "1"
    issued = said(cycle, "recommend", "cy", "--finding", "1", "--to", "s1", "--to", "s2", "--text", "Обучить")
    assert (issued["recommendation"], issued["addressees"]) == ("cy-rec-1", ["s1", "s2"])
    answer = ("--answer", "declined", "--as", "s1", "--role", "school", "--text", "Уже обучены")
    assert cycle.json("cycle", "answer", "cy-rec-1", *answer)["event"]["subject"] == "s1"
    act = ("--act-number", "17", "--act-date", "2020-09-02", "--activity", "rm/a1")
    decided = said(cycle, "decide", "cy", "--recommendation", "cy-rec-1", *act, "--text", "Помочь")
    assert (decided["act"], decided["decision"]) == ({"number": "17", "date": "2020-09-02"}, "decision-1")
    assessed = said(cycle, "assess", "cy", "--activity", "rm/a1", "--outcome", "partly", "--text", "Доля выросла")
    assert assessed["activities"] == [{"roadmap": "rm", "activity": "a1"}]
    assert said(cycle, "close", "cy") == {"cycle": "cy"}
    projector.catch_up(vertical.engine)
    assert "закрыт" in cycle.run("cycle", "cy").stdout
    assert cycle.run("cycle", "show", "cy").stdout == cycle.run("cycle", "cy").stdout


def test_what_was_written_is_told_in_words(cycle: Terminal, vertical: Vertikal) -> None:
    printed = cycle.run("cycle", "goal", "cy", "--text", "Обучить\x1b[2J", "--actor", "Иванова", *GORODETS).stdout
    assert printed == f"записано: {head(vertical)} · gorodets · ставит цель goal-1: Обучить\\x1b[2J\n"


def test_the_same_id_again_adds_nothing(cycle: Terminal, vertical: Vertikal) -> None:
    words = ("cycle", "goal", "cy", "--text", "Обучить", "--id", "k1", *GORODETS)
    cycle.run(*words)
    before = head(vertical)
    assert cycle.run(*words).stdout.startswith(f"уже было записано: {before}")
    assert head(vertical) == before


def test_a_dry_run_writes_nothing(cycle: Terminal, vertical: Vertikal) -> None:
    before = head(vertical)
    assert "ничего не записано" in cycle.run("cycle", "close", "cy", "--dry-run", *GORODETS).stdout
    assert head(vertical) == before


def test_1_who_had_not_seen_the_last_events_is_shown_them(cycle: Terminal, vertical: Vertikal) -> None:
    seen = str(head(vertical))
    cycle.run("cycle", "goal", "cy", "--text", "Обучить", "--actor", "Петров П. П.", *GORODETS)
    refused = cycle.run("cycle", "goal", "cy", "--text", "Помочь", "--seen", seen, *GORODETS, code=1)
    assert f"{head(vertical)} · goal.set · Петров П. П.: ставит цель goal-1: Обучить" in refused.stderr
    cycle.run("cycle", "goal", "cy", "--text", "Помочь", "--seen", str(head(vertical)), *GORODETS)


def test_1_a_refusal_names_the_field(cycle: Terminal) -> None:
    refused = cycle.run("cycle", "adopt", "cy", "--goal", "g", "--indicator", "i", "--method", "м", *GORODETS, code=1)
    assert "data.goal: цель не найдена" in refused.stderr
    assert "управленческий цикл не найден" in cycle.run("cycle", "close", "none", *GORODETS, code=1).stderr
    assert "не JSON" in cycle.run("cycle", "publish", "cy", "-", *GORODETS, code=1, sent="{").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("close", "cy"),
        ("close", "cy", "--as", "gorodets"),
        ("goal", "cy", *GORODETS),
        ("open", "cz", "--direction", "Д", "--period", "весна", *GORODETS),
        ("adopt", "cy", "--goal", "g", "--indicator", "i", "--method", "м", "--target", "много", *GORODETS),
        ("assess", "cy", "--activity", "rm", "--outcome", "partly", "--text", "т", *GORODETS),
        ("assess", "cy", "--activity", "rm/a1", "--outcome", "so-so", "--text", "т", *GORODETS),
        ("close", "cy", "--seen", "-1", *GORODETS),
    ],
)
def test_2_an_option_that_is_missing_or_cannot_be_read(cycle: Terminal, vertical: Vertikal, words: tuple[str]) -> None:
    before = head(vertical)
    cycle.run("cycle", *words, code=2)
    assert head(vertical) == before


def test_a_token_speaks_for_its_organisation(cycle: Terminal, vertical: Vertikal) -> None:
    token = vertical.token("gorodets", "municipality")
    assert cycle.json("cycle", "close", "cy", VERTIKAL_TOKEN=token)["event"]["source"] == "/vertikal/gorodets"


def test_a_draft_goes_from_one_command_into_the_other(cycle: Terminal, vertical: Vertikal, tmp_path: Path) -> None:
    for code, below in (("s1", 5), ("s2", 9)):
        result(vertical, code, 20, below)
    printed = cycle.run("cycle", "draft", "cy", "--json").stdout
    projector.catch_up(vertical.engine)
    shown = cycle.run("cycle", "draft", "cy").stdout
    assert "1 [лучшие и худшие] Доля участников ниже минимального порога по школам: хуже всего — S2: 45 %" in shown
    assert "below_minimum · s2 · 2020/2021" in shown
    file = tmp_path / "draft.json"
    file.write_text(printed)
    assert said(cycle, "publish", "cy", str(file)) == json.loads(printed)["analysis"]


def test_a_draft_without_data_says_so(cycle: Terminal, vertical: Vertikal) -> None:
    projector.catch_up(vertical.engine)
    assert "выводов нет" in cycle.run("cycle", "draft", "cy").stdout


def test_figures_of_an_assessment_come_from_a_file(cycle: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    file.write_text("[]")
    words = ("assess", "cy", "--activity", "rm/a1", "--outcome", "partly", "--text", "т", "--figures")
    assert said(cycle, *words, str(file))["figures"] == []
    cycle.run("cycle", *words, str(tmp_path / "none.json"), *GORODETS, code=2)
