"""The engine: state, step, loop, schedules, parallelism, checkpoints, logging. Knows no method."""
