"""Random and damaged input for every reader of files that others wrote. CASES of each: few in `make test`, 10,000 by `make fuzz`."""

import os

CASES = int(os.environ.get("PLIMSOLL_FUZZ_CASES", "200"))
