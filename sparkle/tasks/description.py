"""Description: one long text of all relations of a scene. Trained on, never tested."""

from __future__ import annotations

from typing import Any

from sparkle.scenes.discs import DiscScene
from sparkle.scenes.randomness import Rng, item_draws
from sparkle.tasks.base import Asking, Phrasing, Question, Score, Task
from sparkle.tasks.direction import describe_directions, names_of
from sparkle.tasks.distance import describe_distances
from sparkle.tasks.localization import describe_places

_WHOLE = Phrasing(
    train=("Describe how {names} are arranged.",),
    heldout=("Give a full account of the places of {names}.",),
)


class Description(Task):
    """All places, directions and distances in one answer."""

    name = "description"
    summary = "one long text of all relations of a scene"

    def training_questions(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> list[Question]:
        prompt = _WHOLE.pick(rng, asking.phrases, names=names_of(scene))
        parts = [describe_places(scene, asking), describe_directions(scene, asking)]
        if asking.numbers:
            parts.append(describe_distances(scene))
        text = " ".join(filter(None, parts))
        subject = asking.model_dump(include={"geometry", "directions", "numbers"})
        return [Question(self.name, "whole", "open", prompt, text, text, subject=subject)]

    def evaluation_question(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        return self.training_questions(scene, rng, asking, options)[0]

    def solve(self, question: Question, scene: DiscScene) -> str:
        asking = Asking(**question.subject)
        rng = item_draws(0, self.name, 0)
        return self.training_questions(scene, rng, asking, None)[0].answer

    def chance(self, question: Question, scene: DiscScene, rng: Rng) -> str:
        sentences = question.answer.split(". ")
        return ". ".join(sentences[i] for i in rng.permutation(len(sentences)))

    def parse(self, answer: str, question: Question) -> str | None:
        text = " ".join(answer.split())
        return text or None

    def score(self, parsed: str | None, question: Question, scene: DiscScene) -> Score:
        """Exact match: the text is for training, and no softer measure is published for it."""
        return Score(correct=parsed == question.target)


TASK = Description()
