"""Config of evaluation sets that are read from the files of a benchmark."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from sparkle.config.base import Closed

BenchmarkForm = Literal["choice", "yes_no", "words", "text"]


class BenchmarkSetConfig(Closed):
    """One evaluation set from files that you have downloaded, or made yourself."""

    benchmark: str
    """Name of a benchmark, see `sparkle benchmarks`."""
    path: str
    """Folder of its files, absolute or relative to where Snakemake is started."""
    file: str | None = None
    """File of the questions inside `path`; by default as the benchmark publishes it."""
    images: str | None = None
    """Folder of the images inside `path`; by default as the benchmark publishes it."""
    rows: PositiveInt | None = None
    """Rows that the file must have; by default the published number, where there is one."""
    form: BenchmarkForm | None = None
    """`choice`: letters, answer in \\boxed{}. `yes_no`: is this caption right. `words`: the word
    in the gap. `text`: free text. By default the first form that the benchmark has."""
    words: Literal[4, 6] = 4
    """Form `words` of What's Up: offer the four words of the set, or all six."""
    shuffle_options: bool = True
    """Shuffle the options, each place being right equally often; false = as in the file, where
    the right caption comes first: only for a check of position bias."""
    circular: bool = False
    """Form `choice`: ask once per rotation of the options. An item counts as right in
    `item_accuracy` when all its rotations are."""
    correct_labels: bool = False
    """Mend the labels known to be wrong: in What's Up A two captions of a pillow are swapped."""
    strict: bool = True
    """Refuse repeated rows and incomplete sets of pictures; false = repeated rows are dropped, and
    incomplete sets are left out of pair and set accuracy."""
    limit: PositiveInt | None = Field(None)
    """Use only so many items, drawn by the seed; where they form sets, whole sets."""
