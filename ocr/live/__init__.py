"""Read moving pictures (clips, streams, screens) as events: lines of text, each with the time in which it is seen."""
