"""What this computer's own runs teach: observations, and the corrections that come of them."""
