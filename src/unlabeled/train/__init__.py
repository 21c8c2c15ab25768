"""The loop, optimisers, checkpoints, run folders, devices and processes."""
