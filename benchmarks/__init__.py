"""Benchmarks: ``python -m benchmarks`` prints ratios against a reference timed in the same run."""
