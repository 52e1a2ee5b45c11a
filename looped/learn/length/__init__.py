"""Length generalisation: a looped block and a stack of fixed depth, trained on short inputs."""
