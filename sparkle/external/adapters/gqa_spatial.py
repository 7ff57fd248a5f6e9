"""GQA-spatial: the same questions as COCO-spatial on photographs of Visual Genome."""

from __future__ import annotations

from sparkle.external.caption_pairs import CaptionPairs


class GqaSpatial(CaptionPairs):
    """Pictures ``vg_images/{id}.jpg``."""

    folder = "vg_images"
    source = (
        "the JSON file and vg_images by the README of"
        " https://github.com/amitakamath/whatsup_vlms, unpacked side by side"
    )


class GqaOne(GqaSpatial):
    """One object: left, right, top or bottom."""

    name = "gqa_spatial_one"
    summary = "GQA-spatial, one object (1160 questions)"
    file = "vg_qa_one_obj.json"
    published_rows = 1160


class GqaTwo(GqaSpatial):
    """Two objects: left, right, in front of, behind, and so on."""

    name = "gqa_spatial_two"
    summary = "GQA-spatial, two objects (291 questions)"
    file = "vg_qa_two_obj.json"
    published_rows = 291


BENCHMARKS = (GqaOne(), GqaTwo())
