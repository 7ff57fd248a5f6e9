"""References to base weights: one small JSON file per model, whatever its source."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from sparkle.errors import SparkleError
from sparkle.files import folder_hash, read_json, write_json


@dataclass(frozen=True)
class BaseModel:
    """Where base weights are and what they are.

    Attributes:
        path: Folder of the weights in Hugging Face format; relative to the reference file when
            it lies beside it.
        identity: Hash of the weights, or name and commit on a hub.
    """

    path: str
    identity: str


def write_base(reference: Path, folder: Path, identity: str | None = None) -> BaseModel:
    """Write the reference of the weights in ``folder``, hashed unless an identity is known."""
    inside = reference.parent in folder.parents
    path = str(folder.relative_to(reference.parent)) if inside else str(folder.resolve())
    base = BaseModel(path, identity or folder_hash(folder))
    write_json(reference, asdict(base))
    return base


def read_base(reference: Path) -> BaseModel:
    """The reference with its path made usable from here.

    Raises:
        SparkleError: The weights are no longer there.
    """
    data = read_json(reference)
    folder = reference.parent / data["path"]
    if not (folder / "config.json").is_file():
        raise SparkleError(
            f"{reference} refers to the model folder {folder}, which holds no config.json.",
            f"Delete {reference} and run again.",
        )
    return BaseModel(str(folder), data["identity"])


def check_folder(path: Path, key: str) -> Path:
    """A user's model folder, or a clear error that names the config key."""
    if not path.is_dir():
        raise SparkleError(
            f"{key}: the model folder {path} does not exist.",
            "Give the path of a folder in Hugging Face format, absolute or relative to where you"
            " start the command.",
        )
    if not (path / "config.json").is_file():
        raise SparkleError(
            f"{key}: {path} is no model folder: it holds no config.json.",
            "Save the model with save_pretrained, or download a snapshot of it.",
        )
    return path


def fetch(model: str, *, revision: str | None, hub: str, reference: Path) -> BaseModel:
    """Download a snapshot from a hub into its cache and write the reference to it."""
    try:
        if hub == "huggingface":
            from huggingface_hub import snapshot_download

            folder = Path(snapshot_download(model, revision=revision))
        else:
            from modelscope import snapshot_download as modelscope_download

            folder = Path(modelscope_download(model, revision=revision))
    except Exception as error:  # the hubs raise dozens of types: each means "not to be had"
        raise SparkleError(
            f"The model '{model}' could not be fetched from {hub}: {error}",
            "Check its name, the network and your access token (environment variable HF_TOKEN),"
            " or download it by hand and use 'source: folder'.",
        ) from error
    return write_base(reference, folder, f"{hub}:{model}@{revision or folder.name}")
