"""Open fonts and set text with them."""
