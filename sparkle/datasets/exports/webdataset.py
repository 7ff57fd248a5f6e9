"""WebDataset: tar files of samples, each a picture and a JSON file with the same stem."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from sparkle.datasets.card import Layout, hugging_face
from sparkle.datasets.examples import Example
from sparkle.datasets.exports.common import Job

_SAMPLES = 10_000
_BYTES = 256 << 20


def write(job: Job) -> Layout:
    """``data/{split}-*.tar`` of up to 10,000 samples or 256 MiB."""
    (job.folder / "data").mkdir()
    archive: tarfile.TarFile | None = None
    samples = 0
    try:
        for example in job.examples():
            if archive is None or samples == _SAMPLES or archive.offset > _BYTES:
                if archive is not None:
                    archive.close()
                name = f"data/{job.split}-{len(job.files):06d}.tar"
                job.files.append(name)
                archive, samples = _new(job, name), 0
            key = f"{example.row:08d}"
            _add(archive, f"{key}.json", json.dumps(_sample(example), ensure_ascii=False).encode())
            _add(archive, f"{key}.{example.suffix}", example.image)
            samples += 1
    finally:
        if archive is not None:
            archive.close()
    last = len(job.files) - 1
    return Layout(
        "Tar files in `data/`; a sample is the picture `KEY.png` (or .jpg, as it came) with"
        " `KEY.json`. With the library"
        f' `webdataset`: `WebDataset("data/{job.split}-{{000000..{last:06d}}}.tar")`.',
        hugging_face(job.split),
        f"data/{job.split}-*.tar",
    )


def _new(job: Job, name: str) -> tarfile.TarFile:
    return tarfile.open(job.folder / name, "w", format=tarfile.USTAR_FORMAT)


def _sample(example: Example) -> dict[str, Any]:
    return {"image_id": example.image_id, "messages": example.messages, **example.record}


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    # A fresh TarInfo has no owner and the time 0: equal data gives equal bytes.
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))
