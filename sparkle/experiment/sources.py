"""Which training images there are: train sets that want the same ones share a source of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparkle.config.extend import merge
from sparkle.config.load import parse
from sparkle.config.training import TrainingDataConfig
from sparkle.experiment.parts import use_of
from sparkle.files import canonical_json
from sparkle.tasks import all_tasks, get_task

if TYPE_CHECKING:
    from sparkle.config import Config

_OF_THE_MERGE = {"images", "questions_per_conversation"}
"""Keys of ``training_data`` that choose among images and questions that are there."""


@dataclass(frozen=True)
class Wanted:
    """A source of training images: of one family of tasks, for one or more train sets.

    Attributes:
        data: How the images are made; ``images`` is the most that any train set uses.
        tasks: All tasks that any of the train sets asks, in alphabetical order.
    """

    name: str
    family: str
    data: TrainingDataConfig
    tasks: tuple[str, ...]
    train_sets: tuple[str, ...]


def data_of(config: Config, train_set: str) -> TrainingDataConfig:
    """The section ``training_data`` with the train set's own changes."""
    own = config.train_sets[train_set].data
    merged = merge(config.training_data.model_dump(exclude_unset=True), own)
    return parse(TrainingDataConfig, merged, f"train_sets.{train_set}.data")


def families(config: Config, train_set: str) -> list[str]:
    """Families of the images that feed a train set."""
    return sorted({get_task(name).family for name in config.train_sets[train_set].capabilities})


def wanted_sources(config: Config, train_sets: list[str]) -> dict[str, Wanted]:
    """The sources of some train sets by name.

    Train sets share a source where their data differ in nothing but the number of images, of which
    a smaller one uses the first. A source with the data of the config is called as its family,
    another one after the first train set that uses it too.
    """
    found: dict[str, Wanted] = {}
    names: dict[str, str] = {}
    for train_set in train_sets:
        data = data_of(config, train_set)
        for family in families(config, train_set):
            key = _key(data, family)
            plain = key == _key(config.training_data, family)
            name = names.setdefault(key, family if plain else f"{family}-{train_set}")
            tasks = {
                task
                for task in config.train_sets[train_set].capabilities
                if get_task(task).family == family
            }
            known = found.get(name)
            if known is not None:
                images = max(known.data.images, data.images)
                data_here = known.data.model_copy(update={"images": images})
                tasks |= set(known.tasks)
                users = (*known.train_sets, train_set)
            else:
                data_here, users = data, (train_set,)
            found[name] = Wanted(name, family, data_here, tuple(sorted(tasks)), users)
    return found


def _key(data: TrainingDataConfig, family: str) -> str:
    """What makes the images and questions of a family."""
    values = data.model_dump(mode="json", exclude=_OF_THE_MERGE)
    tasks = all_tasks()
    values["options"] = {
        name: use_of(name, data.options.get(name, {})).options
        for name, task in tasks.items()
        if task.family == family
    }
    return canonical_json([family, values])
