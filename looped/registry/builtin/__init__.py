"""The machines of `looped`: one file each, which registers one machine."""
