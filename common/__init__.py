"""Arrays, pictures and quads: what more than one model needs."""
