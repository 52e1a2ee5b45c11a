"""Random programs of each machine: how they are made, what they do, how a failing one is shown."""
