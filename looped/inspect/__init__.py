"""Views of a machine for people: listings, pictures and walkthroughs."""
