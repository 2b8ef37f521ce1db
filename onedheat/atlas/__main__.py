"""`python -m onedheat.atlas`, see `onedheat.atlas.make`."""

from onedheat.atlas.make import main

if __name__ == "__main__":
    main()
