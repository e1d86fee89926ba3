"""Search text in probabilities of characters, with a language model and a lexicon."""
