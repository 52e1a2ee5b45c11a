"""Assembly languages: text to image. They know nothing of transformers."""
