"""The survey's systems side by side: what their papers report, what is measured here, and the page that shows both."""
