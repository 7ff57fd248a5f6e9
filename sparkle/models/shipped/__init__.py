"""Pre-trained weights that come with the package: one folder per model, in Hugging Face format."""

from pathlib import Path

SHIPPED_WEIGHTS = Path(__file__).parent
