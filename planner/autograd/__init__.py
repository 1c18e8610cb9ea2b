"""A small autograd with sizes instead of tensors: what one block and one loss keep, make and drop, both ways.

`amount` is a size, `tape` follows operations as torch does, `operations` are the operations, `block` and `head` run a
block and a loss on the tape once and remember what came out.
"""
