"""What's Up, subset B: two objects on a black tabletop, one beside, before or behind the other."""

from __future__ import annotations

from sparkle.external.whatsup import WhatsUp


class WhatsUpB(WhatsUp):
    """102 sets of four photographs."""

    name = "whatsup_b"
    summary = "What's Up B: left, right, in front, behind (408 photographs)"
    file = "controlled_clevr_dataset.json"
    published_rows = 408
    axes = {"left_of": "side", "right_of": "side", "in-front_of": "depth", "behind_of": "depth"}


BENCHMARKS = (WhatsUpB(),)
