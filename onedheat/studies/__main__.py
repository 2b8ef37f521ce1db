"""`python -m onedheat.studies`, see `onedheat.studies.make`."""

from onedheat.studies.make import main

if __name__ == "__main__":
    main()
