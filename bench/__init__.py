"""Speed and accuracy, measured beside other engines."""
