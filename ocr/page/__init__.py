"""One page: which way up it is and whether its lines run level."""
