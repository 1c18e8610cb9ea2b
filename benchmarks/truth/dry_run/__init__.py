"""Published runs of PEFT's own comparison, traced with PEFT itself over tensors without contents, beside their figures."""
