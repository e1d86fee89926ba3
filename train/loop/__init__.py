"""Run a training: loop, schedule, checkpoints, options."""
