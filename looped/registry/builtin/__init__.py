"""The machines of `looped`. Each file registers one machine."""
