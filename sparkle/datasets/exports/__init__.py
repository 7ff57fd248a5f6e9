"""Exports: a merged dataset in the forms that other tools take."""

from sparkle.datasets.exports.export import FORMATS, export_dataset

__all__ = ["FORMATS", "export_dataset"]
