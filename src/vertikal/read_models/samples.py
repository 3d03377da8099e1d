"""How much a share of so many participants tells. The bounds are data of a methodology, with a version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Samples:
    """From how many participants on a share is informative, or rough; with fewer it is limited."""

    version: str
    source: str
    informative: int
    rough: int

    def note(self, participants: int | None) -> str | None:
        """None where there is no data."""
        if not participants:
            return None
        return (
            "informative" if participants >= self.informative else "rough" if participants >= self.rough else "limited"
        )


# The recommendations leave 31 to 49 open: rough here, as they are not yet informative.
SAMPLES = Samples(
    version="1",
    source="Методика анализа результатов оценочных процедур: от 50 участников данные информативны, 20–30 — "
    "приблизительны, менее 20 — ограниченны",
    informative=50,
    rough=20,
)
