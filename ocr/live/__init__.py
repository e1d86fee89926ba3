"""Moving pictures: clips, streams and screens in; events out, each a line of text with the time in which it is seen."""
