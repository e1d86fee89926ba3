"""Provide the text to render: sentences, words, characters."""
