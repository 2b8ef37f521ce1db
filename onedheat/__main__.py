"""`python -m onedheat …` is `onedheat …`, also where no script is on the path."""

from onedheat.cli import app

if __name__ == "__main__":
    app()
