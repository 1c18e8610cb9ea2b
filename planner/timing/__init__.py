"""How long a plan takes, what energy and what money: from operations and bytes moved, corrected by this computer's own runs."""
