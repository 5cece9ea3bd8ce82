"""`python -m dutchbook` is the command line."""

from dutchbook.cli import main

if __name__ == "__main__":
    main()
