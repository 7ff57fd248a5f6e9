"""What a benchmark is: a reader of its files, and the task that judges answers to its questions."""

from __future__ import annotations

import string
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sparkle.config.evaluation import BenchmarkForm
from sparkle.external.files import find_file
from sparkle.external.parsing import normal_text, parse_text, parse_word, parse_yes_no
from sparkle.external.settings import BenchmarkSettings
from sparkle.scenes.randomness import Rng
from sparkle.tasks.base import Asking, Question, Score, Task
from sparkle.tasks.parsing import parse_choice

if TYPE_CHECKING:
    import pandas as pd

Metric = tuple[str, float, float, float, int, str]
"""Name, value, low, high, n, and how the interval was made."""
Proportion = Any
"""A function (name, flags) -> Metric; handed in, since intervals are the scoring layer's."""
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Item:
    """One row of a benchmark, whatever form it is asked in.

    Attributes:
        key: Unique inside the benchmark, and the same whatever the order of the file.
        image: The picture: a path, or its bytes.
        question: The question of the forms ``choice`` and ``text``, without options.
        options: Texts to choose from; empty for free text.
        right: Index of the right option.
        answers: Reference answers of free text, one per annotator.
        gap: The captions with a gap where they differ, for the form ``words``.
        words: The word that each option stands for; see ``gap``.
        offered: The words to choose from in the form ``words``.
        labels: What results are grouped by, such as ``relation``, ``pair`` and ``set``.
    """

    key: str
    image: Path | bytes
    question: str
    options: tuple[str, ...] = ()
    right: int = 0
    answers: tuple[str, ...] = ()
    gap: str = ""
    words: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


class Benchmark(Task):
    """One benchmark: a file of :mod:`sparkle.external.adapters` that says how it is read.

    It is a task like those of :mod:`sparkle.tasks`, so that inference, references and scoring need
    not know it; but its questions come from files, and it has no scenes.
    """

    family = "external"
    version = 2
    parser_version = 2
    trainable = False
    forms: ClassVar[tuple[BenchmarkForm, ...]]
    file: ClassVar[str]
    """Name of the file of questions, as published."""
    source: ClassVar[str]
    """Where its files can be had, for people."""
    groups: ClassVar[tuple[str, ...]] = ()
    """Labels by which accuracy is broken down."""
    correctable: ClassVar[bool] = False
    """Whether there are labels known to be wrong that ``correct_labels`` mends."""

    def find(self, settings: BenchmarkSettings) -> Path:
        """The user's file of questions; an error that says where to get it if it is missing."""
        name = settings.chosen.file or self.file
        return find_file(settings.root, name, settings.key, self.source)

    @abstractmethod
    def read(self, settings: BenchmarkSettings) -> list[Item]:
        """All items of the user's files, checked: count and layout. Pictures are checked after.

        Raises:
            SparkleError: Something is missing or malformed; the message says what, and where to
                get it.
        """

    def notes(self, settings: BenchmarkSettings) -> list[str]:
        """What a reader of the results must know, such as labels that were mended."""
        chosen, found = settings.chosen, []
        if not chosen.shuffle_options:
            found.append("options are in the order of the file, which may give the answer away")
        if chosen.limit is not None:
            found.append(f"a sample of {chosen.limit} items")
        if not chosen.strict:
            found.append("repeated rows dropped, incomplete sets left out of pair and set accuracy")
        return found

    # The task -----------------------------------------------------------------------------------

    def training_questions(
        self, scene: Any, rng: Rng, asking: Asking, options: Any
    ) -> list[Question]:
        """None: benchmarks are never trained on."""
        return []

    def evaluation_question(
        self, scene: Any, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        """None: the questions come from files, not from scenes."""
        return None

    def solve(self, question: Question, scene: Any) -> str:
        """The right answer, from the target and the options shown (not from ``answer``)."""
        if question.form == "choice":
            return f"\\boxed{{{string.ascii_uppercase[question.options.index(question.target)]}}}"
        return question.target

    def chance(self, question: Question, scene: Any, rng: Rng) -> str:
        """A random option; for free text a random word of the question."""
        if question.form == "choice":
            return f"\\boxed{{{string.ascii_uppercase[int(rng.integers(len(question.options)))]}}}"
        if question.options:
            return str(question.options[int(rng.integers(len(question.options)))])
        words = question.prompt.split("\n")[0].split() or ["?"]
        return words[int(rng.integers(len(words)))]

    def parse(self, answer: str, question: Question) -> str | None:
        if question.kind == "yes_no":
            return parse_yes_no(answer)
        if question.kind == "words":
            return parse_word(answer, question.options)
        if question.kind == "text":
            return parse_text(answer)
        chosen = parse_choice(answer, question.options)
        return None if chosen is None else question.options[chosen]

    def score(self, parsed: str | None, question: Question, scene: Any) -> Score:
        if question.kind != "text":
            return Score(parsed is not None and parsed == question.target)
        given = [normal_text(answer) for answer in question.subject["answers"]]
        said = None if parsed is None else normal_text(parsed)
        return Score(said is not None and said in given, self.text_measures(said, given))

    def text_measures(self, said: str | None, given: Sequence[str]) -> dict[str, float | None]:
        """Further measures of a free text answer."""
        return {}

    def summaries(self, scores: pd.DataFrame, proportion: Proportion) -> Iterator[Metric]:
        """Metrics over groups of rows, beside the accuracy of single rows.

        Args:
            scores: A score table with the columns ``correct`` and ``subject`` (as mappings).
            proportion: Makes a metric with its interval from a name and flags.
        """
        import pandas as pd  # slow to import, and every evaluation of the workflow imports this

        frame = pd.DataFrame(list(scores["subject"])).assign(correct=scores["correct"].to_numpy())
        items = frame.groupby("item", sort=False)["correct"].all()
        if len(items) < len(frame):
            yield proportion("item_accuracy", items)
        for label in self.groups:
            if label in frame:
                for value, rows in frame.dropna(subset=[label]).groupby(label):
                    yield proportion(f"{label}_{value}", rows["correct"])


def soft_accuracy(said: str | None, given: Sequence[str]) -> float:
    """Agreement with several annotators: min(matches / 3, 1), averaged over leaving out each one.

    The measure of VQA (Antol et al., ICCV 2015) as TextVQA uses it; with one reference answer it
    is plain equality.
    """
    if said is None:
        return 0.0
    if len(given) == 1:
        return float(said == given[0])
    matches = Counter(given)[said]
    each = (min((matches - (answer == said)) / 3, 1.0) for answer in given)
    return sum(each) / len(given)
