"""Every combination of techniques at once: which plans there are, what each needs, and which of them is the best that fits."""
