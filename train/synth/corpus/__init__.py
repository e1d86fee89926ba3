"""What is written: sentences, words, characters."""
