"""What the rows of a data set are: counts, labels, numbers, texts and pictures, by split and group."""
