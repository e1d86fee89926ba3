"""The library of free typefaces that training draws with, fetched once and kept outside the tree."""
