"""How keys and tokens of well-known services look, whatever stands around them: one list for all that is shown or quoted.

It knows shapes only. Names whose values are secrets depend on where they stand, in a log or in a command line, and are
known where that is read. Each alternative begins with letters of its own, so that a search stays linear.
"""

from __future__ import annotations

SHAPES = (
    r"hf_[A-Za-z0-9]{6,}",  # Hugging Face
    r"sk-[\w-]{12,}",  # OpenAI, Anthropic and others
    r"gh[opsur]_\w{8,}",  # GitHub
    r"github_pat_\w{8,}",
    r"glpat-[\w-]{8,}",  # GitLab
    r"AKIA[0-9A-Z]{12,}",  # Amazon
    r"AIza[\w-]{20,}",  # Google
    r"ya29\.[\w-]{12,}",
    r"xox[abprs]-[\w-]{8,}",  # Slack
    r"nvapi-[\w-]{12,}",  # NVIDIA
    r"xai-\w{16,}",
    r"gsk_\w{16,}",
    r"r8_\w{16,}",
    r"pypi-[\w-]{16,}",
    r"npm_\w{16,}",
    r"dckr_pat_[\w-]{12,}",
    r"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?",  # a signed token of the web
)
KNOWN_KEY = rf"(?<!\w)(?:{'|'.join(SHAPES)})"
"""An expression that finds each of them."""
