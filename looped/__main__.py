"""`python -m looped` is the command `looped`."""

from looped.cli.main import main

if __name__ == "__main__":
    main(prog_name="looped")
