"""Share arrays, pictures and quads: what more than one model needs."""
