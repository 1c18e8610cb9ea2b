"""`requirements.txt` of an export: the exact versions that the losses were made with."""

from __future__ import annotations

from planner.run.spec import RunSpec


def requirements(spec: RunSpec) -> str:
    """Exact pins. A local build mark ("+cpu") is kept in words, since an index may not offer that very build."""
    lines = [
        "# The versions of the run. Losses agree to the last bit only with these.",
        "# torch comes in builds for the CPU and for each kind of accelerator; an ordinary install may fetch several GB.",
        "# Without an accelerator, install torch's CPU build first, as PyTorch's install page says, then this file.",
    ]
    for name, version in spec.versions:
        public, _, build = version.partition("+")
        if build:
            lines.append(f"# {name}: the run used the build {public}+{build}")
        lines.append(f"{name}=={public}")
    return "\n".join(lines) + "\n"
