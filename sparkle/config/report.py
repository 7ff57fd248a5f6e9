"""What the report shows, as a pydantic model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt

from sparkle.config.base import Closed


class ReportConfig(Closed):
    """What the report shows. No influence on results."""

    answers: NonNegativeInt = 20000
    """Answers of all models that the page holds to be looked at; more make it slower to open."""
    cost_per_gpu_hour: Annotated[float, Field(ge=0)] | None = None
    """Price of a GPU hour; without one the report tells GPU hours, but no cost."""
    currency: str = "USD"
    """What the price is in."""
