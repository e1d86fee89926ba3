"""From probabilities of characters to text: search, language model, lexicon."""
