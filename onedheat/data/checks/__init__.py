"""Say what is wrong with a data set's folder, file by file, before a training run trips over it."""
