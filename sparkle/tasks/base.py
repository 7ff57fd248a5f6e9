"""What a task is: questions about a scene, the right answer, a parser and a scorer."""

from __future__ import annotations

import string
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple

from sparkle.config.base import Closed, Form, Geometry, Phrases
from sparkle.scenes.randomness import Rng
from sparkle.scenes.spec import DiscSpec, SceneSpec
from sparkle.tasks.parsing import parse_choice

BOX_HINT = "Answer with the letter of the right option in \\boxed{}."


class TaskOptions(Closed):
    """Options of a task; each task derives its own. Unknown keys are refused."""


class Asking(Closed):
    """How questions are put, whatever the task."""

    geometry: Geometry = "figure"
    directions: Literal[4, 8] = 8
    phrases: Phrases = "train"
    form: Form = "open"
    shuffle_options: bool = False
    numbers: bool = True
    """With numeric distance and coordinate records."""
    descriptions: bool = True
    """With one long description per capability."""


class Question(NamedTuple):
    """One question about one scene, with its answer.

    Attributes:
        task: Name of the task that asked it.
        kind: Question type inside the task, such as ``shortest``.
        form: ``open`` (answer in words) or ``choice`` (answer with a letter).
        prompt: The text put to the model, without the image placeholder.
        answer: What a perfect model writes.
        target: The right answer in canonical form, as the task's parser returns it for classes.
        options: The option texts of a choice question, in the order shown; else empty.
        subject: Everything a scorer needs beside the scene; JSON-able.
        difficulty: Margin to the nearest other answer in the unit of the task and kind, larger
            being easier (but for paths, which count their moves); None if undefined.
    """

    task: str
    kind: str
    form: Form
    prompt: str
    answer: str
    target: str
    options: tuple[str, ...] = ()
    subject: Mapping[str, Any] = MappingProxyType({})
    difficulty: float | None = None


@dataclass(frozen=True)
class Score:
    """The verdict on one answer. ``extras``: the task's measures; None where undefined."""

    correct: bool
    extras: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Phrasing:
    """Templates of one question type: those for training and those held out for testing."""

    train: tuple[str, ...]
    heldout: tuple[str, ...]

    @cached_property
    def _parts(self) -> dict[Phrases, tuple[str, ...]]:
        return {"train": self.train, "heldout": self.heldout, "all": self.train + self.heldout}

    def pick(self, rng: Rng, phrases: Phrases, **values: object) -> str:
        """A random template of the wanted part, filled in."""
        templates = self._parts[phrases]
        return templates[int(rng.random() * len(templates))].format(**values)


class Task(ABC):
    """One capability or one test. Stateless; registered by its module (see ``tasks/__init__``).

    A subclass in a file of its own is all that a new task needs. Raise ``version`` whenever the
    questions or answers of a given scene change, ``parser_version`` when a parsed answer may.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    parser_version: ClassVar[int] = 1
    summary: ClassVar[str]
    family: ClassVar[str] = "basic"
    """Tasks of one family ask about the same training images."""
    trainable: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, Literal["rate", "mean"]]] = {}
    """Further measures that ``score`` gives, and how they are summed up over samples."""
    Options: ClassVar[type[TaskOptions]] = TaskOptions

    def scene_spec(self, discs: DiscSpec, options: Any) -> SceneSpec:
        """The scenes the task asks about; by default the configured discs."""
        return discs

    @abstractmethod
    def training_questions(
        self, scene: Any, rng: Rng, asking: Asking, options: Any
    ) -> list[Question]:
        """All training questions about ``scene``; ambiguous ones are left out."""

    @abstractmethod
    def evaluation_question(
        self, scene: Any, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        """The one test question about ``scene``, or None when it would be ambiguous."""

    @abstractmethod
    def solve(self, question: Question, scene: Any) -> str:
        """A right answer, worked out from the scene alone (not from ``question.answer``)."""

    @abstractmethod
    def chance(self, question: Question, scene: Any, rng: Rng) -> str:
        """A random well-formed answer."""

    @abstractmethod
    def parse(self, answer: str, question: Question) -> str | None:
        """The answer in canonical form, or None when nothing usable is found. Never raises."""

    @abstractmethod
    def score(self, parsed: str | None, question: Question, scene: Any) -> Score:
        """Judge a parsed answer; None is wrong."""


class ClassTask(Task):
    """A task whose evaluation answer is one of a few classes, asked openly or as a choice."""

    @abstractmethod
    def classes(self, question: Question) -> tuple[str, ...]:
        """All possible answers to ``question``, in their fixed order."""

    @abstractmethod
    def parse_open(self, answer: str, question: Question) -> str | None:
        """Parse an answer given in words."""

    @abstractmethod
    def solve_class(self, question: Question, scene: Any) -> str:
        """The right class, worked out from the scene."""

    def solve(self, question: Question, scene: Any) -> str:
        return write_class(question, self.solve_class(question, scene))

    def chance(self, question: Question, scene: Any, rng: Rng) -> str:
        return write_class(question, str(rng.choice(self.classes(question))))

    def parse(self, answer: str, question: Question) -> str | None:
        if question.kind == "description":  # training only; no class, so compared as it is
            return " ".join(answer.split()) or None
        if question.form == "open":
            return self.parse_open(answer, question)
        chosen = parse_choice(answer, question.options)
        if chosen is not None:
            return question.options[chosen]
        in_words = self.parse_open(answer, question)
        return in_words if in_words in question.options else None

    def score(self, parsed: str | None, question: Question, scene: Any) -> Score:
        return Score(correct=parsed is not None and parsed == question.target)


def write_class(question: Question, name: str) -> str:
    """How a perfect answerer says ``name`` to this question: the word, or its boxed letter."""
    if question.form == "open":
        return name
    return f"\\boxed{{{string.ascii_uppercase[question.options.index(name)]}}}"


def as_choice(question: Question, classes: tuple[str, ...], rng: Rng, shuffle: bool) -> Question:
    """Turn an open question with a class answer into a lettered multiple choice question."""
    order = rng.permutation(len(classes)) if shuffle else range(len(classes))
    options = tuple(classes[i] for i in order)
    lines = (f"{string.ascii_uppercase[i]}. {text}" for i, text in enumerate(options))
    prompt = "\n".join((question.prompt, *lines, BOX_HINT))
    letter = string.ascii_uppercase[options.index(question.target)]
    return Question(
        task=question.task,
        kind=question.kind,
        form="choice",
        prompt=prompt,
        answer=f"\\boxed{{{letter}}}",
        target=question.target,
        options=options,
        subject=question.subject,
        difficulty=question.difficulty,
    )
