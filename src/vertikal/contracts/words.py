"""What each type of event says, as a Russian verb phrase: whoever sent it «отзывает событие …».

Phrases use required fields only. ``{role:word}`` stands for a word of a closed list in Russian, ``{codes}`` for the
items of a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

ACTIVITY = "мероприятие {roadmap}/{activity}"
RESULT = "{procedure:word}, {subject}, {grade} класс, {year}"

PHRASES = {
    "organisation.registered": "регистрирует организацию «{name}» ({code}, {kind:word})",
    "organisation.renamed": "переименовывает организацию {code} в «{name}»",
    "organisation.moved": "передаёт организацию {code} в подчинение {parent}",
    "organisation.merged": "присоединяет {codes} к {into}",
    "organisation.closed": "закрывает организацию {code}",
    "staff.reported": "сообщает о кадрах: педагогов {teachers}, руководителей {managers}",
    "cohort.defined": "определяет группу школ {cohort} «{title}»",
    "school.included": "включает школу {school} в группу {cohort}",
    "school.excluded": "исключает школу {school} из группы {cohort}",
    "risk.assessed": "оценивает фактор риска школы {school} «{factor}»: значимость {significance:word}",
    "roadmap.adopted": "утверждает дорожную карту {roadmap} «{title}»",
    "activity.planned": "планирует " + ACTIVITY + " «{title}», срок «{timing[raw]}»",
    "activity.rescheduled": "переносит " + ACTIVITY + " на срок «{timing[raw]}»",
    "activity.started": "отмечает " + ACTIVITY + " как начатое",
    "activity.completed": "отмечает " + ACTIVITY + " как выполненное",
    "activity.partly_completed": "отмечает " + ACTIVITY + " как выполненное частично: сделано «{done}», "
    "осталось «{missing}»",
    "activity.not_held": "отмечает " + ACTIVITY + " как не проведённое ({organised:word})",
    "activity.cancelled": "отменяет " + ACTIVITY + ": {reason}",
    "course.finished": "сообщает о пройденном курсе «{programme}» ({role:word} {person}, часов: {hours})",
    "courses.reported": "сообщает числом о прошедших курсы ({role:word}): {people}",
    "competence.assessed": "сообщает об оценке компетенций ({kind:word}), человек: {people}",
    "support.provided": "сообщает о поддержке ({kind:word}, уровень: {level:word}) для {organisations}",
    "mentor.assigned": "назначает школе {school} {mentor} ({kind:word})",
    "mentor.released": "прекращает наставничество {mentorship}",
    "agreement.signed": "сообщает о договоре {agreement} школы {school} с «{partner}»",
    "contest.entered": "сообщает об участии в конкурсе «{contest}», человек: {people}",
    "assessment.imported": "загружает результаты (" + RESULT + "): участников {participants}, "
    "ниже минимума {below_minimum}",
    "assessment.corrected": "исправляет результаты (" + RESULT + "): участников {participants}, "
    "ниже минимума {below_minimum}; {reason:word}",
    "assessment.withdrawn": "отменяет результаты (" + RESULT + "): {reason}",
    "cycle.opened": "открывает управленческий цикл {cycle} ({direction})",
    "cycle.closed": "закрывает управленческий цикл {cycle}",
    "goal.set": "ставит цель {goal}: {text}",
    "indicator.adopted": "принимает показатель {indicator} для цели {goal}",
    "monitoring.recorded": "записывает значение показателя {indicator}: {numerator} / {denominator}",
    "analysis.published": "публикует анализ {analysis}",
    "recommendation.issued": "даёт рекомендацию {recommendation} для {addressees}: {text}",
    "recommendation.answered": "отвечает на рекомендацию {recommendation}: {answer:word}",
    "decision.taken": "принимает решение {decision} (акт {act[number]} от {act[date]}): {text}",
    "effectiveness.assessed": "оценивает меры ({outcome:word}): {text}",
    "proposal.adopted": "принимает предложение {proposal} по правилу {rule} (версия {version})",
    "proposal.declined": "отклоняет предложение {proposal} по правилу {rule} (версия {version}): {reason}",
    "reporting.expected": "ожидает сведения {type} от {organisations} к {due}",
    "claim.made": "утверждает: {text}",
    "event.retracted": "отзывает событие {id} от {source}: {reason}",
    "person.forgotten": "уничтожает персональные данные {person}: {reason}",
}

WORDS = {
    "region": "регион", "municipality": "муниципалитет", "school": "школа", "institute": "институт", "centre": "центр",
    "low": "низкая", "medium": "средняя", "high": "высокая",
    "teacher": "педагог", "manager": "руководитель",
    "subject": "предметные", "method": "методические", "metasubject": "метапредметные", "ict": "ИКТ",
    "consultation": "консультация", "seminar": "семинар", "webinar": "вебинар", "masterclass": "мастер-класс",
    "visit": "выезд", "roundtable": "круглый стол", "internship": "стажировка",
    "curator": "куратор", "mentor": "наставник", "leader_school": "школа-лидер", "consultant": "консультант",
    "vpr": "ВПР", "oge": "ОГЭ", "ege": "ЕГЭ", "diagnostic": "диагностика",
    "appeal": "апелляция", "recheck": "перепроверка", "error": "ошибка",
    "accepted": "принята", "declined": "отклонена",
    "effective": "эффективны", "partly": "эффективны частично", "ineffective": "неэффективны",
    True: "организовано", False: "не организовано",
}  # fmt: skip


def phrase(type_: str, data: Mapping[str, Any]) -> str:
    """What an event of the newest version of its type says, in words; texts of its data stand as they were sent."""
    return _FORMATTER.vformat(PHRASES[type_], (), data)


class _Words(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "word":
            return WORDS[value]
        return ", ".join(value) if isinstance(value, list) else str(value)


_FORMATTER = _Words()
