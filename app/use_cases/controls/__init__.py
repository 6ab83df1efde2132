"""Orders of operators: controls, their audit, cancelling in bulk, for the console and the command line."""
