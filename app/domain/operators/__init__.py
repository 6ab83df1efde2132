"""Orders of operators, and their audit."""
