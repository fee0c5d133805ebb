"""When the frames came, and which did not: the arrival log and the folds over it."""
