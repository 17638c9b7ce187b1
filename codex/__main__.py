"""`python -m codex` is the command line."""

from codex.cli.main import main

if __name__ == "__main__":
    main()
