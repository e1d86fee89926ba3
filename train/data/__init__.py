"""Read, check, convert and split labelled sets."""
