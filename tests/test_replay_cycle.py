"""The history of a management cycle from one command: who knew, recommended and decided what, when."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Vertikal
from tests.readers import head
from tests.sayings import GORODETS
from tests.terminal import Terminal
from tests.test_cycles import ACTIVITY, adopt, answer, assess, decide, open_, plan, recommend, record, retract, tell
from tests.test_figures import staff
from vertikal.services import commands

FIGURE = {"indicator": "below_minimum", "organisation": "s1", "period": "2020/2021", "as_of": "2020-11-08",
          "known_at": 9, "numerator": 0, "denominator": 0}  # fmt: skip


@pytest.fixture
def history(vertical: Vertikal) -> list[int]:
    """The cycle cy of gorodets through its components, among other events; the positions of its history."""
    vertical.register("s4", "school", "gorodets")
    roadmap = {"roadmap": "other", "owner": "gorodets", "title": "ДК", "period": {"start": "2020-09-01",
                                                                                "end": "2021-08-31"}}  # fmt: skip
    vertical.send("roadmap.adopted", "gorodets", roadmap)
    plan(vertical)
    positions = [head(vertical)]

    def note(_: Any) -> None:
        positions.append(head(vertical))

    note(open_(vertical, "cy"))
    open_(vertical, "cz", of="chemal")
    note(tell(vertical, "goal.set", "2020-09-04", goal="g1", text="Снизить долю"))
    note(adopt(vertical, "visited", target={"value": "0.5", "comparator": ">=", "by": "2021-08-31"}))
    staff(vertical, "s1", 20)
    note(record(vertical, 5, 10))
    findings = [{"finding": "f1", "text": "Мало обученных", "figures": [FIGURE]}]
    note(tell(vertical, "analysis.published", "2020-11-08", analysis="an1", findings=findings))
    note(recommend(vertical, due="2021-02-01"))
    note(answer(vertical, "s1", "2021-01-10", "declined"))
    note(decide(vertical))
    mark = {**ACTIVITY, "organisation": "gorodets", "completed_on": "2021-03-01"}
    note(vertical.send("activity.completed", "gorodets", mark, actor="Иванова И. И."))
    note(assess(vertical))
    note(tell(vertical, "cycle.closed", "2021-08-05", next="cy2"))
    note(open_(vertical, "cy2", "2021-09-02"))
    tell(vertical, "goal.set", "2021-09-04", cycle="cy2", goal="g1", text="Ещё")
    return positions


def items(terminal: Terminal, *words: str, code: str = "cy") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = terminal.json("replay", "--cycle", code, *words)["items"]
    return found


def positions(terminal: Terminal, *words: str, code: str = "cy") -> list[int]:
    return [each["position"] for each in items(terminal, *words, code=code)]


def test_the_history_is_all_that_belongs_to_the_cycle_and_nothing_else(terminal: Terminal, history: list[int]) -> None:
    assert positions(terminal) == history


def test_each_line_tells_when_it_was_recorded_and_true_who_did_what_and_what_stands_behind(
    terminal: Terminal, vertical: Vertikal, history: list[int]
) -> None:
    lines = terminal.run("replay", "--cycle", "cy").stdout.splitlines()
    published = next(number for number, line in enumerate(lines) if "публикует анализ an1" in line)
    head_, *behind = lines[published : published + 3]
    assert head_.startswith(f"{history[5]} · записано 2020-09-01T")
    assert "факт 2020-11-08 · GORODETS (gorodets) · /regions/obr: публикует анализ an1" in head_
    assert behind == [
        "    вывод f1: Мало обученных",
        "        below_minimum · s1 · 2020/2021 · на 2020-11-08, известно на позицию 9: 0 / 0",
    ]
    for line in (
        "    метод: По картам; план >= 0.5, срок 2021-08-31",
        "    по выводу f1, срок 2021-02-01",
        "    План есть",
        "    по рекомендациям: r1; мероприятия: rm/a1",
        "    мероприятия: rm/a1",
    ):
        assert line in lines
    assert any("Иванова И. И.: отмечает мероприятие rm/a1 как выполненное" in line for line in lines)


def test_what_was_known_is_there_for_machines_too(terminal: Terminal, history: list[int]) -> None:
    (analysis,) = (each for each in items(terminal) if each["event"]["type"] == "analysis.published")
    assert (analysis["position"], analysis["date"], analysis["mark"]) == (history[5], "2020-11-08", "")
    assert analysis["event"]["data"]["findings"][0]["figures"] == [FIGURE]
    lines = terminal.run("replay", "--cycle", "cy", "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line)["position"] for line in lines] == history


@pytest.mark.parametrize("number", [6, 9, 13])
def test_the_history_as_it_stood_at_an_earlier_position(terminal: Terminal, history: list[int], number: int) -> None:
    """Up to the recommendation, the plan of the activity has nothing to do with the cycle."""
    until = history[number - 1]
    plan_ = history[:1] if number >= 9 else []
    assert positions(terminal, "--known-to", str(until)) == [*plan_, *history[1:number]]


def test_other_options_narrow_the_history(terminal: Terminal, history: list[int]) -> None:
    assert positions(terminal, "--type", "recommendation.answered") == [history[7]]
    assert positions(terminal, "--organisation", "s1") == [history[7]]
    assert positions(terminal, "--actor", "Иванова И. И.") == [history[9]]
    assert positions(terminal, "--known-from", str(history[-2])) == [history[-1]]


def test_what_was_taken_back_stays_and_the_retraction_is_told(
    terminal: Terminal, vertical: Vertikal, history: list[int]
) -> None:
    (analysis,) = (each["event"]["id"] for each in items(terminal) if each["event"]["type"] == "analysis.published")
    by = retract(vertical, analysis)
    again = retract(vertical, f"e{vertical._ids}")
    assert positions(terminal) == [*history, by, again]
    assert positions(terminal, "--known-to", str(by)) == [*history, by]
    marked = {each["position"]: each["mark"] for each in items(terminal, "--known-to", str(by)) if each["mark"]}
    assert marked == {history[5]: f"отозвано: позиция {by}"}


def test_the_next_cycle_tells_what_the_one_before_brought(
    terminal: Terminal, vertical: Vertikal, history: list[int]
) -> None:
    assert positions(terminal, code="cy2") == [*history[10:13], history[12] + 1]


def test_a_decision_of_another_cycle_on_its_recommendation_belongs_to_it(
    terminal: Terminal, vertical: Vertikal, history: list[int]
) -> None:
    decide(vertical, cycle="cy2", decision="d2")
    assert positions(terminal)[-1] == head(vertical)


def test_the_proposal_that_led_to_a_step_is_part_of_the_history(
    terminal: Terminal, vertical: Vertikal, history: list[int]
) -> None:
    named = {"proposal": "p1", "rule": "overdue", "version": 1, "organisation": "gorodets"}
    late = vertical.send("proposal.declined", "gorodets", {**named, "reason": "позже"})
    adopted = vertical.send("proposal.adopted", "gorodets", {**named, "event": "of-p1"}, id="p1-adopted")
    step = tell_(vertical, "of-p1", causationid="p1-adopted")
    linked = vertical.send("proposal.adopted", "gorodets", {**named, "proposal": "p2", "event": "of-p2"})
    other = tell_(vertical, "of-p2")
    vertical.send("proposal.adopted", "gorodets", {**named, "proposal": "p3", "event": "elsewhere"})
    assert positions(terminal)[len(history) :] == [late, adopted, step, linked, other]


def tell_(vertical: Vertikal, id_: str, **more: str) -> int:
    data = {"cycle": "cy", "goal": id_, "text": "Ещё"}
    return vertical.send("goal.set", "gorodets", data, id=id_, **more)


def test_a_person_s_steps_are_told_by_the_person(terminal: Terminal, vertical: Vertikal) -> None:
    open_(vertical, "cy")
    data = {"cycle": "cy", "goal": "g1", "text": "Обучить"}
    moment = vertical.clock().astimezone(vertical.settings.timezone)
    event = commands.envelope(GORODETS, "goal.set", "gorodets", data, moment, actor="Петрова П. П.")
    vertical.accept(event, party=GORODETS)
    assert "Петрова П. П.: ставит цель g1: Обучить" in terminal.run("replay", "--cycle", "cy").stdout


def test_1_a_cycle_that_was_never_opened(terminal: Terminal, vertical: Vertikal, history: list[int]) -> None:
    for code in ("none", "cy2"):
        refused = terminal.run("replay", "--cycle", code, "--known-to", str(history[10]), code=1)
        assert f"управленческий цикл «{code}» не найден" in refused.stderr


def test_2_json_of_a_history_goes_to_the_terminal(terminal: Terminal, history: list[int]) -> None:
    terminal.run("replay", "--cycle", "cy", "--json", "--format", "ndjson", code=2)
    terminal.run("replay", "--actor", "x", "--json", code=2)


def test_75_events_that_the_read_models_do_not_know_yet(
    terminal: Terminal, vertical: Vertikal, history: list[int]
) -> None:
    vertical.submit(vertical.event("goal.set", "gorodets", {"cycle": "cy", "goal": "g9", "text": "Ещё"}))
    printed = terminal.run("replay", "--cycle", "cy")
    assert "ещё не учтены" in printed.stderr
    assert "цель g9" not in printed.stdout
    last = json.loads(terminal.run("replay", "--format", "ndjson").stdout.splitlines()[-1])["position"]
    terminal.run("replay", "--cycle", "cy", "--known-to", str(last), code=75)
