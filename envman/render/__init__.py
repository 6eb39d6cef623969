"""(Environment, Facts) to a Document. Pure: the same input gives the same bytes."""
