"""What's Up, subset A: a household object on, under, left or right of a piece of furniture."""

from __future__ import annotations

from sparkle.external.whatsup import WhatsUp


class WhatsUpA(WhatsUp):
    """103 sets of four photographs."""

    name = "whatsup_a"
    summary = "What's Up A: left, right, on, under (412 photographs)"
    file = "controlled_images_dataset.json"
    published_rows = 412
    axes = {"left_of": "side", "right_of": "side", "on": "height", "under": "height"}
    correctable = True
    swapped = ("pillow_left_of_chair", "pillow_right_of_chair")


BENCHMARKS = (WhatsUpA(),)
