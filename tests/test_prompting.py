"""Ways of asking, the constant reference, backends."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from draw_benchmarks import picture
from PIL import Image

from sparkle.config.inference import Prompting
from sparkle.datasets.synthesis import make_items
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.inference.examples import example_pool
from sparkle.inference.infer import Subject, _request, infer, infer_options
from sparkle.inference.prompting import check_examples, conversation, plain_hash, prompt_hash
from sparkle.inference.reference import _kind, _most_frequent
from sparkle.scenes.spec import scene_hash


def row(number: int, **changes: Any) -> dict[str, Any]:
    places = ("left", "right", "top", "bottom")
    return {"id": f"s/{number}", "image": picture("mug", places[number % 4]), "task": "t",
            "scene_hash": f"p{number % 4}", "kind": "k", "form": "choice", "answer": f"a{number}",
            "prompt": f"Question {number}?", **changes}  # fmt: skip


ROWS = [row(number) for number in range(12)]


def test_plain_questions_go_out_as_they_are() -> None:
    (turn,) = conversation(ROWS[0], ROWS, Prompting())
    assert (turn.role, turn.text, turn.image) == ("user", "Question 0?", ROWS[0]["image"])
    assert prompt_hash([turn]) == plain_hash(ROWS[0]) != plain_hash(ROWS[4])


def test_examples_are_solved_questions_about_other_pictures() -> None:
    asked = conversation(ROWS[0], ROWS, Prompting(style="few_shot", shots=3))
    assert [turn.role for turn in asked] == ["user", "assistant"] * 3 + ["user"]
    numbers = [int(turn.text[1:]) for turn in asked if turn.role == "assistant"]
    assert len(set(numbers)) == 3 and not any(number % 4 == 0 for number in numbers)
    assert asked == conversation(ROWS[0], list(ROWS), Prompting(style="few_shot", shots=3))
    assert asked != conversation(ROWS[0], ROWS, Prompting(style="few_shot", shots=3, seed=2))
    sent = _request(asked)
    assert sent["messages"][0]["content"].startswith("<image>Question ")
    assert len(sent["images"]) == 4
    assert sum(message["content"].count("<image>") for message in sent["messages"]) == 4


def test_examples_are_of_the_same_kind_and_enough() -> None:
    pool = [*ROWS[:2], *(row(n, kind="other") for n in range(2, 9))]
    asked = conversation(ROWS[0], pool, Prompting(style="few_shot", shots=1))
    assert asked[0].text == "Question 1?"
    for shots, enough in ((1, True), (2, False)):
        prompting = Prompting(style="few_shot", shots=shots)
        if enough:
            check_examples(ROWS[:1], pool, prompting)
            continue
        with pytest.raises(SparkleError, match="needs 2 examples, but only 1"):
            check_examples(ROWS[:1], pool, prompting)
        with pytest.raises(SparkleError, match="needs 2 examples, but only 1"):
            conversation(ROWS[0], pool, prompting)


def test_examples_for_synthetic_sets_are_drawn_apart(miniature: dict[str, Any]) -> None:
    shots = {"style": "few_shot", "shots": 2}
    miniature["models"]["shots"] = {"source": "variant", "of": "mini", "prompting": shots}
    miniature["models"]["plain"] = {"source": "variant", "of": "mini"}
    found = Experiment.from_mapping(miniature)
    assert found.inference("plain").examples == {} == found.inference("mini").examples
    chosen = found.inference("shots")
    assert set(chosen.examples) == set(miniature["evaluation_sets"])
    for name, source in chosen.examples.items():
        own = found.evaluation_source(name)
        assert source.model_copy(update={"source": name, "images": own.images}) == own
        tested = [
            question._asdict()
            | {"id": f"{name}/{i}", "image": b"", "scene_hash": scene_hash(scene)}
            for i, (scene, (question,)) in enumerate(make_items(own, 0, own.images))
        ]
        pool = example_pool(tested, source, chosen.prompting)
        assert not {r["scene_hash"] for r in pool} & {r["scene_hash"] for r in tested}
        assert pool == example_pool(tested, source, chosen.prompting)
        asked = conversation(tested[0], pool, chosen.prompting)
        said = {(r["image"], r["prompt"], r["answer"]) for r in pool}
        for user, assistant in zip(asked[:-1:2], asked[1::2], strict=True):
            assert (user.image, user.text, assistant.text) in said
        # A scene that is tested is left out, and other ways of asking draw nothing.
        less = example_pool([*tested, pool[0]], source, chosen.prompting)
        assert len(less) < len(pool) and pool[0]["scene_hash"] not in {
            r["scene_hash"] for r in less
        }
        assert example_pool(tested, source, Prompting()) is tested
    shots["examples"] = "same_set"
    assert Experiment.from_mapping(miniature).inference("shots").examples == {}


def test_reasoning_is_asked_for_before_the_answer() -> None:
    (turn,) = conversation(ROWS[0], ROWS, Prompting(style="chain_of_thought"))
    assert turn.text.startswith("Question 0?\n") and "step by step" in turn.text


def test_a_blank_picture_keeps_its_size_and_shows_nothing() -> None:
    asked = conversation(ROWS[0], ROWS, Prompting(picture="blank", style="few_shot", shots=2))
    for turn in asked:
        if turn.image is not None:
            with Image.open(io.BytesIO(turn.image)) as image:
                assert image.size == (50, 50) and len(set(image.tobytes())) == 1


def test_the_most_frequent_answer_by_kind() -> None:
    rows = [row(n, answer=a, kind=k) for n, (a, k) in enumerate(
        [("x", "1"), ("y", "1"), ("y", "1"), ("b", "2"), ("a", "2")])]  # fmt: skip
    found = _most_frequent(rows)
    assert found[_kind(rows[0])] == "y" and found[_kind(rows[3])] == "a"


def test_references_are_chosen_by_config(miniature: dict[str, Any]) -> None:
    names = [cell.model for cell in Experiment.from_mapping(miniature).reference_cells()]
    assert names == ["oracle", "chance"]
    miniature["matrix"] = {"references": ["oracle", "chance", "most_frequent"]}
    assert len(Experiment.from_mapping(miniature).reference_cells()) == 3
    miniature["matrix"] = {"references": ["blind"]}
    with pytest.raises(SparkleError, match="matrix.references"):
        Experiment.from_mapping(miniature)


@pytest.mark.parametrize("backend", ["vllm", "sglang", "lmdeploy"])
def test_a_backend_that_is_not_installed_is_named(
    miniature: dict[str, Any], tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    miniature["inference"] = {"backend": backend}
    settings = Experiment.from_mapping(miniature).inference("mini")
    subject = Subject("folder", None, "identity")
    assert infer_options(settings, subject, 1)["infer_backend"] == backend
    with pytest.raises(SparkleError, match=f"'{backend}' is not installed.*\n.*transformers"):
        infer(settings, subject, [], tmp_path / "out", work=tmp_path / "work")
    assert not (tmp_path / "work").exists()


# Evaluation sets in the config --------------------------------------------------------------------

BAD: list[tuple[dict[str, Any], str]] = [
    ({"benchmark": "whatsup_c", "path": "x"}, "no benchmark 'whatsup_c'.\n.*whatsup_"),
    ({"benchmark": "whatsup_a"}, "evaluation_sets.new.path: this key is required"),
    ({"benchmark": "whatsup_a", "path": "x", "from": "choice"},
     "evaluation_sets.new.from: unknown key.\n.*'form'"),
    ({"benchmark": "whatsup_a", "path": "x", "form": "text"}, "form: whatsup_a cannot be asked as"),
    ({"benchmark": "whatsup_a", "path": "x", "form": "essay"}, "evaluation_sets.new.form"),
    ({"benchmark": "whatsup_a", "path": "x", "form": "words", "circular": True},
     "nothing to rotate"),
    ({"benchmark": "whatsup_b", "path": "x", "correct_labels": True}, "no labels that are known"),
    ({"benchmark": "mmbench", "path": "x", "rows": 0}, "evaluation_sets.new.rows"),
    ({"task": "direction", "path": "x"}, "evaluation_sets.new.path: unknown key"),
]  # fmt: skip


@pytest.mark.parametrize(("new", "words"), BAD)
def test_faults_in_sets_are_named(
    miniature: dict[str, Any], new: dict[str, Any], words: str
) -> None:
    miniature["evaluation_sets"]["new"] = new
    with pytest.raises(SparkleError, match=words):
        Experiment.from_mapping(miniature)


def test_sets_from_files_stand_beside_synthesized_ones(miniature: dict[str, Any]) -> None:
    miniature["evaluation_sets"]["new"] = {"benchmark": "whatsup_a", "path": "x"}
    experiment = Experiment.from_mapping(miniature)
    assert experiment.benchmark_sets == ["new"] and "new" not in experiment.synthetic_sets
    with pytest.raises(SparkleError, match="read from files"):
        experiment.evaluation_source("new")
    with pytest.raises(SparkleError, match="is synthesized"):
        experiment.benchmark("direction")
