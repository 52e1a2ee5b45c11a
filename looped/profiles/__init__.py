"""Random programs of each machine: how to generate them, what they do, how to list a failing
one."""
