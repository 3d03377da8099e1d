"""Every read model, and the measures that they post."""

from . import assessments, roadmaps, staff, teachers
from .model import Measure, Model

MODELS: tuple[Model, ...] = (*staff.MODELS, *roadmaps.MODELS, *teachers.MODELS, *assessments.MODELS)
VERSIONS = ", ".join(sorted(model.stored_as for model in MODELS))
MEASURES: dict[str, Measure] = {measure.name: measure for model in MODELS for measure in model.posts}
