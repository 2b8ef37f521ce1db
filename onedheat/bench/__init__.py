"""What networks cost: the bytes of a training step, and the time of a face."""
