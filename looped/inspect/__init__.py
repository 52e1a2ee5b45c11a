"""Views of a machine for people: listings and pictures."""
