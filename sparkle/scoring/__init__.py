"""Scoring: raw answers -> verdicts per sample -> one matrix of metrics."""
