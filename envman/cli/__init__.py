"""The command line: thin functions over ``operations``, the error edge, exit statuses."""
