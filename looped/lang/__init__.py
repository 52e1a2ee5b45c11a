"""Assembly languages: text to image. This room knows no transformer."""
