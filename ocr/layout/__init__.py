"""Put lines into reading order, blocks and tables."""
