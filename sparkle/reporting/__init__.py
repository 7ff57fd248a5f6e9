"""Figures and the HTML report, made from the result tables alone."""

from sparkle.reporting.figures import write_figures
from sparkle.reporting.report import write_report

__all__ = ["write_figures", "write_report"]
