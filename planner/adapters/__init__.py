"""What is trained beside frozen weights: for each kind of adapter its tensors and its operations on the tape.

Each kind follows its layer in PEFT (0.21) operation by operation, so that what is cast, copied and kept per target is
seen. A kind is a frozen dataclass with what its configuration says; `adapted` puts it on the matmuls of a stack.
"""
