"""``python -m safemap`` is the command line."""

from safemap.cli import main

if __name__ == "__main__":
    main()
