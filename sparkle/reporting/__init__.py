"""Figures and the HTML report, made from the result tables alone."""

from sparkle.reporting.figures import write_figures
from sparkle.reporting.material import read_material
from sparkle.reporting.report import write_report

__all__ = ["read_material", "write_figures", "write_report"]
