"""``python -m needlecpp`` is the command ``needlecpp``."""

import sys

from needlecpp.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
