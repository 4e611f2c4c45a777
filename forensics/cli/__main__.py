"""`python -m forensics.cli` is the command `forensics`."""

import sys

from forensics.cli import main

if __name__ == "__main__":
    sys.exit(main())
