"""`python -m onedheat.cli`, see `onedheat.cli`."""

from onedheat.cli import app

if __name__ == "__main__":
    app()
