"""Benchmarks: ``python -m benchmarks`` prints ratios against a reference timed in the same run.

One module per group, with a function ``main()``; the groups are those listed in ``__main__``.
"""
