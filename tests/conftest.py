"""Fixtures shared by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent


@pytest.fixture
def miniature() -> dict[str, Any]:
    """The config of the miniature experiment as a fresh mapping."""
    data: dict[str, Any] = yaml.safe_load((ROOT / "tests/miniature.yaml").read_text())
    return data
