"""One line: cut out, read, read again, parted."""
