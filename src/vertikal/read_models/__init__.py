"""Every read model, the measures that they post, and the indicators that are made of these.

A module for each thing that facts are about: its read models, its measures, its indicators. All of it is arithmetic.
"""

from . import (
    agreements,
    assessments,
    claims,
    cohorts,
    contests,
    cycles,
    decisions,
    mentors,
    progress,
    recommendations,
    reporting,
    risks,
    roadmaps,
    staff,
    support,
    teachers,
)
from .indicator import Indicator
from .model import Measure, Model

NOUNS = (
    staff,
    cohorts,
    risks,
    roadmaps,
    teachers,
    assessments,
    progress,
    support,
    mentors,
    agreements,
    contests,
    claims,
    reporting,
    cycles,
    recommendations,
    decisions,
)
MODELS: tuple[Model, ...] = tuple(model for noun in NOUNS for model in noun.MODELS)
VERSIONS = ", ".join(sorted(model.stored_as for model in MODELS))
MEASURES: dict[str, Measure] = {measure.name: measure for model in MODELS for measure in model.posts}
INDICATORS: dict[str, Indicator] = {indicator.code: indicator for noun in NOUNS for indicator in noun.INDICATORS}
