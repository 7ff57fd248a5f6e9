"""Tests on a real Slurm, which they start and stop themselves."""
