"""COCO-spatial: where one object is in a COCO photograph, or how two of them stand."""

from __future__ import annotations

from sparkle.external.caption_pairs import CaptionPairs
from sparkle.external.files import refuse


class CocoSpatial(CaptionPairs):
    """Pictures ``val2017/{id:012d}.jpg``."""

    folder = "val2017"
    source = (
        "the JSON file by the README of https://github.com/amitakamath/whatsup_vlms, the pictures"
        " as http://images.cocodataset.org/zips/val2017.zip, unpacked beside it"
    )

    def image_name(self, identifier: str, where: str) -> str:
        if not identifier.isdecimal():
            refuse(where, "the image id of COCO must be a number")
        return f"{int(identifier):012d}.jpg"


class CocoOne(CocoSpatial):
    """One object: left, right, top or bottom."""

    name = "coco_spatial_one"
    summary = "COCO-spatial, one object (2247 questions)"
    file = "coco_qa_one_obj.json"
    published_rows = 2247


class CocoTwo(CocoSpatial):
    """Two objects: left, right, above or below each other."""

    name = "coco_spatial_two"
    summary = "COCO-spatial, two objects (440 questions)"
    file = "coco_qa_two_obj.json"
    published_rows = 440


BENCHMARKS = (CocoOne(), CocoTwo())
