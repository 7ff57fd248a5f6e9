"""External benchmarks: readers of files that users have, and judges of the answers."""
