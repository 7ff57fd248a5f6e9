"""Draw tiny benchmarks in the layout of the published ones: our own pictures, our own captions.

python tests/draw_benchmarks.py FOLDER
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

SIZE = 50
COLOURS = {"mug": "blue", "pillow": "red", "beer-bottle": "green", "book": "purple",
           "cup": "orange", "spoon": "black", "bowl": "brown", "dog": "olive", "cat": "teal",
           "table": "gray", "chair": "gray", "armchair": "gray", "plate": "gray"}  # fmt: skip
PLACES = {"left_of": (10, 25), "right_of": (40, 25), "on": (25, 10), "under": (25, 40),
          "in-front_of": (25, 42), "behind_of": (25, 8), "left": (10, 25), "right": (40, 25),
          "top": (25, 10), "bottom": (25, 40), "above": (25, 10), "below": (25, 40)}  # fmt: skip
SETS_A = (("mug", "table"), ("pillow", "chair"), ("beer-bottle", "armchair"), ("book", "table"))
SETS_B = (("cup", "plate"), ("spoon", "bowl"), ("mug", "plate"))
PHRASES = {"left_of": "to the left of", "right_of": "to the right of", "on": "on",
           "under": "under", "in-front_of": "in front of", "behind_of": "behind"}  # fmt: skip


def picture(thing: str, place: str, reference: str | None = None, kind: str = "PNG") -> bytes:
    """A square for the reference in the middle, and a disc for the thing at its place."""
    image = Image.new("RGB", (SIZE, SIZE), "white")
    draw = ImageDraw.Draw(image)
    if reference:
        draw.rectangle((18, 18, 32, 32), fill=COLOURS[reference])
    x, y = PLACES[place]
    draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=COLOURS[thing])
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    write(path, json.dumps(value, indent=1).encode())


def whatsup(folder: Path, name: str, images: str, sets: Any, relations: tuple[str, ...]) -> None:
    """A subset of What's Up: the right caption first, then the other three in a fixed order."""
    rows = []
    for (thing, reference), relation in itertools.product(sets, relations):
        file = f"{images}/{thing}_{relation}_{reference}.jpeg"
        write(folder / file, picture(thing, relation, reference, "JPEG"))
        others = [each for each in relations if each != relation]
        captions = [
            f"A {thing.replace('-', ' ')} {PHRASES[each]} a {reference}"
            for each in (relation, *others)
        ]
        rows.append({"image_path": f"data/{file}", "caption_options": captions})
    write_json(folder / name, rows)


def caption_pairs(folder: Path, prefix: str, images: str, name: str) -> None:
    """One and two objects; two rows share each picture, as in the published files."""
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top",
                "above": "below", "below": "above"}  # fmt: skip
    one, two = [], []
    for number, place in enumerate(("left", "right", "top", "bottom")):
        identifier = 100 + number
        write(folder / images / name.format(identifier), picture("dog", place, None, "JPEG"))
        for thing in ("dog", "puppy"):
            right, wrong = (f"A photo of a {thing} on the {p}" for p in (place, opposite[place]))
            one.append([identifier, right, wrong])
    phrases = {"left": "to the left of", "right": "to the right of"}
    for number, place in enumerate(("left", "right", "above", "below")):
        identifier = 200 + number
        write(folder / images / name.format(identifier), picture("dog", place, "table", "JPEG"))
        right, wrong = (
            f"A photo of a dog {phrases.get(p, p)} a table" for p in (place, opposite[place])
        )
        two.append([identifier, right, wrong])
    write_json(folder / f"{prefix}_qa_one_obj.json", one)
    write_json(folder / f"{prefix}_qa_two_obj.json", two)


def mmbench(folder: Path) -> None:
    """Eight rows: three with two options, one that refers to another row's picture."""
    lines = [["index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image"]]
    names = ["blue", "red", "green", "black"]
    things = ["mug", "pillow", "beer-bottle", "spoon"]
    for i in range(8):
        data = base64.b64encode(picture(things[i % 4], "left")).decode()
        options = names if i % 3 else [names[i % 4], names[(i + 1) % 4], "nan", ""]
        answer = "ABCD"[options.index(names[i % 4])]
        image = "2" if i == 6 else data
        hint = "Look at the disc." if i % 2 else "nan"
        row = [str(i), "Which colour is the disc?", hint, *options, answer, f"part{i % 2}", image]
        lines.append(row)
    write(folder / "mmbench.tsv", "\n".join("\t".join(line) for line in lines).encode())


