"""``python -m sparkle`` is the same as ``sparkle``."""

import sys

from sparkle.cli import main

if __name__ == "__main__":
    sys.exit(main())
