"""What belongs to one lesson only: its prediction, exercises and quiz, in a module named as its notebook."""
