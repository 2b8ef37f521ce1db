"""`python -m onedheat.kept`, see `onedheat.kept.make`."""

from onedheat.kept.make import main

if __name__ == "__main__":
    main()
