"""How long a plan takes, and at what power: from operations and bytes moved, corrected by this computer's own runs."""
