"""``python -m cartwheel``."""

import sys

from cartwheel.app import main

sys.exit(main())
