"""Begin from trained weights: distillation, freezing, widening, averaging."""
