"""Find text on a page: what every detector shares."""
