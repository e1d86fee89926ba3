"""Start from trained weights: distillation, freezing, widening, interpolation."""
