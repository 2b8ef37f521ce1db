"""What only a learner needs: widgets, exercises and the commands that run the lessons."""