def scienceqa(folder: Path) -> None:
    problems: dict[str, Any] = {}
    for i, place in enumerate(("left", "right", "top", "bottom", "left", "top")):
        choices = ["left", "right", "top", "bottom"][: 4 if i % 2 else 3]
        place = place if place in choices else "top"
        problems[str(i + 1)] = {
            "question": "At which edge is the disc?", "choices": choices,
            "answer": choices.index(place), "hint": "Discs are round." if i % 2 else "",
            "image": "image.png", "split": "test", "subject": ("natural", "social")[i % 2],
        }  # fmt: skip
        write(folder / f"images/test/{i + 1}/image.png", picture("cup", place))
    problems["90"] = {**problems["1"], "image": None}
    problems["91"] = {**problems["1"], "split": "train"}
    write_json(folder / "problems.json", problems)


def textvqa(folder: Path) -> None:
    rows = []
    for i, word in enumerate(("left", "right", "STOP", "seven", "exit 12", "left")):
        write(
            folder / f"train_images/pic{i}.jpg",
            picture("cat", list(PLACES)[i % 4], (None, "table")[i % 2], "JPEG"),
        )
        answers = [word] * 6 + [word.upper()] * 2 + ["unanswerable", "something else"]
        rows.append({"question_id": 30000 + i, "image_id": f"pic{i}", "answers": answers,
                     "question": "What does the sign say?"})  # fmt: skip
    write_json(folder / "TextVQA_0.5.1_val.json", {"data": rows})


def custom(folder: Path) -> None:
    rows: list[dict[str, Any]] = []
    for i, place in enumerate(("left", "right", "top", "bottom")):
        write(folder / f"pictures/{place}.png", picture("bowl", place))
        asked = {"id": f"edge-{i}", "image": f"pictures/{place}.png",
                 "question": "At which edge is the disc?"}  # fmt: skip
        options = ["left", "right", "top", "bottom"]
        rows.append({**asked, "options": options, "answer": place, "category": "edge"})
        rows.append({**asked, "id": f"free-{i}", "options": None, "answer": place})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    write(folder / "questions.jsonl", lines.encode())
    for row in rows:
        data = (folder / row["image"]).read_bytes()
        row["image"] = {"bytes": data, "path": None}
        row.setdefault("category", None)
    pq.write_table(pa.Table.from_pylist(rows), folder / "questions.parquet")


def draw_all(folder: Path) -> None:
    """All benchmarks, each in a folder of its own."""
    a, b = ("left_of", "right_of", "on", "under"), (
        "left_of", "right_of", "in-front_of", "behind_of")  # fmt: skip
    up = folder / "whatsup"
    whatsup(up, "controlled_images_dataset.json", "controlled_images", SETS_A, a)
    whatsup(up, "controlled_clevr_dataset.json", "controlled_clevr", SETS_B, b)
    caption_pairs(folder / "coco", "coco", "val2017", "{:012d}.jpg")
    caption_pairs(folder / "gqa", "vg", "vg_images", "{}.jpg")
    mmbench(folder / "mmbench")
    scienceqa(folder / "scienceqa")
    textvqa(folder / "textvqa")
    custom(folder / "custom")


ROWS = {"whatsup_a": 16, "whatsup_b": 12, "coco_spatial_one": 8, "coco_spatial_two": 4,
        "gqa_spatial_one": 8, "gqa_spatial_two": 4, "mmbench": 8, "scienceqa": 6, "textvqa": 6,
        "custom": 8}  # fmt: skip
FOLDERS = {"whatsup_a": "whatsup", "whatsup_b": "whatsup", "coco_spatial_one": "coco",
           "coco_spatial_two": "coco", "gqa_spatial_one": "gqa", "gqa_spatial_two": "gqa",
           "mmbench": "mmbench", "scienceqa": "scienceqa", "textvqa": "textvqa",
           "custom": "custom"}  # fmt: skip

if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))
