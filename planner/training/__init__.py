"""What training needs beside the model's blocks: losses, optimizers, loops, and one rank's share of many.

Lines and parts of drafts from physical descriptions alone. Techniques may offer them; a published run becomes a draft
with the very same functions.
"""
