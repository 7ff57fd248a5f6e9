"""The contact sheet of a dataset as files: one PNG, and one page that needs nothing else."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from sparkle.datasets.examples import image_format
from sparkle.datasets.glimpse import Glimpse, Shown
from sparkle.files import atomic_path, write_text
from sparkle.reporting.contact_sheet import (
    MAX_QUESTIONS,
    answer_text,
    decoded,
    draw_sheet,
    prompt_text,
)
from sparkle.reporting.overlay import Mark, marks
from sparkle.reporting.page import environment, resource

_MAX_SIDE = 512
_SMALL_SIDE = 200


def write_preview(seen: Glimpse, output: Path, columns: int = 4) -> list[Path]:
    """Write ``output.png`` and ``output.html``; returns both.

    Raises:
        SparkleError: A picture cannot be decoded.
    """
    sheet = output.with_name(output.name + ".png")
    with atomic_path(sheet) as temporary:
        temporary.write_bytes(draw_sheet(seen, columns))
    page = output.with_name(output.name + ".html")
    template = environment().from_string(resource("preview.html.j2"))
    text = template.render(
        seen=seen,
        style=Markup(resource("style.css.j2")),
        cards=[(shown, _picture(shown), overlay_svg(marks(shown))) for shown in seen.shown],
        prompt_text=prompt_text,
        answer_text=answer_text,
        most=MAX_QUESTIONS,
    )
    write_text(page, text + "\n")
    return [sheet, page]


def _picture(shown: Shown) -> tuple[str, bool]:
    """(data URI, whether to enlarge without smoothing); large pictures are shrunk."""
    image = decoded(shown.image, shown.id)
    small = max(image.size) <= _SMALL_SIDE
    data, kind = shown.image, image_format(shown.image).replace("jpg", "jpeg")
    if max(image.size) > _MAX_SIDE:
        image.thumbnail((_MAX_SIDE, _MAX_SIDE))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        data, kind = buffer.getvalue(), "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}", small


def overlay_svg(found: Sequence[Mark]) -> Markup:
    """The marks as an SVG that lies over the picture."""
    shapes = []
    for mark in found:
        points = [(100 * x, 100 * y) for x, y in mark.points]
        if mark.shape == "ring":
            ((x, y),) = points
            shapes.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{100 * mark.radius:.2f}"/>')
        else:
            (ax, ay), (bx, by) = points
            end = ' marker-end="url(#head)"' if mark.shape == "arrow" else ""
            shapes.append(
                f'<line class="{mark.shape}" x1="{ax:.2f}" y1="{ay:.2f}" x2="{bx:.2f}"'
                f' y2="{by:.2f}"{end}/>'
            )
    return Markup('<svg viewBox="0 0 100 100" aria-hidden="true">' + "".join(shapes) + "</svg>")
