"""Other people's estimators on the same rows, each in its own environment, never a dependency of this program.

What each is told is made from the row and the table of shapes, as a person would type it from the model's page; the
code that answers is the tool's own. The two `_side` files run inside the tool's environment and import nothing of ours.
"""
